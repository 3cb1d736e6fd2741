"""From molecules to reads."""

import random

import pytest

from varpix_eval.reads import libraries
from varpix_eval.simulation import sequencers
from varpix_eval.simulation.molecules import Fragment, reverse_complement
from varpix_eval.simulation.templates import Read, Template, laid


def pairs(count: int, length: int, seed: int = 1) -> list[sequencers.Named]:
    rng = random.Random(seed)
    made = []
    for i in range(count):
        bases = "".join(rng.choice("ACGT") for _ in range(length))
        made.append((f"r{i}", Fragment(0, length, False), bases, reverse_complement(bases)))
    return made


def test_merged_takes_the_better_base() -> None:
    bases, quality = sequencers.merged(6, (("ACGT", "IIII"), ("ATAC", "IIII")))
    assert bases == "ACGTAT"
    assert quality[:2] == "II"
    worse = sequencers.merged(6, (("ACGG", "III#"), ("ATAC", "IIII")))
    assert worse[0] == "ACGTAT"
    assert worse[1][3] == chr(33 + 38)


def test_merged_reads_stand_alone_and_others_stay_pairs() -> None:
    reads = [("a", 6, (("ACGTAC", "IIIIII"), ("GTACGT", "IIIIII"))), ("b", 40, (("ACGTAC", "IIIIII"), ("GTACGT", "IIIIII")))]
    reads[0] = ("a", 12, (("ACGTACGTACGT", "I" * 12), ("ACGTACGTACGT", "I" * 12)))
    assert [record.split("\n")[0] for record in sequencers.fastq(reads, 2, True)] == ["@a", "@b", "@b"]
    assert [record.split("\n")[0] for record in sequencers.fastq(reads, 1, False)] == ["@a", "@b"]


def test_trimmed_reads_end_with_their_fragment() -> None:
    [(_, _, (one, two))] = sequencers.trimmed([("a", 3, (("ACGTA", "IIIII"), ("AC", "II")))])
    assert (one, two) == (("ACG", "III"), ("AC", "II"))


def test_dwgsim_makes_any_length_with_errors_that_grow() -> None:
    made = list(sequencers.dwgsim(pairs(2000, 300), 250, 7))
    assert all(len(bases) == len(quality) == 250 for _, _, pair in made for bases, quality in pair)
    wrong = [0] * 250
    for (_, _, source, _), (_, _, pair) in zip(pairs(2000, 300), made, strict=True):
        for i, base in enumerate(pair[0][0]):
            wrong[i] += base != source[i]
    assert sum(wrong) / (2000 * 250) == pytest.approx((0.0005 + 0.012) / 2, rel=0.1)
    assert sum(wrong[125:]) > 2 * sum(wrong[:125])


def test_a_fragment_shorter_than_its_reads_goes_on_into_the_adapter() -> None:
    [(_, size, (one, _))] = sequencers.dwgsim(pairs(1, 60), 100, 7)
    assert size == 60
    assert sum(a != b for a, b in zip(one[0][60:], sequencers.ADAPTERS[0], strict=False)) < 5


def test_dirt_is_reproducible_and_has_its_share_of_tails() -> None:
    library = libraries.load()["10x"]
    clean = [(f"r{i}", 100, ((bases, "I" * 100), (mate, "I" * 100))) for i, (_, _, bases, mate) in enumerate(pairs(3000, 100))]
    made = [list(sequencers.dirty(clean, library, 5, "h0.1")) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0] != list(sequencers.dirty(clean, library, 6, "h0.1"))
    tails = sum(min(quality[-3:]) < "9" for _, _, pair in made[0] for _, quality in pair) / 6000
    assert tails == pytest.approx(library.tails, abs=0.03)
    assert all(len(bases) == len(quality) == 100 for _, _, pair in made[0] for bases, quality in pair)


def test_errors_of_a_template_are_laid_at_their_cycles() -> None:
    read = Read("I" * 8, ((1, 1, "C", "T"), (3, 0, "", "GG"), (6, 2, "", "")))
    assert laid(read, "ACGTACGTACGT") == "ATGGGTGT"


def test_where_the_wrong_base_is_the_right_one_here_the_right_one_is_wrong() -> None:
    assert laid(Read("IIII", ((1, 1, "C", "T"),)), "ATGTA") == "ACGT"


def test_transplanted_reads_have_their_templates_qualities() -> None:
    template = Template(0, 60, False, (Read("ABCDE", ()), Read("FGH", ())), (60, 60))
    [(name, fragment, one, two)] = pairs(1, 60)
    fragment = Fragment(0, 60, False, template=0)
    [(_, size, pair)] = sequencers.transplanted([(name, fragment, one, two)], [template])
    assert (size, pair) == (60, ((one[:5], "ABCDE"), (two[:3], "FGH")))

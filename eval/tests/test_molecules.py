"""Molecules: slips and wrong bases that both reads of a pair share."""

import collections
import dataclasses
import random

import pytest

from varpix_eval.reads import libraries
from varpix_eval.reads.libraries import FEWER, MORE, Library
from varpix_eval.simulation.molecules import Fragment, Source, edited, paired, reverse_complement, shared_errors
from varpix_eval.simulation.variants import Haplotype


def quiet(substitutions: float = 0.0) -> Library:
    """A library whose tracts slip at its rates, and no more."""
    return dataclasses.replace(libraries.load()["10x"], tract_sd=0.0, shared=0.0, substitutions=substitutions)


def source(library: Library | None, tract: str = "T" * 12, wrong: list[tuple[int, str, float]] | None = None) -> Source:
    rng = random.Random(1)
    flank = "".join(rng.choice("CG") + rng.choice("AT") for _ in range(50))
    made = Source("h", Haplotype("c", 0, flank + tract + flank, []), 1, library, wrong or [])
    made.prepare(1)
    return made


def test_of_overlapping_edits_the_first_counts() -> None:
    assert edited("AAAAAAAA", 1, 7, [(2, 4, ""), (3, 5, "CC"), (5, 5, "G")]) == "AAGAA"


@pytest.mark.parametrize(("bases", "unit"), [("T" * 12, 1), ("CA" * 9, 2)])
def test_as_many_molecules_slip_as_the_librarys_rates_say(bases: str, unit: int) -> None:
    library, rng, drawn = quiet(), random.Random(2), 10_000
    made = source(library, bases)
    tract = next(t for t in made.tracts if t.unit == unit and t.end - t.start >= len(bases))
    copies = (tract.end - tract.start) // unit
    length = len(made.haplotype.bases) - 20
    seen = collections.Counter(len(made.molecule(Fragment(10, 10 + length, False), rng)) - length for _ in range(drawn))
    for way, count in ((FEWER, sum(n for d, n in seen.items() if d < 0)), (MORE, sum(n for d, n in seen.items() if d > 0))):
        rate = library.rate(unit, copies, False, way)
        assert count / drawn == pytest.approx(rate, abs=4 * (rate / drawn) ** 0.5)


def test_slips_are_whole_units() -> None:
    made, rng = source(quiet(), "CA" * 9), random.Random(3)
    lengths = {len(made.molecule(Fragment(10, 200, False), rng)) for _ in range(2000)}
    assert len(lengths) > 2
    assert all((length - 190) % 2 == 0 for length in lengths)


def test_without_a_library_a_molecule_is_the_haplotype() -> None:
    made = source(None)
    assert made.molecule(Fragment(20, 150, False), random.Random(4)) == made.haplotype.bases[20:150]


def test_wrong_bases_of_molecules_are_as_frequent_as_the_library_says() -> None:
    made, rng = source(quiet(substitutions=0.01), "AC"), random.Random(5)
    same = made.haplotype.bases[10:90]
    wrong = sum(a != b for _ in range(2000) for a, b in zip(made.molecule(Fragment(10, 90, False), rng), same, strict=True))
    assert wrong / (2000 * 80) == pytest.approx(0.01, rel=0.1)


def test_shared_wrong_bases_are_in_their_share_of_the_molecules() -> None:
    made, rng = source(quiet(), "AC", [(30, "N", 0.3)]), random.Random(6)
    assert sum(made.molecule(Fragment(10, 90, False), rng)[20] == "N" for _ in range(2000)) / 2000 == pytest.approx(0.3, abs=0.04)


def test_primers_replace_the_ends() -> None:
    molecule = source(None).molecule(Fragment(10, 90, False, primers=("TTTT", "GGGGG")), random.Random(7))
    assert (molecule[:4], molecule[-5:], len(molecule)) == ("TTTT", "GGGGG", 80)


def test_mates_read_the_same_molecule() -> None:
    made = source(quiet(substitutions=0.01))
    fragments = iter([Fragment(10, 190, False), Fragment(10, 190, True)])
    for _, one, two in paired(made, fragments, random.Random(8)):
        assert one == reverse_complement(two)


def test_shared_errors_keep_away_from_variants() -> None:
    rng = random.Random(9)
    bases = "".join(rng.choice("ACGT") for _ in range(200_000))
    variants = [(p, bases[p], bases[p], "A") for p in range(100, 200_000, 40)]
    found = shared_errors(bases, 0, variants, rng)
    assert len(found) > 10
    assert all(min(abs(place - v[0]) for v in variants) >= 5 for place, *_ in found)
    assert all(bases[place] == base != wrong for place, base, wrong, _ in found)

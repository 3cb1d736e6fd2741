"""Slippage measured on reads."""

import collections
import pathlib
import random

import pytest
from conftest import bam, faidx

from varpix_eval.reads import libraries, slippage
from varpix_eval.reads.slippage import Seen
from varpix_eval.reads.tracts import Tract

USUAL = libraries.Library("usual", slippage.USUAL, (0.0, 0.0), 0.9, *slippage.NO_MORE)
TRACT = Tract(100, 112, 1, "T")


def seen(fragments: dict[int, int], tract: Tract = TRACT) -> Seen:
    return Seen(tract, collections.Counter(fragments))


def test_a_clean_tract_has_the_references_length() -> None:
    one = seen({0: 29, -1: 1})
    slippage.genotype(one, USUAL)
    assert (one.alleles, one.sure) == ((0, 0), True)


def test_two_lengths_of_many_fragments_are_heterozygous() -> None:
    one = seen({0: 15, 3: 14})
    slippage.genotype(one, USUAL)
    assert (one.alleles, one.sure) == ((0, 3), True)


def test_one_other_length_is_homozygous() -> None:
    one = seen({-2: 28, 0: 1})
    slippage.genotype(one, USUAL)
    assert one.alleles == (-2, -2)


def test_slips_are_counted_from_the_samples_allele() -> None:
    one = seen({-2: 20, -3: 2, -1: 1})
    one.alleles = (-2, -2)
    assert slippage.slips(one) == (10, {0: 20, -1: 2, 1: 1}, 0)


def test_lengths_of_no_whole_units_are_apart() -> None:
    one = seen({0: 20, 2: 3, 1: 4}, Tract(100, 116, 2, "CA"))
    assert slippage.slips(one) == (8, {0: 20, 1: 3}, 4)


def test_heterozygous_and_unsure_tracts_are_not_counted() -> None:
    het, unsure = seen({0: 9, 1: 9}), seen({0: 9})
    het.alleles, unsure.sure = (0, 1), False
    table = slippage.tally([het, unsure, seen({0: 18, -1: 2})])
    assert dict(table.counts) == {(1, False, 12): [20, 2, 0, 0]}
    assert (table.slips, table.units) == (2, 2)


def test_fitted_finds_the_rate() -> None:
    rng, rate = random.Random(1), 0.08
    tracts = [seen(dict(collections.Counter(-1 if rng.random() < rate else 0 for _ in range(40)))) for _ in range(500)]
    library = slippage.fitted("x", slippage.tally(tracts))
    assert library.rate(1, 12, False, libraries.FEWER) == pytest.approx(rate, rel=0.15)
    assert library.rate(1, 12, False, libraries.MORE) < 0.01


def test_tail_of_the_binomial_distribution() -> None:
    assert slippage.tail(3, 2, 0.5) == pytest.approx(0.5)
    assert slippage.tail(5, 0, 0.1) == pytest.approx(1)


def test_a_bam_with_slips_is_measured(tmp_path: pathlib.Path) -> None:
    rng = random.Random(2)
    left, right = ("".join(rng.choice("CG") + rng.choice("AT") for _ in range(200)) for _ in range(2))
    bases = left + "T" * 10 + right
    fasta = tmp_path / "ref.fa"
    fasta.write_text(f">c\n{bases}\n")
    rows = []
    for i in range(30):
        start = 350 + i
        before, after = 400 - start, 90
        # Every tenth fragment has lost a T.
        cigar, read = (
            (f"{before}M1D{9 + after}M", left[start:] + "T" * 9) if i % 10 == 0 else (f"{before + 10 + after}M", left[start:] + "T" * 10)
        )
        rows.append(f"r{i}\t0\tc\t{start + 1}\t60\t{cigar}\t*\t0\t0\t{read}{right[:after]}\t*")
    reads = bam(tmp_path / "a.bam", {"c": len(bases)}, rows)
    measured = slippage.measure(f"x={reads},{faidx(fasta)},c:1-{len(bases)}")
    [tract] = [one for one in measured.seen if one.tract.bases == "T" and one.tract.copies == 10]
    assert tract.alleles == (0, 0)
    # Reads that begin less than 5 bp before the tract do not span it.
    assert tract.fragments == {0: 27, -1: 3}


def test_a_truth_without_confident_regions_is_refused() -> None:
    with pytest.raises(ValueError, match="a truth needs its confident regions"):
        slippage.measure("x=a.bam,b.fa,c:1-2,truth.vcf.gz")

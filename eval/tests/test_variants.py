"""Variants of a truth, and haplotypes with them."""

import random

import pytest
from conftest import Genome

from varpix_eval.simulation.variants import Haplotype, applied, divergent, natural, planted, without_overlaps


def test_natural_variants_have_an_allele_for_each_haplotype(genome: Genome) -> None:
    variants, skipped = natural(genome.truth, "c", 0, len(genome.bases), random.Random(1))
    assert [v[0] for v in variants] == list(genome.positions)
    assert all(one == ref and two != ref for _, ref, one, two in variants)
    assert skipped == []


def test_haplotype_has_its_edits() -> None:
    hap = Haplotype("c", 100, "ACGTACGTAC", [(102, "G", "GTT"), (105, "CGT", "C")])
    assert hap.bases == "ACGTTTACAC"


def test_positions_go_to_the_reference_and_back() -> None:
    hap = Haplotype("c", 100, "ACGTACGTAC", [(102, "G", "GTT"), (105, "CGT", "C")])
    assert [hap.to_reference(hap.from_reference(p)) for p in (100, 101, 104, 108, 109)] == [100, 101, 104, 108, 109]


def test_haplotypes_of_random_edits_agree_with_the_reference_outside_them() -> None:
    rng = random.Random(5)
    bases = "".join(rng.choice("ACGT") for _ in range(20_000))
    variants, _ = without_overlaps(planted(bases, 500, rng), 0)
    hap = Haplotype("c", 500, bases, [(v[0], v[1], v[2]) for v in variants])
    edited = {p for v in variants for p in range(v[0] - 1, v[0] + len(v[1]) + 1)}
    for place in set(range(600, 20_000)) - edited:
        assert hap.bases[hap.from_reference(place)] == bases[place - 500]


def test_a_ref_that_is_not_the_references_is_refused() -> None:
    with pytest.raises(SystemExit, match="REF T at 103 is not the reference's"):
        applied("ACGT", 100, [(102, "T", "A")])


def test_overlapping_variants_are_left_out() -> None:
    variants = [(10, "ACG", "A", "A"), (12, "G", "T", "G"), (13, "C", "T", "T")]
    assert without_overlaps(variants, 0) == ([variants[0], variants[2]], [12])
    assert without_overlaps(variants, 1) == ([variants[0]], [12, 13])


def test_planted_and_divergent_variants_have_the_references_ref() -> None:
    rng = random.Random(7)
    bases = "".join(rng.choice("ACGT") for _ in range(30_000))
    for made in (planted(bases, 1000, rng), divergent(bases, 1000, rng)):
        assert len(made) > 50
        assert all(bases[p - 1000 : p - 1000 + len(ref)] == ref and (one, two) != (ref, ref) for p, ref, one, two in made)

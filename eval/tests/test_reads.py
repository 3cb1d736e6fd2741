"""Alignments and what reads look like."""

import pathlib

from conftest import Genome, bam

from varpix_eval.reads import alignments
from varpix_eval.reads.profile import Profile, homopolymers


def test_parts_of_a_cigar() -> None:
    assert list(alignments.parts(100, "5S3M2I4=1D2X3H")) == [
        ("S", 100, 0, 5),
        ("M", 100, 5, 3),
        ("I", 103, 8, 2),
        ("M", 103, 10, 4),
        ("D", 107, 14, 1),
        ("M", 108, 14, 2),
        ("H", 110, 16, 3),
    ]


def test_homopolymers_by_their_first_base() -> None:
    assert homopolymers("AACGGGT") == [2, 0, 0, 3, 0, 0, 0]
    assert homopolymers("A" * 30)[0] == 20


def reads(genome: Genome, folder: pathlib.Path, wrong: int = 0) -> str:
    """20 reads of 100 bp from 2,001 on; some have a wrong base at 2,051."""
    rows = []
    for i in range(20):
        bases = list(genome.bases[2000:2100])
        if i < wrong:
            bases[50] = "A" if bases[50] != "A" else "C"
        rows.append(f"r{i}\t{16 * (i % 2)}\tc\t2001\t60\t100M\t*\t0\t0\t{''.join(bases)}\t{'I' * 100}")
    return bam(folder / f"{wrong}.bam", {"c": len(genome.bases)}, rows)


def test_positions_that_many_reads_show_are_the_samples_own(genome: Genome, tmp_path: pathlib.Path) -> None:
    for wrong, expected in ((2, set()), (3, set()), (4, {2050})):
        path = reads(genome, tmp_path, wrong)
        assert alignments.differing(path, "c:2001-2100", genome.bases, 0) == expected


def test_rates_of_mismatches_and_false_alleles(genome: Genome, tmp_path: pathlib.Path) -> None:
    profile = Profile(f"a={reads(genome, tmp_path, 3)},{genome.ref},c:2001-2100")
    rates = profile.rates()
    assert (rates["reads"], rates["length"]) == (20, 100)
    assert rates["mismatch"] == 3 / 2000
    assert rates["clipped"] == rates["duplicate"] == 0
    [false] = profile.false[0.2]
    assert false == (False, 40, 49)


def test_known_variants_are_left_out(genome: Genome, tmp_path: pathlib.Path) -> None:
    profile = Profile(f"a={reads(genome, tmp_path, 3)},{genome.ref},c:2001-2100,{genome.truth}")
    # One variant, at 2,001: it and 6 bp behind it.
    assert profile.count["bases"] == 20 * 93
    assert profile.examined == 93

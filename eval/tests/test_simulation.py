"""Samples and their FASTQ records, as far as they need neither a simulator nor a mapper; tests/system/simulate does the rest."""

import pathlib
import random

import pytest
from conftest import Genome

from varpix_eval.commands import simulate
from varpix_eval.simulation.known import Region, confident
from varpix_eval.simulation.options import Options
from varpix_eval.simulation.paralogs import paralogs
from varpix_eval.simulation.plan import Plan, made_reads
from varpix_eval.simulation.sample import Sample, drawn

Made = tuple[Sample, list[list[str]]]


def made(genome: Genome, folder: pathlib.Path, *flags: str) -> Made:
    """The sample, and the records of its FASTQ."""
    words = ["--ref", genome.ref, "--truth", genome.truth, "--region", "c:1-11000", "--out", str(folder / "a")]
    options = simulate.arguments([*words, "--profile", "dwgsim", "--read-length", "100", "--depth", "10", *flags])
    plan = Plan(options)
    sample = drawn(options, plan)
    [path] = made_reads(plan, sample.sources, folder)
    lines = path.read_text().splitlines()
    return sample, [lines[i : i + 4] for i in range(0, len(lines), 4)]


@pytest.mark.parametrize(
    "flags",
    [
        ("--artefacts", "--library", "10x", "--leave-out-shared"),
        ("--single-end",),
        ("--library", "novaseq", "--insert", "160,10", "--merge"),
        ("--insert", "80,10", "--trim-adapters"),
        ("--amplicons", "200"),
        ("--targets", "4000", "--off-target", "0.1"),
        ("--uneven", "0.3", "--artefacts", "--plant"),
        ("--divergent", "--duplicates", "0.2"),
    ],
    ids=lambda flags: " ".join(flags),
)
def test_the_same_arguments_give_the_same_reads_at_any_number_of_threads(
    genome: Genome, tmp_path: pathlib.Path, flags: tuple[str, ...]
) -> None:
    _, one = made(genome, tmp_path, *flags, "--threads", "1")
    _, two = made(genome, tmp_path, *flags, "--threads", "2")
    assert one == two
    assert len(one) > 100


def test_pairs_have_two_records_and_single_ends_one(genome: Genome, tmp_path: pathlib.Path) -> None:
    _, paired = made(genome, tmp_path, "--library", "platinum")
    assert all(a[0] == b[0] for a, b in zip(paired[::2], paired[1::2], strict=True))
    _, single = made(genome, tmp_path, "--single-end")
    assert len({record[0] for record in single}) == len(single)
    assert len(single) == pytest.approx(len(paired), rel=0.05)


def test_reads_of_trimmed_short_fragments_are_as_long_as_these(genome: Genome, tmp_path: pathlib.Path) -> None:
    _, records = made(genome, tmp_path, "--insert", "80,5", "--trim-adapters")
    assert all(60 < len(record[1]) <= 100 for record in records)
    assert sum(len(record[1]) for record in records) / len(records) == pytest.approx(80, abs=2)


def test_merged_reads_are_longer_than_reads_are(genome: Genome, tmp_path: pathlib.Path) -> None:
    _, records = made(genome, tmp_path, "--insert", "160,5", "--merge")
    assert sum(len(record[1]) > 140 for record in records) > 0.95 * len(records)


def test_duplicates_are_named_so_and_beyond_the_depth(genome: Genome, tmp_path: pathlib.Path) -> None:
    _, records = made(genome, tmp_path, "--duplicates", "0.3")
    twice = sum(record[0].startswith("@dh") for record in records)
    assert twice / (len(records) - twice) == pytest.approx(0.3, abs=0.05)


def test_both_haplotypes_are_drawn_and_carry_the_truth(genome: Genome, tmp_path: pathlib.Path) -> None:
    sample, _ = made(genome, tmp_path, "--library", "cleanest")
    assert [source.name for source in sample.sources] == ["h0.1", "h0.2"]
    assert [position for _, position, *_ in sample.records] == list(genome.positions)
    one, two = (source.haplotype.bases for source in sample.sources)
    assert one == genome.bases[:11_000]
    assert [i for i in range(len(one)) if one[i] != two[i]] == list(genome.positions)


def test_confident_regions_leave_out_ends_n_and_holes() -> None:
    region = Region("c", 1000, 3000, "A" * 900 + "NN" + "A" * 1098)
    assert confident(region, [("c", 2000, 2010), ("d", 2500, 2600)]) == [(1300, 1900), (1902, 2000), (2010, 2700)]


def test_confident_regions_of_targets_are_within_them() -> None:
    region = Region("c", 0, 3000, "A" * 3000)
    assert confident(region, [("c", 450, 460)], [(400, 500), (1000, 1200)]) == [(400, 450), (460, 500), (1000, 1200)]


def test_diverged_copies_show_more_than_one_difference_in_an_image() -> None:
    rng = random.Random(4)
    bases = "".join(rng.choice("ACGT") for _ in range(1_000_000))
    copies = paralogs(bases, rng)
    assert 1 <= len(copies) <= 4
    assert all(len(copy) > 1700 for copy in copies)
    # Flanks map nowhere, and no stretch of 500 bp is the sequence's own.
    assert all(copy[400:900] not in bases for copy in copies)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--targets", "4000", "--amplicons", "200"], "--targets and --amplicons exclude each other"),
        (["--profile", "real"], "--profile real and --templates go together"),
        (["--profile", "pirs", "--artefacts"], "--profile pirs makes plain reads alone"),
    ],
)
def test_options_that_contradict_each_other_are_refused(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        simulate.arguments(["--ref", "a", "--truth", "b", "--region", "c:1-2", "--out", "d", *flags])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_defaults_of_the_flags_are_those_of_the_options() -> None:
    assert simulate.arguments(["--ref", "a", "--truth", "b", "--region", "c:1-2", "--out", "d"]) == Options("a", "b", ["c:1-2"], "d")


def test_plain_reads_need_their_simulator_and_molecules_do_not() -> None:
    assert "pirs" in simulate.needed(Options("a", "b", ["c"], "d", profile="pirs"))
    assert "dwgsim" not in simulate.needed(Options("a", "b", ["c"], "d", profile="dwgsim", artefacts=True))
    assert "minimap2" in simulate.needed(Options("a", "b", ["c"], "d", aligner="minimap2"))

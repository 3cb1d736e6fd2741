"""The command line, environments, timing, and smaller commands."""

import array
import importlib
import pathlib
import random
import re
import subprocess

import pytest

from varpix_eval import environments, project, timing
from varpix_eval.__main__ import COMMANDS
from varpix_eval.commands import (
    bench,
    bench_growth,
    crate_licenses,
    deepvariant_reference,
    make_testdata,
    progress,
    report_cost,
    small_model_reference,
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"varpix_eval.commands.{command.replace('-', '_')}")
    with pytest.raises(SystemExit) as stopped:
        module.main(["--help"])
    assert stopped.value.code == 0
    assert f"usage: scripts/eval {command} " in capsys.readouterr().out


def test_every_module_of_commands_is_a_command() -> None:
    modules = {path.stem for path in (project.ROOT / "eval/varpix_eval/commands").glob("*.py")} - {"__init__"}
    assert modules == {command.replace("-", "_") for command in COMMANDS}


def test_the_launcher_lists_and_refuses_commands() -> None:
    launcher = project.ROOT / "scripts/eval"
    listed = subprocess.run([launcher], check=True, text=True, capture_output=True).stdout
    assert all(f"\n  {command} " in listed for command in COMMANDS)
    unknown = subprocess.run([launcher, "simulat"], text=True, capture_output=True)
    assert (unknown.returncode, unknown.stderr) == (2, "eval: unknown command simulat; scripts/eval lists them\n")


def test_a_launcher_behind_a_link_finds_the_package(tmp_path: pathlib.Path) -> None:
    (tmp_path / "eval").symlink_to(project.ROOT / "scripts/eval")
    assert subprocess.run([tmp_path / "eval", "faults", "--help"], check=True, capture_output=True).stdout


def test_every_package_of_an_environment_is_pinned() -> None:
    for packages in environments.extras().values():
        assert all(re.fullmatch(r"[\w.-]+==[\d.]+", package) for package in packages)


def test_intervals_are_half_open_from_0() -> None:
    assert project.interval("HLA:x:1,001-2,000") == ("HLA:x", 1000, 2000)


def test_a_pipeline_gives_what_its_last_program_prints() -> None:
    assert project.pipeline(["printf", "b\\na\\n"], ["sort"]) == "a\nb\n"
    with pytest.raises(subprocess.CalledProcessError, match="false"):
        project.pipeline(["false"], ["cat"])


def test_a_failing_program_is_one_sentence() -> None:
    with pytest.raises(SystemExit) as stopped:
        project.checked("x", "samtools", "quickcheck", "/none.bam")
    assert str(stopped.value).startswith("x: samtools failed: ")
    with pytest.raises(SystemExit, match="no-such-tool is missing; install Debian's some-package"):
        project.need("x", {"no-such-tool": "some-package"})


def test_costs_are_of_the_command_alone(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "log"
    cost = timing.timed("x", "printf 7; echo said >&2; sleep 0.2", log)
    assert log.read_text() == "said\n"
    assert cost.wall >= 0.2
    assert cost.memory >= 1
    with pytest.raises(SystemExit, match=r"x: failed: false \| true"):
        timing.timed("x", "false | true")
    with pytest.raises(SystemExit, match=r"x: failed: echo why >&2; exit 3: why$"):
        timing.timed("x", "echo why >&2; exit 3")


def test_ratios_are_of_runs_made_in_turn() -> None:
    assert bench.ratio([2, 4, 9], [1, 4, 3]) == "2.00 (1.00-3.00)"


def test_lengths_of_regions_and_targets(tmp_path: pathlib.Path) -> None:
    bed = tmp_path / "x.bed"
    bed.write_text("20\t0\t200\n20\t500\t600\n")
    assert bench_growth.length(str(bed)) == 300
    assert bench_growth.length("20:45100001-45101000") == 1000
    first = next(bench_growth.lines(bed))
    assert first.what.startswith(f"length {bench_growth.length(first.regions)} bp")


def test_counts_are_found_in_varpix_table() -> None:
    log = "varpix: candidates                             257\nvarpix:   settled without an image             245\n"
    assert [bench_growth.number(what, log) for what in ("candidates", "without an image")] == [257, 245]
    with pytest.raises(SystemExit, match="does not say 'images'"):
        bench_growth.number("images", log)


def test_crates_of_builds_and_tests_are_not_linked() -> None:
    def package(name: str) -> dict[str, str]:
        return {"id": name, "name": name, "version": "1"}

    def dependency(name: str, kind: str | None) -> dict[str, object]:
        return {"pkg": name, "dep_kinds": [{"kind": kind}]}

    nodes = [
        {"id": "root", "deps": [dependency("a", None), dependency("build", "build")]},
        {"id": "a", "deps": [dependency("b", None), dependency("dev", "dev")]},
        {"id": "b", "deps": []},
    ]
    metadata = {"packages": [package(n) for n in ("b", "root", "a", "build", "dev")], "resolve": {"root": "root", "nodes": nodes}}
    assert [p["name"] for p in crate_licenses.linked(metadata)] == ["a", "b"]


def test_probabilities_are_compared_within_the_precision(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [0.9, 0.05, 0.05, 0.1, 0.8, 0.1] * (deepvariant_reference.IMAGES // 2)
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.write_bytes(array.array("d", rows).tobytes())
    ours.write_bytes(array.array("d", [p + 1e-3 for p in rows]).tobytes())
    deepvariant_reference.compare(str(theirs), str(ours), "flat", "bf16")
    assert capsys.readouterr().out == "| flat | bf16 | 1.0e-03 | 100.0 % | 128/128/0 |\n"
    with pytest.raises(SystemExit, match="over the tolerance"):
        deepvariant_reference.compare(str(theirs), str(ours), "flat", "f32")


def test_small_models_are_compared_within_1e_5(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [0.9, 0.05, 0.05, 0.1, 0.8, 0.1] * (small_model_reference.ROWS // 2)
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.write_bytes(array.array("d", rows).tobytes())
    ours.write_bytes(array.array("d", [p + 9e-6 for p in rows]).tobytes())
    small_model_reference.compare(str(theirs), str(ours), "70")
    assert capsys.readouterr().out == "| 70 | 9.0e-06 | 500/500/0 |\n"
    ours.write_bytes(array.array("d", [p + 2e-5 for p in rows]).tobytes())
    with pytest.raises(SystemExit, match="over the tolerance"):
        small_model_reference.compare(str(theirs), str(ours), "70")
    ours.write_bytes(b"")
    with pytest.raises(SystemExit, match="0 results"):
        small_model_reference.compare(str(theirs), str(ours), "70")


def test_testdata_has_the_references_alleles() -> None:
    rng = random.Random(1)
    bases = make_testdata.contig(rng, 40_000)
    assert len(bases) == 40_000
    records = [line.split("\t") for line in make_testdata.truth(rng, "c", bases)]
    assert len(records) > 30
    for _, position, _, ref, alts, *_, genotype in records:
        at = int(position) - 1
        assert bases[at : at + len(ref)] == ref
        assert ref not in alts.split(",")
        assert genotype in ("0|1", "1|0", "1|1", "1|2")


def test_the_bar_of_progress_is_read() -> None:
    found = progress.BAR.search("0:00:15 [====>    ] 12.3 %, about 107 s left; at chr20:46000000")
    assert found
    assert (found[1], bool(found[2]), found[3]) == ("12.3", True, "chr20:46000000")
    found = progress.BAR.search("0:00:01 [>        ] 0.3 %; at chr20:1000")
    assert found
    assert not found[2]
    lines = [(0.02, False, "c:1", 1.0), (0.11, True, "c:2", 2.0), (0.15, True, "c:3", 3.0), (0.38, True, "c:4", 5.0)]
    assert [line[2] for line in progress.chosen(lines)] == ["c:2", "c:4"]


def test_costs_are_judged() -> None:
    counts = {"plain": 1_000_000_000, "summary": 1_009_000_000, "multiqc": 1_011_000_000, "report": 1_060_000_000, "all": 1_080_000_000}
    assert report_cost.wrong(counts) == ["--multiqc costs 1.10 %, more than 1 %", "--report costs 6.00 %, more than 5 %"]
    assert report_cost.table(counts)[3] == "| summary | 1,009 | 9.0 | +0.90 % |"
    for line in ("==7== Collected : 5507263193", "==7== I   refs:      5,507,263,193", "==7== I refs:      5,507,263,193"):
        found = report_cost.COUNTED.search(line)
        assert found
        assert int(found[1].replace(",", "")) == 5_507_263_193
    functions = "384,928,465 ( 8.06%)  a.rs:varpix::pipeline::run\n379,418,992 ( 7.94%)  b.rs:<varpix::predict::cnn::torch::TorchClassifier as varpix::predict::cnn::Classifier>::classify [x]\n"
    found = report_cost.OF_CNN.search(functions)
    assert found
    assert report_cost.number(found[1]) == 379_418_992

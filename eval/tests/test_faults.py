"""How answers to faults are judged, and the runner with programs that answer badly."""

import collections
import pathlib

import pytest

from varpix_eval import project
from varpix_eval.faults import catalogue, judgement, outputs, runner, table
from varpix_eval.faults.area import Area, Fault
from varpix_eval.faults.judgement import Answer, Observed, problems

CALL = "chrA\t5\t.\tA\tG\t30\tPASS\t.\tGT:GQ\t0/1:30"


def fault(*codes: int, words: tuple[str, ...] = (), warns: tuple[str, ...] = (), id: str = "x") -> Fault:
    return Fault(id, "a fault", lambda w: None, codes, words, warns=warns)


def test_a_refusal_in_one_sentence_is_good() -> None:
    seen = Observed(3, "varpix: note\nvarpix: a.bam: is empty\n")
    assert problems(fault(3, words=("a.bam", "empty")), seen, None) == []


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Observed(2, "varpix: a.bam"), ["exit code 2, not 3"]),
        (Observed(3, "varpix: something else"), ["'a.bam' is not said"]),
        (Observed(3, "varpix: a.bam\nvarpix: the end"), ["'a.bam' is not said"]),
        (Observed(3, "varpix: a.bam", left=["out.vcf.tmp"]), ["left behind: out.vcf.tmp"]),
        (Observed(3, "varpix: a.bam", changed=["ref.fa"], output="out.vcf"), ["ref.fa was changed"]),
        (Observed(3, "varpix: a.bam", changed=["out.vcf"], output="out.vcf"), ["out.vcf was changed"]),
        (Observed(3, "varpix: a.bam", disk="x.tmp y.tmp"), ["left behind: ['x.tmp', 'y.tmp']"]),
        (Observed(101, "thread panicked at a.bam"), ["exit code 101, not 3", "died"]),
        (Observed(-11, "a.bam"), ["exit code -11, not 3", "died"]),
        (Observed(judgement.HUNG, "no end: a.bam"), ["exit code -999, not 3", "hung"]),
        (Observed(3), ["'a.bam' is not said", "nothing was said"]),
    ],
)
def test_bad_answers(seen: Observed, expected: list[str]) -> None:
    assert problems(fault(3, words=("a.bam",)), seen, None) == expected


def test_of_a_usage_error_all_lines_count() -> None:
    seen = Observed(2, "error: invalid value 'x' for --threads\n\nFor more information, try '--help'.\n")
    assert problems(fault(2, words=("threads",)), seen, None) == []
    assert judgement.sentence(seen) == "error: invalid value 'x' for --threads"


def test_a_run_that_goes_on_must_give_the_same_genotypes() -> None:
    other = CALL.replace("0/1:30", "1/1:30")
    assert problems(fault(0), Observed(0, calls=[CALL.replace("0/1:30", "0/1:29")]), [CALL]) == []
    assert problems(fault(0), Observed(0, calls=[other]), [CALL]) == ["1 calls, 1 without the fault"]
    assert problems(fault(0), Observed(0, calls=[]), [CALL]) == ["0 calls, 1 without the fault"]
    assert problems(fault(0), Observed(0, calls=[CALL[:20]]), [CALL]) == ["1 calls, 1 without the fault"]
    assert problems(fault(0), Observed(0, calls=[other]), None) == []


def test_a_run_that_goes_on_may_replace_its_output_only() -> None:
    assert problems(fault(0), Observed(0, changed=["out.vcf"], output="out.vcf"), None) == []
    assert problems(fault(0), Observed(0, changed=["reads.bam"], output="out.vcf"), None) == ["reads.bam was changed"]
    # Sites are an input, whatever the output is called.
    sites = Observed(0, changed=["sites.vcf.gz"], output="sites.vcf.gz")
    assert problems(fault(0), sites, None) == ["sites.vcf.gz was changed"]


def test_a_warning_that_is_expected_must_come() -> None:
    assert problems(fault(0, warns=("older",)), Observed(0, "varpix: warning: a.bai is older"), None) == []
    assert problems(fault(0, warns=("older",)), Observed(0, "varpix: a.bai is older"), None) == ["no warning with 'older'"]


def test_the_table_is_without_the_paths_of_the_run() -> None:
    seen = Observed(3, "varpix: /tmp/x/run/ref.fa: is empty | see /src/docs")
    said = judgement.shown(fault(3), seen, "/tmp/x/run", "/src")
    assert said == "ref.fa: is empty | see docs"
    row = table.row(Answer(fault(3), 3, said, ["a", "b"]))
    assert row == "| x | a fault | 3 | ref.fa: is empty \\| see docs | a, b |\n"


def test_long_answers_are_cut() -> None:
    assert len(table.row(Answer(fault(3), 3, "y" * 999)).split(" | ")[3]) == table.LONGEST


def test_warnings_are_shown_behind_the_calls() -> None:
    assert (
        judgement.shown(fault(0), Observed(0, "varpix: warning: old\nvarpix: time 3s"), "/f", "/r")
        == "the calls without the fault; warning: old"
    )


def test_no_id_is_there_twice() -> None:
    ids = collections.Counter(one.id for one in catalogue.faults())
    assert [name for name, n in ids.items() if n > 1] == []
    assert len(ids) == 275


def test_every_fault_of_the_catalogue_is_in_the_docs() -> None:
    rows = (project.ROOT / "docs/faults.md").read_text().splitlines()
    listed = [row.split(" | ")[0].removeprefix("| ") for row in rows if row.startswith("| ")][1:]
    assert listed == [one.id for one in catalogue.faults()]


# The runner, with a shell script in place of varpix.
GOOD = f"""#!/bin/sh
while [ "$1" != --output-vcf ]; do shift; done
if [ -s ref.fa ]; then printf '##x\\n{CALL}\\n' >"$2"; else echo 'varpix: ref.fa: is empty' >&2; exit 3; fi
"""
AREA = Area()
AREA.edited("ref-empty", "FASTA of no bytes", 3, lambda w: w.write("ref.fa", b""), "ref.fa", "empty")
AREA.edited("ref-longer", "a blank line at the end", 0, lambda w: w.write("ref.fa", w.content("ref.fa") + b"\n"))
AREA.edited("no-plant", "what cannot be planted", 3, lambda w: (w / "none").unlink())


def answers(monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path, script: str, limit: float = 20, area: Area = AREA) -> list[list[str]]:
    program = folder / "varpix"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setattr(runner, "PROGRAM", program)
    monkeypatch.setattr(runner, "LIMIT", limit)
    expected = {True: [CALL], False: [CALL]}
    return [runner.answered(one, expected).problems for one in area.faults]


def test_the_runner_finds_a_good_program_good(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    one, two, unplanted = answers(monkeypatch, tmp_path, GOOD)
    assert (one, two) == ([], [])
    assert unplanted[0].startswith("could not be planted: ")


def test_the_runner_finds_calls_lost_and_files_left(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    bad = GOOD.replace(f"\\n{CALL}", "").replace("exit 3", 'touch "$2.tmp"; exit 3')
    one, two, _ = answers(monkeypatch, tmp_path, bad)
    assert one == ["left behind: out.vcf.tmp"]
    assert two == ["0 calls, 1 without the fault"]


def test_the_runner_finds_inputs_changed_and_signals(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    one, *_ = answers(monkeypatch, tmp_path, "#!/bin/sh\necho x >>reads.bam.bai\nkill -SEGV $$\n")
    assert one[:3] == ["exit code -11, not 3", "died", "reads.bam.bai was changed"]


def test_the_runner_ends_what_hangs(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    one, *_ = answers(monkeypatch, tmp_path, "#!/bin/sh\nsleep 60\n", limit=0.3)
    assert "hung" in one


SLOW_START = """#!/bin/sh
sleep 0.5
trap 'rm -f out.vcf.tmp; echo "varpix: stopped by SIGTERM" >&2; exit 143' TERM
touch out.vcf.tmp
while true; do sleep 0.05; done
"""


def test_a_signal_comes_when_the_run_has_begun_to_write(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    area = Area()
    area.edited("signal-TERM", "SIGTERM during the run", 143, outputs.signalled(15), "SIGTERM")
    assert answers(monkeypatch, tmp_path, SLOW_START, area=area) == [[]]


def test_baseline_needs_a_run_without_fault_to_succeed(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    answers(monkeypatch, tmp_path, GOOD)
    assert runner.baseline() == {True: [CALL], False: [CALL]}
    answers(monkeypatch, tmp_path, "#!/bin/sh\nexit 3\n")
    with pytest.raises(SystemExit, match="without any fault varpix ends with 3"):
        runner.baseline()

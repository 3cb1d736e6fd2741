"""Runs of varpix back to back for a given time, each with a limit on its address space: memory by kind of run, the same bytes each time, no file left.

  scripts/eval soak                     an hour
  scripts/eval soak --minutes 5 --threads 1

In:  testdata/, or --ref and --reads of your own.
Out: a Markdown table on stdout: for each kind of run how often it was done, and its peak resident memory in the first quarter of the time, in the last, and at
     most; exit status 1 where a run failed, wrote other bytes than the first of its kind, left a file or process, or where memory grew.

Kinds: VCF; VCF and gVCF; BCF; --resume; realigned reads; summary and page; a run that is killed in the middle with --resume and then resumed; one that is
stopped by SIGTERM, which must leave nothing. The limit is that of `ulimit -v`.

Needs target/release/varpix (or $VARPIX).
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence

from .. import project

NAME = "soak"
PROGRAM = pathlib.Path(os.environ.get("VARPIX", project.VARPIX)).resolve()
GROWTH = 0.05  # of the memory of the first quarter: more is a leak
CHANGING = (".json", ".html")  # files that tell how long a run took


@dataclasses.dataclass
class Kind:
    """A way to run, and what it did so far."""

    name: str
    words: tuple[str, ...]
    killed: signal.Signals | None = None
    peaks: list[tuple[float, int]] = dataclasses.field(default_factory=list)  # seconds since the start of the soak, KiB
    files: dict[str, str] | None = None  # SHA-256 of the files of the first run
    length: float = 0.0  # seconds of the first run


def kinds() -> list[Kind]:
    """All kinds; those that are killed come behind those that say how long such a run takes."""
    both = ("--output-vcf", "a.vcf.gz", "--output-gvcf", "a.g.vcf.gz")
    return [
        Kind("VCF", ("--output-vcf", "a.vcf.gz")),
        Kind("VCF and gVCF", both),
        Kind("BCF", ("--output-vcf", "a.bcf")),
        Kind("realigned reads", ("--output-vcf", "a.vcf.gz", "--realigned-bam", "a.bam")),
        Kind("summary and page", ("--output-vcf", "a.vcf.gz", "--summary", "a.json", "--report", "a.html")),
        Kind("--resume", (*both, "--resume", "--resume-interval", "0")),
        Kind("killed and resumed", (*both, "--resume", "--resume-interval", "0"), signal.SIGKILL),
        Kind("stopped by SIGTERM", both, signal.SIGTERM),
    ]


def run(words: Sequence[str], folder: pathlib.Path, limit: int, kill: tuple[signal.Signals, float] | None = None) -> tuple[int, int, str]:
    """Runs in a folder with an address space of so many bytes; gives the exit status, the peak in KiB and the last line. `kill` is a signal
    and after how many seconds."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=said, text=True, preexec_fn=limited)
        if kill:
            time.sleep(kill[1])
            # A process that has ended takes a signal without harm until it is waited for, which Popen's own method would do.
            os.kill(process.pid, kill[0])
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read().strip().splitlines()
    return process.returncode, usage.ru_maxrss, lines[-1] if lines else ""


def content(folder: pathlib.Path) -> dict[str, str]:
    """The files of a folder and their checksums; of those that tell times, that they are not empty."""
    return {
        path.name: str(path.stat().st_size > 0) if path.suffix in CHANGING else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def once(kind: Kind, call: list[str], folder: pathlib.Path, limit: int, share: float, since: float) -> str | None:
    """Does a run of a kind; gives what is wrong with it. `share` says when it is killed, of its usual time."""
    words = [*call, *kind.words]
    if kind.killed:
        status, _, said = run(words, folder, limit, (kind.killed, share * kind.length))
        if status not in (0, -kind.killed, 128 + kind.killed):
            return f"exit status {status} after {kind.killed.name}: {said}"
        if kind.killed == signal.SIGTERM and status != 0 and (left := content(folder)):
            return f"SIGTERM leaves {', '.join(left)}"
    status, peak, said = run(words, folder, limit)
    if status:
        return f"exit status {status}: {said}"
    kind.peaks.append((time.monotonic() - since, peak))
    found = content(folder)
    kind.files = kind.files or found
    if found != kind.files:
        return f"other files or bytes than the first time: {', '.join(sorted(dict(found.items() ^ kind.files.items())))}"
    for path in folder.iterdir():
        path.unlink()
    return None


def grown(kind: Kind, total: float) -> tuple[float, float]:
    """Medians of the peaks in the first and in the last quarter of the time, MiB."""
    first = [peak for at, peak in kind.peaks if at <= total / 4] or [kind.peaks[0][1]]
    last = [peak for at, peak in kind.peaks if at >= 3 * total / 4] or [kind.peaks[-1][1]]
    return statistics.median(first) / 1024, statistics.median(last) / 1024


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long [%(default)s]")
    parser.add_argument("--limit", type=int, default=3000, help="address space of a run, MiB [%(default)s]")
    parser.add_argument("--threads", type=int, default=2, help="of the program [%(default)s]")
    parser.add_argument("--ref", type=pathlib.Path, default=project.ROOT / "testdata/ref.fa")
    parser.add_argument("--reads", type=pathlib.Path, default=project.ROOT / "testdata/reads.bam")
    parser.add_argument("--regions", nargs="+", default=[], help="what to call")
    args = parser.parse_args(argv)
    if not PROGRAM.is_file():
        project.fail(NAME, f"{PROGRAM} is missing; run cargo build --release")
    call = [str(PROGRAM), "call", "--ref", str(args.ref.resolve()), "--reads", str(args.reads.resolve()), "--threads", str(args.threads)]
    call += ["--regions", *args.regions] if args.regions else []
    every, since, rounds = kinds(), time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        temporary = pathlib.Path(name) / "tmp"
        temporary.mkdir()
        folder = pathlib.Path(name) / "out"
        folder.mkdir()
        os.environ["TMPDIR"] = str(temporary)
        while rounds == 0 or time.monotonic() - since < args.minutes * 60:
            for kind in every:
                begun = time.monotonic()
                kind.length = kind.length or next(other.length for other in (*every, kind) if other.length or other is kind)
                # Moments from the first tenth of a run to its end, other ones in each round.
                wrong = once(kind, call, folder, args.limit << 20, 0.1 + 0.9 * (rounds * 7 % 16) / 16, since)
                if wrong is None and any(temporary.iterdir()):
                    wrong = f"leaves {next(temporary.iterdir()).name} in TMPDIR"
                if wrong:
                    project.fail(NAME, f"{kind.name}, round {rounds + 1}: {wrong}")
                if not kind.killed:
                    kind.length = time.monotonic() - begun
            rounds += 1
    total = time.monotonic() - since
    print(
        f"{sum(len(kind.peaks) for kind in every)} runs in {total / 60:.1f} minutes, each with an address space of {args.limit} MiB at most\n"
    )
    print("| kind of run | runs | first quarter, MiB | last quarter, MiB | most, MiB |\n|---|---|---|---|---|")
    bad = []
    for kind in every:
        first, last = grown(kind, total)
        most = max(peak for _, peak in kind.peaks) / 1024
        print(f"| {kind.name} | {len(kind.peaks)} | {first:.1f} | {last:.1f} | {most:.1f} |")
        if last > first * (1 + GROWTH):
            bad.append(kind.name)
    if bad:
        project.fail(NAME, f"memory grew: {', '.join(bad)}")

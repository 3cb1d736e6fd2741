"""Kills runs of varpix at random moments, resumes them, and compares what they write with what an unbroken run writes.

  scripts/check-resume                              100 kills and 10 full disks, on 20 copies of testdata/
  scripts/check-resume --kills 12 --disks 3 --copies 2
  scripts/check-resume --ref ref.fa --reads a.bam --regions chr20:10000001-10100000

In:  testdata/, repeated, or a reference and reads of your own.
Out: a table on stdout of where each run was stopped; exit status 1 where a resumed run wrote another byte, or left a file.

A run is killed by SIGKILL or SIGTERM, some of them several times in a row, at moments that the seed decides, and then resumed without being
killed. A full disk is a limit on the size of files (as `ulimit -f`), after which the run goes on without one.

Needs target/release/varpix (or $VARPIX) and Debian's samtools.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
import random
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

from .. import project

NAME = "check-resume"
PROGRAM = pathlib.Path(os.environ.get("VARPIX", project.VARPIX)).resolve()
OUTPUTS = ("out.vcf.gz", "out.vcf.gz.tbi", "out.g.vcf.gz", "out.g.vcf.gz.tbi")
JOURNAL = "out.vcf.gz.varpix-journal"
MOST_IN_A_ROW = 5
FULL = 4  # exit code of a run whose output cannot be written


@dataclasses.dataclass
class Stop:
    """How a run was stopped, and what was finished then."""

    how: str
    after: float  # seconds
    kept: str  # position up to which the outputs are kept, or why there is none


def repeated(folder: pathlib.Path, copies: int) -> tuple[pathlib.Path, pathlib.Path]:
    """Reference and reads of testdata/, each contig several times under other names."""
    ref, reads = folder / "ref.fa", folder / "reads.bam"
    sequences = (project.ROOT / "testdata/ref.fa").read_text().split(">")[1:]
    ref.write_text("".join(f">{renamed(sequence, copy)}" for copy in range(copies) for sequence in sequences))
    sam = project.output("samtools", "view", "-h", project.ROOT / "testdata/reads.bam").splitlines()
    (folder / "reads.sam").write_text("".join(f"{line}\n" for line in copied(sam, copies)))
    project.checked(NAME, "samtools", "view", "--no-PG", "-b", "-o", reads, folder / "reads.sam")
    (folder / "reads.sam").unlink()
    project.checked(NAME, "samtools", "index", reads)
    project.checked(NAME, "samtools", "faidx", ref)
    return ref, reads


def renamed(sequence: str, copy: int) -> str:
    """A FASTA entry without its >, of another name."""
    name, rest = sequence.split("\n", 1)
    return f"{name.split()[0]}_{copy}\n{rest}"


def copied(sam: list[str], copies: int) -> Iterator[str]:
    """The lines of a sorted SAM, as often as that, on contigs of other names."""
    contigs = [line.split("\t") for line in sam if line.startswith("@SQ")]
    yield "@HD\tVN:1.6\tSO:coordinate"
    for copy in range(copies):
        for fields in contigs:
            yield "\t".join(f"{field}_{copy}" if field.startswith("SN:") else field for field in fields if not field.startswith("M5:"))
    yield from (line for line in sam if line.startswith(("@RG", "@PG", "@CO")))
    records = [line.split("\t") for line in sam if not line.startswith("@")]
    for copy in range(copies):
        for fields in (fields for fields in records if fields[2] != "*"):
            mate = fields[6] if fields[6] in "*=" else f"{fields[6]}_{copy}"
            yield "\t".join([f"{fields[0]}_{copy}", fields[1], f"{fields[2]}_{copy}", *fields[3:6], mate, *fields[7:]])


def kept(journal: pathlib.Path) -> str:
    """The position before which all is kept, by the last mark of a journal."""
    if not journal.is_file():
        return "nothing, no journal yet"
    place = "nothing, no mark yet"
    rest = journal.read_bytes().split(b"\n", 1)[1]
    while True:
        head, _, rest = rest.partition(b"\n")
        try:
            content, rest = rest[: int(head[:8], 16)], rest[int(head[:8], 16) + 1 :]
            mark = json.loads(content.split(b"\n", 1)[0])
        except ValueError:
            return place
        if isinstance(mark, dict):
            place = str(mark["written_before"])


class Runs:
    """Runs of one command line in one folder."""

    def __init__(self, folder: pathlib.Path, words: list[str]) -> None:
        self.folder = folder
        self.words = [str(PROGRAM), "call", *words, "--output-vcf", "out.vcf.gz", "--output-gvcf", "out.g.vcf.gz"]

    def start(self, *more: str, limit: int | None = None) -> subprocess.Popen[str]:
        def limited() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.Popen(
            [*self.words, *more],
            cwd=self.folder,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=limited,
        )

    def content(self) -> dict[str, bytes]:
        """The outputs, and whatever else lies beside them."""
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}

    def clear(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()

    def finished(self, *more: str) -> str:
        """Runs to the end; returns what was said."""
        process = self.start(*more)
        said = process.communicate()[1]
        if process.returncode:
            project.fail(NAME, f"exit status {process.returncode}: {said.strip().splitlines()[-1:]}")
        return said

    def killed(self, number: int, after: float, *more: str) -> Stop | None:
        """Sends a signal after some seconds; None where the run was done before."""
        process = self.start(*more)
        try:
            process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            process.communicate()
        if process.returncode == 0:
            return None
        if process.returncode not in (-signal.SIGKILL, 128 + signal.SIGTERM, -signal.SIGTERM):
            project.fail(NAME, f"exit status {process.returncode} after signal {number}")
        return Stop(signal.Signals(number).name, after, kept(self.folder / JOURNAL))

    def full(self, limit: int, *more: str) -> Stop | None:
        """Runs with files of limited size; None where that was enough."""
        started = time.monotonic()
        process = self.start(*more, limit=limit)
        said = process.communicate()[1]
        if process.returncode == 0:
            return None
        if process.returncode != FULL:
            project.fail(NAME, f"exit status {process.returncode} on a full disk: {said.strip().splitlines()[-1:]}")
        return Stop(f"files of {limit} bytes", time.monotonic() - started, kept(self.folder / JOURNAL))


def compared(found: dict[str, bytes], expected: dict[str, bytes]) -> str:
    """What differs."""
    names = sorted(set(found) ^ set(expected))
    if names:
        return f"other files: {', '.join(names)}"
    differing = [name for name, content in expected.items() if found[name] != content]
    return f"other bytes: {', '.join(differing)}" if differing else "same bytes"


def checked_names(runs: Runs, expected: dict[str, bytes]) -> None:
    """Stops where a final name holds what is not whole."""
    for name, content in runs.content().items():
        if name in OUTPUTS and content != expected[name]:
            project.fail(NAME, f"{name} has its final name and is not whole")


def life(runs: Runs, stops: Iterator[Callable[[], Stop | None]], more: list[str], expected: dict[str, bytes]) -> tuple[list[Stop], str]:
    """A run that is stopped some times and then not any more: how it was stopped, and what it came to."""
    runs.clear()
    found: list[Stop] = []
    for stop in stops:
        stopped = stop()
        if stopped is None:
            return found, compared(runs.content(), expected)
        checked_names(runs, expected)
        found.append(stopped)
    said = runs.finished("--resume", *more)
    outcome = compared(runs.content(), expected)
    if found and ":" in found[-1].kept and "resuming at" not in said:
        outcome += ", but was started anew"
    return found, outcome


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--kills", type=int, default=100, help="runs to kill [%(default)s]")
    parser.add_argument("--disks", type=int, default=10, help="disks to fill [%(default)s]")
    parser.add_argument("--copies", type=int, default=20, help="copies of testdata/ [%(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="of the moments [%(default)s]")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2, help="of the program [%(default)s]")
    parser.add_argument("--ref", type=pathlib.Path, help="a reference in place of testdata/")
    parser.add_argument("--reads", type=pathlib.Path, help="reads in place of testdata/")
    parser.add_argument("--regions", nargs="+", default=[], help="what to call")
    args = parser.parse_args(argv)
    if not PROGRAM.is_file():
        project.fail(NAME, f"{PROGRAM} is missing; run cargo build --release")
    if (args.ref is None) != (args.reads is None):
        project.fail(NAME, "give both of --ref and --reads, or neither")
    project.need(NAME, {"samtools": "samtools"})
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="check-resume-") as name:
        inputs, outputs = pathlib.Path(name) / "in", pathlib.Path(name) / "out"
        inputs.mkdir()
        outputs.mkdir()
        ref, reads = (args.ref.resolve(), args.reads.resolve()) if args.ref else repeated(inputs, args.copies)
        words = ["--ref", str(ref), "--reads", str(reads), "--threads", str(args.threads), "--no-small-model"]
        if args.regions:
            words += ["--regions", *args.regions]
        runs = Runs(outputs, words)
        started = time.monotonic()
        runs.finished()
        took = time.monotonic() - started
        expected = runs.content()
        if sorted(expected) != sorted(OUTPUTS):
            project.fail(NAME, f"an unbroken run leaves {', '.join(expected)}")
        project.say(NAME, f"an unbroken run takes {took:.1f} s; killing {args.kills} of them")
        # Marks wherever they can be made, and images for all candidates, as batches of a few would let all regions end at once.
        more = ["--resume-interval", "0"]
        print("| run | stopped by | after, s | kept before | the files at the end |\n|---|---|---|---|---|")
        done, bad, number = 0, 0, 0

        def report(stops: list[Stop], outcome: str) -> None:
            nonlocal bad, number
            number += 1
            bad += outcome != "same bytes"
            for i, stop in enumerate(stops):
                print(f"| {number} | {stop.how} | {stop.after:.2f} | {stop.kept} | {outcome if i + 1 == len(stops) else ''} |", flush=True)

        while done < args.kills:
            count = min(rng.randint(1, MOST_IN_A_ROW), args.kills - done)

            def kill() -> Stop | None:
                return runs.killed(rng.choice((signal.SIGKILL, signal.SIGTERM)), rng.uniform(0.0, took), "--resume", *more)

            stops, outcome = life(runs, iter([kill] * count), more, expected)
            done += len(stops)
            report(stops, outcome)
        for _ in range(args.disks):
            limit = rng.randrange(1, max(len(content) for content in expected.values()))
            stops, outcome = life(runs, iter([functools.partial(runs.full, limit, "--resume", *more)]), more, expected)
            report(stops, outcome)
    print(
        f"\n{done} kills and {args.disks} full disks in {number} runs: {number - bad} ended with the bytes of the unbroken run, {bad} did not"
    )
    if bad:
        raise SystemExit(1)

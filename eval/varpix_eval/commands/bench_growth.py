"""How the cost of calling grows with length, depth, threads and candidates: CPU seconds by Mb, and by those of bcftools in the same run.

In:  sets of `scripts/eval accuracy` and `scripts/eval training-data`, and one of its own; what is missing of them is said and left out.
Out: a Markdown table on stdout; each line is the median of three runs in turn.

Needs Debian's bcftools.
"""

from __future__ import annotations

import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .. import project, sets
from ..timing import timed

NAME = "bench-growth"
RUNS = 3
OWN = "clean-100"  # a set of this command's own


class Line(NamedTuple):
    """What is called: a region, or a BED file of targets."""

    what: str
    name: str  # of the set
    regions: str
    threads: int = 2


def lines(targets: pathlib.Path) -> Iterator[Line]:
    """All lines of the table."""
    for length in (1000, 10_000, 100_000, 1_000_000, 5_000_000):
        end = 50_000_000 if length == 5_000_000 else 45_100_000 + length
        yield Line(f"length {length} bp, clean 30x, 2 threads", "clean-30", f"20:45100001-{end}")
    for depth in (15, 30, 50, 100):
        yield Line(f"depth {depth}x, clean, 1 Mb, 2 threads", f"clean-{depth}", "20:46000001-47000000")
    for depth in (15, 30, 50):
        yield Line(f"depth {depth}x, all artefacts, 1 Mb, 2 threads", f"hard-{depth}", "20:46000001-47000000")
    for threads in (1, 2, 4):
        yield Line(f"{threads} thread(s), clean 30x, 1 Mb", "clean-30", "20:46000001-47000000", threads)
    yield Line("1,000 targets of 200 bp in 4.8 Mb, clean 30x, 2 threads", "clean-30", str(targets))
    yield Line("a variant in 400 bp, clean 50x, 1 Mb, 2 threads", "train-10", "20:8000001-9000000")
    yield Line("a variant in 400 bp, all artefacts 40x, 1 Mb, 2 threads", "train-1", "20:2000001-3000000")


def length(regions: str) -> int:
    """bp."""
    if pathlib.Path(regions).is_file():
        rows = [line.split("\t") for line in pathlib.Path(regions).read_text().splitlines()]
        return sum(int(row[2]) - int(row[1]) for row in rows)
    _, start, end = project.interval(regions)
    return end - start


def quoted(words: Iterable[object]) -> str:
    return shlex.join(str(word) for word in words)


def measured(line: Line, ref: str, reads: str, folder: pathlib.Path) -> str:
    """A row of the table."""
    walls, cpus, ratios, said = [], [], [], ""
    log = folder / "log"
    ours = [project.VARPIX, "call", "--ref", ref, "--reads", reads, "--regions", line.regions, "--threads", line.threads]
    where = ["-R" if pathlib.Path(line.regions).is_file() else "-r", line.regions]
    theirs = f"{quoted(['bcftools', 'mpileup', '-f', ref, *where, reads])} | bcftools call -mv -Oz -o {folder}/b.vcf.gz"
    for _ in range(RUNS):
        cost = timed(NAME, quoted([*ours, "--output-vcf", folder / "a.vcf.gz"]), log)
        said = log.read_text()
        other = timed(NAME, theirs)
        walls.append(cost.wall)
        cpus.append(cost.cpu)
        ratios.append(cost.cpu / other.cpu)
    wall, cpu, ratio = (statistics.median(values) for values in (walls, cpus, ratios))
    candidates, alone = (number(what, said) for what in ("candidates", "without an image"))
    mb = length(line.regions) / 1e6
    share = 100 * alone // candidates if candidates else 0
    return f"| {line.what} | {mb:.3f} | {candidates} | {share} % | {wall:.2f} | {cpu:.2f} | {cpu / mb:.2f} | {ratio:.2f} |"


def number(what: str, log: str) -> int:
    """A count in the table that varpix ends with."""
    match = re.search(rf"{what} +(\d+)$", log, re.MULTILINE)
    if not match:
        project.fail(NAME, f"varpix does not say '{what}'")
    return int(match[1])


def main(argv: Sequence[str]) -> None:
    project.parser(NAME, __doc__).parse_args(argv)
    project.need(NAME, {"bcftools": "bcftools"})
    project.build()
    values = sets.sources()
    reads = {name: pathlib.Path(values["sim"]) / f"{name}.bam" for name in {line.name for line in lines(pathlib.Path())}}
    if not pathlib.Path(f"{reads[OWN]}.bai").exists() and pathlib.Path(values["hg001"]).exists() and pathlib.Path(values["b37"]).exists():
        simulate = ["simulate", "--ref", values["b37"], "--truth", values["hg001"], "--region", "20:46000001-47000000", "--depth", "100"]
        command = [sys.executable, "-m", "varpix_eval", *simulate, "--seed", "7", "--out", str(reads[OWN].with_suffix(""))]
        subprocess.run(command, check=True, stdout=sys.stderr)
    print("| what | Mb | candidates | by the small model alone | wall (s) | CPU (s) | CPU s by Mb | of bcftools' CPU |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        targets = folder / "targets.bed"
        targets.write_text("".join(f"20\t{45_100_000 + 4800 * i}\t{45_100_000 + 4800 * i + 200}\n" for i in range(1000)))
        for line in lines(targets):
            if not pathlib.Path(f"{reads[line.name]}.bai").exists():
                project.say(NAME, f"{reads[line.name]} is not there: {line.what} is left out")
                continue
            print(measured(line, values["b37"], str(reads[line.name]), folder), flush=True)

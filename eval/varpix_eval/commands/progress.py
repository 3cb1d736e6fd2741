"""Compares what a run says of its progress with what it took, so that the time that is left can be trusted.

In:  arguments of `varpix call`, without outputs. Runs of less than 15 seconds say nothing of their progress.
Out: a line on stdout for each line of the log: the share that is done, and the whole that this estimates, by processor time, against what the
     whole took. Processor time, so that what else the machine does counts for nothing; the time before the first region is left out, as in the log.

  scripts/eval progress -- --ref ref.fa --reads sample.bam --threads 1
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import tempfile
from collections.abc import Sequence

from .. import project

NAME = "progress"
LINE = re.compile(r"([\d.]+) % after .*at (\S+)$")
TICKS = os.sysconf("SC_CLK_TCK")


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--program", type=pathlib.Path, metavar="VARPIX", help="[default: a release build]")
    parser.add_argument("words", nargs="+", metavar="ARGUMENT", help="of varpix call, behind --")
    args = parser.parse_args(argv)
    if not args.program:
        project.build()
    begun, lines, total = observed(args.program or project.VARPIX, args.words)
    print("| at | share said | share of processor time | estimate of the whole by the pace so far |")
    print("|---|---|---|---|")
    for share, place, spent in lines:
        done, whole = spent - begun, total - begun
        error = (done / share) / whole - 1 if share else 0.0
        print(f"| {place} | {100 * share:.1f} % | {100 * done / whole:.1f} % | {100 * error:+.0f} % |")
    if not lines:
        print(f"{NAME}: the run ended before it said anything")


def observed(program: pathlib.Path, words: Sequence[str]) -> tuple[float, list[tuple[float, str, float]], float]:
    """Processor seconds before the first region; of each line share, place and seconds; seconds of the whole."""
    begun, lines, last = 0.0, [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "calls.vcf.gz"
        process = subprocess.Popen([program, "call", *words, "--output-vcf", out], stderr=subprocess.PIPE, text=True)
        assert process.stderr
        for line in process.stderr:
            last = seconds(process.pid) or last
            if " worker(s), network on " in line:
                begun = last
            if found := LINE.search(line.strip()):
                lines.append((float(found[1]) / 100, found[2], last))
        if process.wait():
            project.fail(NAME, "the run failed")
    return begun, lines, last


def seconds(pid: int) -> float:
    """Processor time of a process, which may have ended."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS

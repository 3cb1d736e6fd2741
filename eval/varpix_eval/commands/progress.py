"""Compares what a run says of its progress with what it took, so that the time that is left can be trusted.

In:  arguments of `varpix call`, without outputs.
Out: a table on stdout: of the bar on a terminal, the first line with an estimate and one for each further tenth of the work; the share that is
     said to be done, and the whole that this estimates, by processor time, against what the whole took. Processor time, so that what else the
     machine does counts for nothing; the time before the first region is left out, as in the bar. Fails where the first estimate is off by more
     than 20 %.

  scripts/eval progress -- --ref ref.fa --reads sample.bam --threads 1
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import pty
import re
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence

from .. import project

NAME = "progress"
# "0:00:04 [===>   ] 12.3 %, about 30 s left; at chr20:1000"
BAR = re.compile(r"([\d.]+) %(, about [^;]* left)?; at (\S+)")
MOST_WRONG = 0.2
# Lines and columns of the terminal.
SIZE = struct.pack("HHHH", 24, 200, 0, 0)

Line = tuple[float, bool, str, float]


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--program", type=pathlib.Path, metavar="VARPIX", help="[default: a release build]")
    parser.add_argument("words", nargs="+", metavar="ARGUMENT", help="of varpix call, behind --")
    args = parser.parse_args(argv)
    if not args.program:
        project.build()
    begun, lines, total = observed(args.program or project.VARPIX, args.words)
    told = list(chosen(lines))
    print(f"{total - begun:.1f} s of processor time from the first region on, {begun:.1f} s before it\n")
    print("| at | share said | share of processor time | estimate of the whole by the pace so far |")
    print("|---|---|---|---|")
    errors = []
    for share, _, place, spent in told:
        done, whole = spent - begun, total - begun
        errors.append((done / share) / whole - 1 if share else 0.0)
        print(f"| {place} | {100 * share:.1f} % | {100 * done / whole:.1f} % | {100 * errors[-1]:+.0f} % |")
    if not told:
        print(f"{NAME}: the run ended before it gave an estimate")
    elif abs(errors[0]) > MOST_WRONG:
        project.fail(NAME, f"the first estimate is off by {100 * errors[0]:+.0f} %")


def chosen(lines: Sequence[Line]) -> Iterator[Line]:
    """The first line with an estimate, and the first of each tenth of the work after it."""
    tenth = -1
    for line in lines:
        share, estimates = line[:2]
        if estimates and int(10 * share) > tenth:
            tenth = int(10 * share)
            yield line


def observed(program: pathlib.Path, words: Sequence[str]) -> tuple[float, list[Line], float]:
    """Processor seconds before the first region; of each state of the bar share, whether the rest is estimated, place and seconds; seconds of all."""
    begun, lines, last = 0.0, [], 0.0
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, SIZE)
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "calls.vcf.gz"
        environment = os.environ | {"TERM": "xterm"}
        # The program makes way for this script, so that its processor time is taken as soon as the bar moves.
        run = [str(word) for word in ["nice", "-n", "10", program, "call", *words, "--output-vcf", out]]
        process = subprocess.Popen(run, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        text = ""
        while part := read(ours):
            last = seconds(process.pid) or last
            text += part
            if not begun and " worker(s), network on " in text:
                begun = last
            *whole, text = re.split(r"[\r\n]", text)
            lines += [(float(found[1]) / 100, bool(found[2]), found[3], last) for frame in whole if (found := BAR.search(frame))]
        if process.wait():
            project.fail(NAME, "the run failed")
    os.close(ours)
    return begun, lines, last


def read(terminal: int) -> str:
    """What the terminal shows next; nothing once all that wrote to it have ended."""
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        return ""


def seconds(pid: int) -> float:
    """Processor time of a process; 0 once it has ended."""
    try:
        # Linux: the clock of another process's processor time (clock_getcpuclockid(3)).
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0

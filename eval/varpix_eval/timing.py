"""What a command costs: wall time, CPU time and memory of it and of all that it starts."""

from __future__ import annotations

import dataclasses
import pathlib
import resource
import subprocess
import sys
import time

from .project import fail

# A process in between, whose only child the command is: the peak is that of the children of one process.
READER = """import resource,subprocess,sys
code=subprocess.run(['bash','-o','pipefail','-c',sys.argv[1]]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss//1024)
sys.exit(code)"""


@dataclasses.dataclass(frozen=True)
class Cost:
    """Seconds, seconds, MiB at the peak of the largest process."""

    wall: float
    cpu: float
    memory: int


def timed(command: str, line: str, log: pathlib.Path | None = None) -> Cost:
    """Runs a line of bash; its stderr goes to the log. Stops where it fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with open(log or "/dev/null", "w") as sink:
        done = subprocess.run([sys.executable, "-c", READER, line], stdout=subprocess.PIPE, stderr=sink, text=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        fail(command, f"failed: {line}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, int(done.stdout.split()[-1]))

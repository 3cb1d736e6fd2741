"""What a command costs: wall time, CPU time and memory of it and of all that it starts."""

from __future__ import annotations

import dataclasses
import pathlib
import subprocess
import sys
import tempfile

from .project import fail

# A process in between, whose only child the command is: what its children used is what the command used.
READER = """import resource,subprocess,sys,time
start=time.perf_counter()
code=subprocess.run(['bash','-o','pipefail','-c',sys.argv[1]]).returncode
wall=time.perf_counter()-start
used=resource.getrusage(resource.RUSAGE_CHILDREN)
print()
print(wall,used.ru_utime+used.ru_stime,used.ru_maxrss//1024)
sys.exit(code)"""


@dataclasses.dataclass(frozen=True)
class Cost:
    """Seconds, seconds, MiB at the peak of the largest process."""

    wall: float
    cpu: float
    memory: int


def timed(command: str, line: str, log: pathlib.Path | None = None) -> Cost:
    """Runs a line of bash; its stderr goes to the log. Stops where it fails."""
    with tempfile.TemporaryFile("w+") as sink:
        done = subprocess.run([sys.executable, "-c", READER, line], stdout=subprocess.PIPE, stderr=sink, text=True)
        sink.seek(0)
        said = sink.read()
    if log:
        log.write_text(said)
    if done.returncode:
        last = said.strip().rpartition("\n")[2]
        fail(command, f"failed: {line}" + (f": {last}" if last else ""))
    wall, cpu, memory = done.stdout.splitlines()[-1].split()
    return Cost(float(wall), float(cpu), int(memory))

"""Runs varpix on planted faults: from a fault to what is observed, and to the answer."""

from __future__ import annotations

import gzip
import hashlib
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from ..project import ROOT, VARPIX, fail
from .area import Fault
from .judgement import HUNG, Answer, Observed, problems, shown
from .world import TESTDATA, World

PROGRAM = pathlib.Path(os.environ.get("VARPIX", VARPIX)).resolve()
LIMIT = 30  # seconds; most answers take under one, but machines of CI are shared
SHELL_FILES = {"left", "small", "gone"}  # made by the lines of shells, not by varpix


def calls(w: World) -> list[str]:
    """Lines of the VCF that a run has written."""
    for path in (w / w.vcf, w / pathlib.Path(w.vcf).name):
        # A name may be longer than any file's can be.
        if os.path.isfile(path):
            data = path.read_bytes()
            text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
            return [line for line in text.splitlines() if not line.startswith("#")]
    return []


def heeding() -> None:
    """Undoes what a parent such as nohup has told its children to ignore."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def start(w: World) -> tuple[int, str]:
    """Runs varpix on a world; HUNG for what does not end."""
    here = {"varpix": f"'{PROGRAM}'", "testdata": str(TESTDATA), "folder": w.folder.name}
    words = [word.replace("{folder}", w.folder.name) for word in w.arguments()]
    if w.shell is not None:
        quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in [str(PROGRAM), *words])
        line = w.shell.replace("{}", quoted)
        for name, value in here.items():
            line = line.replace("{" + name + "}", value)
        argv = ["unshare", "--mount", "bash", "-c", line] if w.small_disk else ["bash", "-c", line]
    else:
        argv = [str(PROGRAM), *words]
    before = set(os.listdir(w.folder))
    process = subprocess.Popen(
        argv,
        cwd=w.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heeding,
    )
    try:
        if w.signal:
            wait_for_output(w, process, before)
            process.send_signal(w.signal)
        said = process.communicate(timeout=LIMIT)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return HUNG, "no end"
    return process.returncode, said.decode(errors="replace")


def wait_for_output(w: World, process: subprocess.Popen[bytes], before: set[str]) -> None:
    """Returns when the run has made a file, has ended, or hangs."""
    end = time.monotonic() + LIMIT
    while process.poll() is None and set(os.listdir(w.folder)) == before and time.monotonic() < end:
        time.sleep(0.01)


def digest(path: pathlib.Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""


def observe(w: World) -> Observed:
    """Runs a world, and looks at what became of its files."""
    inputs = {path.name: digest(path) for path in w.folder.iterdir() if path.is_file() and not path.is_symlink()}
    planted = {path.name for path in w.folder.iterdir()}
    code, said = start(w)
    left = sorted({path.name for path in w.folder.iterdir()} - planted - SHELL_FILES)
    changed = [name for name, before in inputs.items() if digest(w / name) != before]
    disk = (w / "left").read_text().strip() if w.small_disk and (w / "left").is_file() else ""
    return Observed(code, said, calls(w), left, changed, w.vcf, disk)


def wanted(fault: Fault, w: World, expected: dict[bool, list[str]]) -> list[str] | None:
    """The calls that must come out where the run ends with 0; None where it calls nothing, or something else on purpose."""
    if not fault.same or w.command is not None or (w.shell and not w.small_disk):
        return None
    return expected[w.regions is None]


def answered(fault: Fault, expected: dict[bool, list[str]]) -> Answer:
    """Plants a fault, and says what is bad about the answer."""
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        # A name that is the same in every run, since some sentences hold it.
        w = World(pathlib.Path(name) / "run")
        try:
            fault.plant(w)
        except (subprocess.CalledProcessError, OSError, AttributeError, KeyError) as error:
            return Answer(fault, -2, "", problems=[f"could not be planted: {error}"])
        seen = observe(w)
        return Answer(
            fault, seen.code, shown(fault, seen, str(w.folder), str(ROOT)), seen.left, problems(fault, seen, wanted(fault, w, expected))
        )


def baseline() -> dict[bool, list[str]]:
    """The calls without a fault: of all of testdata, and of the first 30 kb."""
    found = {}
    for whole in (True, False):
        with tempfile.TemporaryDirectory(prefix="faults-") as name:
            w = World(pathlib.Path(name) / "run")
            if whole:
                w.everything()
            code, said = start(w)
            if code:
                fail("faults", f"without any fault varpix ends with {code}: {said}")
            found[whole] = calls(w)
    return found

"""Virtual environments with tools from PyPI, .cache/NAME: the extras of pyproject.toml, with their versions pinned there."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence

from .project import CACHE, ROOT, fail, say

PYPROJECT = ROOT / "eval/pyproject.toml"


def extras() -> dict[str, list[str]]:
    """The packages of each environment."""
    found: dict[str, list[str]] = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    return found


def ensure(name: str) -> pathlib.Path:
    """Makes an environment, unless it is there with the same packages; returns its folder."""
    known = extras()
    if name not in known:
        fail("environment", f"unknown name {name} (known: {', '.join(known)})")
    packages, folder = known[name], CACHE / name
    stamp = folder / ".complete"
    if stamp.exists() and stamp.read_text() == " ".join(packages):
        return folder
    say("environment", f"installing {' '.join(packages)} into .cache/{name}")
    shutil.rmtree(folder, ignore_errors=True)
    # The venv module is a package of its own on Debian.
    if subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True).returncode:
        fail("environment", "python3 has no venv; scripts/setup installs Debian's python3-venv")
    subprocess.run([folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True)
    stamp.write_text(" ".join(packages))
    return folder


def enter(name: str, command: str, argv: Sequence[str]) -> None:
    """Starts the command anew with the environment's Python, unless this is it."""
    folder = ensure(name)
    if pathlib.Path(sys.prefix).resolve() == folder.resolve():
        return
    os.environ["PYTHONPATH"] = str(ROOT / "eval")
    python = folder / "bin/python"
    os.execv(python, [str(python), "-m", "varpix_eval", command, *argv])

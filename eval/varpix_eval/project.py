"""The checkout and the programs around it: paths, processes, and one sentence where something is missing."""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
from typing import NoReturn

ROOT = pathlib.Path(__file__).resolve().parents[2]
VARPIX = ROOT / "target/release/varpix"
CACHE = ROOT / ".cache"
DATA = pathlib.Path(os.path.normpath(ROOT / os.environ.get("VARPIX_DATA", "../shared/data")))
Path = str | os.PathLike[str]


def parser(command: str, doc: str | None) -> argparse.ArgumentParser:
    """A parser whose help is the module's doc."""
    return argparse.ArgumentParser(f"scripts/eval {command}", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def fail(command: str, message: str) -> NoReturn:
    sys.exit(f"{command}: {message}")


def say(command: str, message: str) -> None:
    print(f"{command}: {message}", file=sys.stderr)


def need(command: str, tools: dict[str, str]) -> None:
    """Stops where a program (of a Debian package) is missing."""
    for tool, package in tools.items():
        if not shutil.which(tool):
            fail(command, f"{tool} is missing; install Debian's {package}")


def output(*command: object) -> str:
    """What a program prints."""
    return subprocess.run([str(word) for word in command], check=True, text=True, stdout=subprocess.PIPE).stdout


def checked(command: str, *words: object) -> None:
    """Runs a program; where it fails, stops with the last line that it wrote."""
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        fail(command, f"{pathlib.Path(str(words[0])).name} failed: {said[-1]}")


def pipeline(*stages: list[object]) -> str:
    """Runs programs, the output of each the input of the next; returns what the last prints."""
    processes: list[subprocess.Popen[str]] = []
    for stage in stages:
        source = processes[-1].stdout if processes else None
        process = subprocess.Popen(
            [str(word) for word in stage],
            text=True,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if source:
            source.close()
        processes.append(process)
    said, _ = processes[-1].communicate()
    for process, stage in zip(processes, stages, strict=True):
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, [str(word) for word in stage])
    return said


def build(*more: str) -> None:
    """Builds the release program where it is not up to date."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", *more], cwd=ROOT, check=True)


def interval(region: str) -> tuple[str, int, int]:
    """Contig, start and end (0-based, half-open) of contig:start-end (1-based, both included)."""
    contig, span = region.rsplit(":", 1)
    start, end = (int(n.replace(",", "")) for n in span.split("-"))
    return contig, start - 1, end

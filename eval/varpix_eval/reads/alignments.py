"""Alignments as samtools prints them: their parts, and where a sample differs from the reference."""

from __future__ import annotations

import collections
import re
import subprocess
from collections.abc import Iterable, Iterator

CIGAR = re.compile(r"(\d+)([MIDNSHP=X])")


def view(bam: str, region: str, *options: str) -> Iterator[list[str]]:
    """The fields of each alignment of a region, tags in one."""
    with subprocess.Popen(["samtools", "view", *options, bam, region], text=True, stdout=subprocess.PIPE) as process:
        for line in process.stdout or ():
            yield line.rstrip("\n").split("\t", 11)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "samtools view")


def reference(ref: str, contig: str, start: int, end: int) -> str:
    """Bases of [start, end), 0-based, in capitals."""
    command = ["samtools", "faidx", ref, f"{contig}:{start + 1}-{end}"]
    return "".join(subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.split("\n")[1:]).upper()


def parts(position: int, cigar: str) -> Iterable[tuple[str, int, int, int]]:
    """(kind, position on the reference, position in the read, bases) of each part of a CIGAR, = and X as M."""
    at = 0
    for count, kind in CIGAR.findall(cigar):
        count = int(count)
        yield ("M" if kind in "=X" else kind), position, at, count
        if kind in "M=XDN":
            position += count
        if kind in "M=XIS":
            at += count


def differing(bam: str, region: str, bases: str, offset: int, share: float = 0.2, near: int = 10) -> set[int]:
    """Positions (0-based) where that share of the reads and three of them differ from the reference, and those near such indels.

    What a sample's own variants are where no truth is known: errors that many reads share are taken for variants.
    """
    depth: collections.Counter[int] = collections.Counter()
    wrong: collections.Counter[tuple[int, str]] = collections.Counter()
    indels: collections.Counter[int] = collections.Counter()
    for fields in view(bam, region, "-F", "0xF04", "-q", "10"):
        sequence = fields[9]
        for kind, there, at, count in parts(int(fields[3]) - 1 - offset, fields[5]):
            if kind == "M":
                for i in range(max(0, -there), min(count, len(bases) - there)):
                    depth[there + i] += 1
                    if sequence[at + i] != bases[there + i]:
                        wrong[there + i, sequence[at + i]] += 1
            elif kind in "ID":
                indels[there] += 1
    found = {p + offset for (p, _), n in wrong.items() if n >= 3 and n >= share * depth[p]}
    for p, n in indels.items():
        if n >= 3 and n >= share * max(depth[p - 1], 1):
            found.update(range(p + offset - near, p + offset + near + 30))
    return found

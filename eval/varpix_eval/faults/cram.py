"""CRAM and its .crai, whole and damaged."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable

from .area import Area
from .world import World

AREA = Area()
fault, edited = AREA.fault, AREA.edited


edited("cram", "CRAM", 0, lambda w: w.cram())


@fault("cram-other-name", "CRAM whose name does not say so", 0)
def _(w: World) -> None:
    w.cram()
    for suffix in ("", ".crai"):
        shutil.move(w / f"reads.cram{suffix}", w / f"input{suffix}")
    w.reads = "input"


@fault("cram-named-bam", "CRAM named .bam", 0)
def _(w: World) -> None:
    w.cram()
    shutil.move(w / "reads.cram", w / "reads.bam")
    shutil.move(w / "reads.cram.crai", w / "reads.bam.crai")
    w.reads = "reads.bam"


edited("cram-no-eof", "CRAM without its EOF container", 3, lambda w: (w.cram(), w.cut("reads.cram", -38)), "reads.cram")


def containers(w: World) -> list[int]:
    """Offsets of the CRAM's containers, from its index."""
    lines = gzip.decompress(w.content("reads.cram.crai")).decode().splitlines()
    return sorted({int(line.split("\t")[3]) for line in lines})


def crai(w: World, edit: Callable[[list[str]], list[str]]) -> None:
    lines = gzip.decompress(w.content("reads.cram.crai")).decode().splitlines()
    w.write("reads.cram.crai", gzip.compress(("\n".join(edit(lines)) + "\n").encode() if edit(lines) else b""))


edited(
    "cram-cut-old-index",
    "CRAM cut between two containers, with its old index",
    3,
    lambda w: (w.cram(), w.cut("reads.cram", containers(w)[9])),
    "reads.cram",
)


@fault("cram-cut-new-index", "CRAM cut between two containers, indexed anew", 3, "reads.cram")
def _(w: World) -> None:
    w.cram()
    at = containers(w)[9]
    w.cut("reads.cram", at)
    crai(w, lambda lines: [line for line in lines if int(line.split("\t")[3]) < at])


@fault("cram-cut-eof", "CRAM cut between two containers, with an EOF container put behind", 3, "reads.cram")
def _(w: World) -> None:
    w.cram()
    w.write("reads.cram", w.content("reads.cram")[: containers(w)[9]] + w.content("reads.cram")[-38:])


edited(
    "crai-half",
    ".crai without its second half",
    3,
    lambda w: (w.cram(), crai(w, lambda lines: lines[: len(lines) // 2])),
    "reads.cram.crai",
)
edited("crai-line", ".crai without one line", 3, lambda w: (w.cram(), crai(w, lambda lines: lines[:5] + lines[6:])), "reads.cram.crai")
edited("crai-empty", ".crai without a line", 3, lambda w: (w.cram(), crai(w, lambda lines: [])), "reads.cram.crai")
edited("crai-nonsense", ".crai of words", 3, lambda w: (w.cram(), crai(w, lambda lines: ["a\tb"])), "reads.cram.crai")
edited(
    "crai-plain",
    ".crai not compressed",
    (0, 3),
    lambda w: (w.cram(), w.write("reads.cram.crai", gzip.decompress(w.content("reads.cram.crai")))),
)
edited("crai-cut", ".crai cut short", 3, lambda w: (w.cram(), w.cut("reads.cram.crai", 60)), "reads.cram.crai")


@fault("crai-other", ".crai of another CRAM", 3, "reads.cram.crai")
def _(w: World) -> None:
    w.cram()
    w.as_cram("other.cram", "-s", "7.4", reads_per_slice=1500)
    w.run("samtools", "index", "other.cram", "reads.cram.crai")


@fault("cram-wrong-reference", "CRAM with another reference", 3, "reads.cram")
def _(w: World) -> None:
    w.cram()
    w.fasta(lambda text: text.replace("ACG", "AGG"))

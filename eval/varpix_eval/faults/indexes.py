"""Indexes of reads: .bai and .csi, damaged or of another file."""

from __future__ import annotations

import struct

from .area import Area, Plant, cut
from .world import World

AREA = Area()
fault, edited = AREA.fault, AREA.edited


def lacking(at: int) -> Plant:
    """A .bai without one of its bytes."""
    return lambda w: w.write("reads.bam.bai", w.content("reads.bam.bai")[:at] + w.content("reads.bam.bai")[at + 1 :])


for kept in (0, 4, 6, 8, 16, 18, 40, 42, 100, 500):
    edited(
        f"bai-cut-{kept}",
        f".bai cut after {kept} bytes",
        3,
        cut("reads.bam.bai", kept),
        "reads.bam.bai",
        "samtools index",
    )
for at in (6, 8, 12, 30, 200):
    edited(
        f"bai-lacks-{at}",
        f".bai without its byte {at}",
        3,
        lacking(at),
        "reads.bam.bai",
        "samtools index",
    )
edited(
    "bai-negative-bins",
    ".bai with a negative number of bins",
    3,
    lambda w: w.patch("reads.bam.bai", 8, struct.pack("<i", -5)),
    "reads.bam.bai",
)
edited(
    "bai-negative-chunks",
    ".bai with a negative number of chunks",
    3,
    lambda w: w.patch("reads.bam.bai", 16, struct.pack("<i", -1)),
    "reads.bam.bai",
)
edited(
    "bai-many-bins",
    ".bai with two billion bins",
    3,
    lambda w: w.patch("reads.bam.bai", 8, struct.pack("<i", 2_000_000_000)),
    "reads.bam.bai",
)
edited(
    "bai-many-contigs",
    ".bai with two billion contigs",
    3,
    lambda w: w.patch("reads.bam.bai", 4, struct.pack("<i", 2_000_000_000)),
    "reads.bam.bai",
)


@fault("bai-no-reads", ".bai of a BAM without reads and the same header", 3, "reads.bam.bai")
def _(w: World) -> None:
    w.everything()
    w.run("samtools", "view", "--no-PG", "-b", "-H", "-o", "none.bam", "reads.bam")
    w.run("samtools", "index", "none.bam", "reads.bam.bai")


@fault("bai-earlier", ".bai from before the reads of chrB were appended", 3, "reads.bam.bai")
def _(w: World) -> None:
    w.everything()
    w.run("samtools", "view", "--no-PG", "-b", "-o", "first.bam", "reads.bam", "chrA")
    w.run("samtools", "index", "first.bam", "reads.bam.bai")


@fault("bai-other", ".bai of a tenth of the reads", 3, "reads.bam.bai")
def _(w: World) -> None:
    w.run("samtools", "view", "--no-PG", "-b", "-s", "7.1", "-o", "other.bam", "reads.bam")
    w.run("samtools", "index", "other.bam", "reads.bam.bai")


def bai_bins(data: bytes) -> list[tuple[int, int, int]]:
    """Start, end and number of each bin of a .bai's first contig."""
    bins, offset = [], 12
    for _ in range(struct.unpack_from("<i", data, 8)[0]):
        number, chunks = struct.unpack_from("<Ii", data, offset)
        bins.append((offset, offset + 8 + 16 * chunks, number))
        offset += 8 + 16 * chunks
    return bins


@fault("bai-bins-missing", ".bai without three of its bins", 3, "reads.bam.bai")
def _(w: World) -> None:
    w.everything()
    data = bytes(w.content("reads.bam.bai"))
    bins = [b for b in bai_bins(data) if b[2] != 37450]
    for start, end, _number in sorted(bins[2:5], reverse=True):
        data = data[:start] + data[end:]
    w.write("reads.bam.bai", data)
    w.patch("reads.bam.bai", 8, struct.pack("<i", struct.unpack_from("<i", data, 8)[0] - 3))


@fault("bai-linear", ".bai whose linear index lies behind the end of the file", 3, "reads.bam.bai")
def _(w: World) -> None:
    w.everything()
    data = bytes(w.content("reads.bam.bai"))
    offset = bai_bins(data)[-1][1]
    windows = struct.unpack_from("<i", data, offset)[0]
    w.patch("reads.bam.bai", offset + 4, struct.pack("<Q", 1 << 44) * windows)


@fault("bai-garbage", ".bai with bytes behind its end", (0, 3))
def _(w: World) -> None:
    w.everything()
    w.write("reads.bam.bai", w.content("reads.bam.bai") + b"\1\2\3" * 20)


def csi(keep: int | None = None) -> Plant:
    """A .csi in place of the .bai, cut where that is said."""

    def plant(w: World) -> None:
        (w / "reads.bam.bai").unlink()
        w.run("samtools", "index", "-c", "reads.bam")
        if keep is None:
            w.everything()
        else:
            w.cut("reads.bam.csi", keep)

    return plant


edited("csi", ".csi in place of .bai", 0, csi())
for kept in (3, 40, 200):
    edited(f"csi-cut-{kept}", f".csi cut after {kept} bytes", 3, csi(kept), "reads.bam.csi")


@fault("csi-earlier", ".csi from before the reads of chrB were appended", 3, "reads.bam.csi")
def _(w: World) -> None:
    w.everything()
    w.run("samtools", "view", "--no-PG", "-b", "-o", "first.bam", "reads.bam", "chrA")
    (w / "reads.bam.bai").unlink()
    w.run("samtools", "index", "-c", "first.bam", "reads.bam.csi")

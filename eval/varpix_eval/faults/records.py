"""Single records: odd but legal ones, which must give the same calls, and those that no BAM may hold."""

from __future__ import annotations

import gzip
import re
import shutil
import struct
import zlib
from collections.abc import Callable

from .area import Area, Plant
from .world import World

AREA = Area()
fault, edited = AREA.fault, AREA.edited


def record(number: int, refid: int | None = None, position: int | None = None) -> Plant:
    """Changes refID or position of a record in the bytes of an uncompressed BAM, whose index stays right."""

    def plant(w: World) -> None:
        w.everything()
        w.run("samtools", "view", "--no-PG", "-u", "-o", "stored.bam", "reads.bam")
        shutil.move(w / "stored.bam", w / "reads.bam")
        w.run("samtools", "index", "reads.bam")
        data = w.content("reads.bam")
        plain = gzip.decompress(data)
        offset = 8 + struct.unpack_from("<i", plain, 4)[0]
        contigs = struct.unpack_from("<i", plain, offset)[0]
        offset += 4
        for _ in range(contigs):
            offset += 8 + struct.unpack_from("<i", plain, offset)[0]
        for _ in range(number):
            offset += 4 + struct.unpack_from("<i", plain, offset)[0]
        # The block that holds the record: 18 bytes of header, 5 of a stored deflate block, then the bytes as they are.
        start, before = 0, 0
        while True:
            size = struct.unpack_from("<H", data, start + 16)[0] + 1
            length = struct.unpack_from("<I", data, start + size - 4)[0]
            if before + length > offset + 12:
                break
            start, before = start + size, before + length
        at = start + 23 + offset - before
        if refid is not None:
            struct.pack_into("<i", data, at + 4, refid)
        if position is not None:
            struct.pack_into("<i", data, at + 8, position)
        struct.pack_into("<I", data, start + size - 8, zlib.crc32(data[start + 23 : start + 23 + length]))
        w.write("reads.bam", data)

    return plant


def columns(edit: Callable[[list[str]], object]) -> Plant:
    """Edits the columns of every record."""

    def lines_edited(lines: list[str]) -> list[str]:
        out = []
        for line in lines:
            if not line.startswith("@"):
                parts = line.split("\t")
                edit(parts)
                line = "\t".join(parts)
            out.append(line)
        return out

    return lambda w: (w.everything(), w.sam(lines_edited))


def put(index: int, value: str) -> Callable[[list[str]], None]:
    def edit(parts: list[str]) -> None:
        parts[index] = value

    return edit


def alone(parts: list[str]) -> None:
    parts[1], parts[6], parts[7], parts[8] = str(int(parts[1]) & 0x10), "*", "0", "0"


edited("record-no-names", "all reads are named *", 0, columns(put(0, "*")))
edited(
    "record-mate-unknown",
    "RNEXT is * and the mate is not marked unmapped",
    0,
    columns(lambda p: (put(1, str(int(p[1]) & ~2))(p), put(6, "*")(p), put(7, "0")(p))),
)
edited("record-single-end", "reads without mates", 0, columns(alone))
edited("record-no-qualities", "no base qualities", 0, columns(put(10, "*")), same=False, warns=("qualit",))
edited(
    "record-other-contig",
    "all mates on another contig",
    0,
    columns(lambda p: (put(1, str(int(p[1]) & ~2))(p), put(6, "chrB" if p[2] == "chrA" else "chrA")(p), put(7, "500")(p))),
    same=False,
    warns=("contig",),
)


@fault("record-equals", "bases equal to the reference written as =", 0)
def _(w: World) -> None:
    sequences = {
        part.split("\n")[0].split()[0]: "".join(part.split("\n")[1:]).upper() for part in (w / "ref.fa").read_text().split(">")[1:]
    }

    def edit(parts: list[str]) -> None:
        match = re.fullmatch(r"(\d+)M", parts[5])
        if match:
            there = sequences[parts[2]][int(parts[3]) - 1 :]
            parts[9] = "".join("=" if base == other else base for base, other in zip(parts[9], there))

    columns(edit)(w)


@fault("record-lanes", "two lanes, in two files, whose reads share their names", 0)
def _(w: World) -> None:
    w.everything()
    w.run("samtools", "view", "--no-PG", "-b", "-s", "1.5", "-o", "a.bam", "-U", "b.bam", "reads.bam")
    for name in ("a", "b"):
        lines = w.run("samtools", "view", "--no-PG", "-h", f"{name}.bam").decode().splitlines()
        numbers: dict[str, int] = {}
        for i, line in enumerate(lines):
            if not line.startswith("@"):
                old, rest = line.split("\t", 1)
                lines[i] = f"r{numbers.setdefault(old, len(numbers))}\t{rest}"
        w.write(f"{name}.sam", "\n".join(lines) + "\n")
        w.run("samtools", "view", "--no-PG", "-b", "-o", f"{name}.bam", f"{name}.sam")
        w.run("samtools", "index", f"{name}.bam")
    w.reads = "a.bam,b.bam"


edited("record-eqx", "CIGARs of = in place of M", 0, columns(lambda p: put(5, p[5].replace("M", "="))(p)))


@fault("record-masked", "every tenth read all N, its qualities kept", 0)
def _(w: World) -> None:
    numbers = iter(range(10**9))

    def edit(parts: list[str]) -> None:
        if next(numbers) % 10 == 0:
            parts[9] = "N" * len(parts[9])

    columns(edit)(w)


edited(
    "record-none",
    "a BAM without a single read",
    0,
    lambda w: w.sam(lambda lines: [line for line in lines if line.startswith("@")]),
    same=False,
)
edited(
    "record-unmapped",
    "a BAM of unmapped reads only",
    0,
    lambda w: w.sam(
        lambda lines: [
            line
            if line.startswith("@")
            else "\t".join([line.split("\t")[0], "4", "*", "0", "0", "*", "*", "0", "0", *line.split("\t")[9:11]])
            for line in lines
        ]
    ),
    same=False,
)
edited(
    "record-no-cigar",
    "every fifth read without a CIGAR",
    0,
    lambda w: w.sam(
        lambda lines: [
            "\t".join([*line.split("\t")[:5], "*", *line.split("\t")[6:]]) if i % 5 == 0 and not line.startswith("@") else line
            for i, line in enumerate(lines)
        ]
    ),
    same=False,
)
edited(
    "record-no-sequence",
    "every fifth read without its bases",
    0,
    lambda w: w.sam(
        lambda lines: [
            "\t".join([*line.split("\t")[:9], "*", "*", *line.split("\t")[11:]]) if i % 5 == 0 and not line.startswith("@") else line
            for i, line in enumerate(lines)
        ]
    ),
    same=False,
)
for name, refid, position in (
    ("refid-9999", 9999, None),
    ("refid-minus-7", -7, None),
    ("position-2-31", None, 2**31 - 1),
    ("position-minus-100", None, -100),
):
    edited(
        f"record-{name}",
        f"a record whose {'refID' if refid is not None else 'position'} is {refid if refid is not None else position}",
        3,
        record(8000, refid, position),
        "reads.bam",
    )

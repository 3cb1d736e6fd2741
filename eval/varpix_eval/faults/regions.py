"""Regions: literals and BED files."""

from __future__ import annotations

import gzip
import os

from .area import Area, Codes, Plant
from .world import World

AREA = Area()
fault = AREA.fault


def regions(
    id: str,
    what: str,
    codes: Codes,
    values: list[str],
    *words: str,
    plant: Plant | None = None,
    same: bool = True,
    warns: tuple[str, ...] = (),
) -> None:
    def both(w: World) -> None:
        w.regions = values
        if plant:
            plant(w)

    fault("regions-" + id, what, codes, *words, same=same, warns=warns)(both)


def bed(content: bytes | str, name: str = "x.bed") -> Plant:
    return lambda w: ((w / name).parent.mkdir(exist_ok=True), w.write(name, content))


FIRST = "chrA\t0\t30000\n"
regions("unknown", "a contig that is not there", 2, ["chrZ"], "chrZ")
regions("no-chr", "a contig without its chr", 2, ["A"], "chrA")
regions("case", "a contig in lower case", 2, ["chra"], "chrA")
regions("build", "a build in place of regions", (2, 3), ["hg38"], "hg38")
regions("reversed", "a region that ends before it starts", 2, ["chrA:9-5"], "chrA:9-5")
regions("huge", "a position of 30 digits", 2, ["chrA:1-" + "9" * 30], "chrA")
regions("behind", "a region behind its contig's end", 2, ["chrA:900000-900100"], "chrA")
regions("zero", "a region from position 0", 2, ["chrA:0-100"], "chrA")
regions("no-bed", "a BED file that is not there", 3, ["none.bed"], "none.bed")
regions("empty-bed", "a BED file without a line", 3, ["x.bed"], "x.bed", plant=bed("# nothing\n"))
regions("bad-bed", "a BED line of words", 3, ["x.bed"], "x.bed", "line 2", plant=bed(FIRST + "chrA\tx\t200\n"))
regions("reversed-bed", "a BED line that ends before it starts", 3, ["x.bed"], "x.bed", "line 1", plant=bed("chrA\t900\t200\n"))
regions("bed-contig", "a BED line of an unknown contig", (2, 3), ["x.bed"], "x.bed", plant=bed("chrZ\t0\t200\n"))
regions(
    "bed-long",
    "a BED line past its contig's end",
    0,
    ["chrB:65000-70000", "x.bed"],
    plant=bed("chrB\t64999\t900000\n"),
    same=False,
    warns=("x.bed",),
)
regions("bed-folder", "a folder as BED", 3, ["x.bed"], "x.bed", plant=lambda w: (w / "x.bed").mkdir())
regions("bed-fifo", "a FIFO without a writer as BED", 3, ["x.bed"], "x.bed", plant=lambda w: os.mkfifo(w / "x.bed"))
regions("bed-gzip", "a BED by gzip", 0, ["x.bed.gz"], plant=bed(gzip.compress(FIRST.encode()), "x.bed.gz"))
regions("bed-gzip-cut", "a BED by gzip, cut short", 3, ["x.bed.gz"], "x.bed.gz", plant=bed(gzip.compress(FIRST.encode())[:-9], "x.bed.gz"))
regions("bed-bom", "a BED with a byte order mark", 0, ["x.bed"], plant=bed("\ufeff" + FIRST))
regions("bed-crlf", "a BED with CRLF line ends", 0, ["x.bed"], plant=bed(FIRST.replace("\n", "\r\n")))
regions("bed-blank", "a BED whose path has a blank", 0, ["my dir/x.bed"], plant=bed(FIRST, "my dir/x.bed"))
regions(
    "file-of-contig",
    "a file that is called as a contig",
    0,
    ["chrA:1-30000"],
    plant=lambda w: (w.write("chrA", "chrA\t5\t9\n"), setattr(w, "regions", ["chrA"])),
    same=False,
)
regions("open-end", "a region without end", 0, ["chrA:1-30000", "chrA:29000-30000"])

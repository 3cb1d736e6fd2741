"""Files of reads: missing, damaged, of another format or order, of several samples."""

from __future__ import annotations

import os
import re
import shutil

from .area import Area, Plant, cut
from .world import World

AREA = Area()
fault, edited = AREA.fault, AREA.edited


edited("reads-missing", "no reads file", 3, lambda w: (w / "reads.bam").unlink(), "reads.bam")
edited("reads-empty", "reads file of no bytes", 3, lambda w: w.write("reads.bam", b""), "reads.bam", "empty")
edited("reads-text", "reads file of text", 3, lambda w: w.write("reads.bam", "chr1\t100\n" * 99), "reads.bam")
edited("reads-no-eof", "BAM without its EOF block", 3, lambda w: w.cut("reads.bam", -28), "reads.bam", "cut short")
for kept in (10, 1000, 900_000):
    edited(f"reads-cut-{kept}", f"BAM cut after {kept} bytes", 3, cut("reads.bam", kept), "reads.bam")
edited(
    "reads-zeroed", "2,000 bytes of the BAM zeroed", 3, lambda w: (w.everything(), w.patch("reads.bam", 892_000, bytes(2000))), "reads.bam"
)
edited(
    "reads-bit",
    "one bit of a BGZF block flipped",
    3,
    lambda w: (w.everything(), w.patch("reads.bam", 700_000, bytes([w.content("reads.bam")[700_000] ^ 4]))),
    "reads.bam",
)
edited("reads-no-index", "BAM without index", 3, lambda w: (w / "reads.bam.bai").unlink(), "reads.bam", "samtools index")
edited("reads-index-old", "index older than its BAM", 0, lambda w: os.utime(w / "reads.bam.bai", (0, 0)), warns=("older",))
edited("reads-folder", "a folder in place of the BAM", 3, lambda w: ((w / "reads.bam").unlink(), (w / "reads.bam").mkdir()), "reads.bam")
edited("reads-fifo", "a FIFO without a writer as BAM", 3, lambda w: ((w / "reads.bam").unlink(), os.mkfifo(w / "reads.bam")), "reads.bam")


def reads_as(path: str) -> Plant:
    def plant(w: World) -> None:
        w.reads = path

    return plant


edited("reads-url", "an address as reads", (2, 3), reads_as("https://example.org/reads.bam"), "https://example.org/reads.bam")
edited("reads-stdin", "- as reads", (2, 3), reads_as("-"))
edited("reads-dev-stdin", "/dev/stdin as reads", (2, 3), reads_as("/dev/stdin"), "/dev/stdin")
edited("reads-twice", "the same BAM twice", 2, reads_as("reads.bam,./reads.bam"), "reads.bam")


@fault("reads-twice-linked", "the same BAM twice, once by a link", 2)
def _(w: World) -> None:
    os.link(w / "reads.bam", w / "linked.bam")
    os.link(w / "reads.bam.bai", w / "linked.bam.bai")
    w.reads = "reads.bam,linked.bam"


@fault("reads-sam", "reads as SAM text", 3, "reads.sam")
def _(w: World) -> None:
    w.run("samtools", "view", "-h", "-o", "reads.sam", "reads.bam")
    w.reads = "reads.sam"


@fault("reads-sam-bgzip", "reads as SAM in BGZF", 3, "reads.sam.gz")
def _(w: World) -> None:
    w.run("samtools", "view", "-h", "-o", "reads.sam.gz", "reads.bam")
    w.reads = "reads.sam.gz"


edited("reads-no-hd", "BAM without @HD", 0, lambda w: w.sam(lambda lines: [line for line in lines if not line.startswith("@HD")]))


@fault("reads-by-name", "BAM sorted by name", 3, "reads.bam", "sort")
def _(w: World) -> None:
    w.run("samtools", "sort", "-n", "-o", "named.bam", "reads.bam")
    shutil.move(w / "named.bam", w / "reads.bam")


@fault("reads-lying-order", "BAM sorted by name, whose header says by position", 3, "reads.bam")
def _(w: World) -> None:
    w.run("samtools", "sort", "-n", "-o", "named.bam", "reads.bam")
    w.run("samtools", "reheader", "-c", "sed s/SO:queryname/SO:coordinate/", "named.bam", stdout="reads.bam")


@fault("reads-so-unsorted", "BAM in order, whose header says SO:unsorted", 0)
def _(w: World) -> None:
    w.sam(lambda lines: [re.sub("SO:coordinate", "SO:unsorted", line) for line in lines])


@fault("reads-two-samples", "read groups of two samples", 3, "--sample-name")
def _(w: World) -> None:
    w.sam(lambda lines: ["@HD\tVN:1.6\tSO:coordinate", "@RG\tID:x\tSM:other", *[line for line in lines if not line.startswith("@HD")]])


def sample(tag: str) -> Plant:
    return lambda w: w.sam(lambda lines: [re.sub(r"\tSM:[^\t]*", tag, line) if line.startswith("@RG") else line for line in lines])


edited("reads-sm-empty", "@RG with an empty SM", 0, sample("\tSM:"), same=False, warns=("default",))
edited("reads-no-sm", "@RG without SM", 0, sample(""), same=False, warns=("default",))
edited(
    "reads-contig-length",
    "a contig that is longer in the BAM",
    3,
    lambda w: w.sam(lambda lines: [line.replace("LN:130000", "LN:130001") for line in lines]),
    "chrA",
)
edited(
    "reads-contig-name",
    "contigs named without chr in the BAM",
    3,
    lambda w: w.sam(lambda lines: [re.sub(r"\bchr([AB])\b", r"\1", line) for line in lines]),
    "chrA",
)

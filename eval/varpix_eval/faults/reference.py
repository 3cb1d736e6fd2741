"""The reference: FASTA, its indexes, names of contigs, and another genome than that of the reads."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable

from .area import Area, Plant
from .world import TESTDATA, World

AREA = Area()
fault, edited = AREA.fault, AREA.edited


edited("ref-missing", "no reference", 3, lambda w: (w / "ref.fa").unlink(), "ref.fa")
edited("ref-no-fai", "FASTA without .fai", 3, lambda w: (w / "ref.fa.fai").unlink(), "samtools faidx")
edited("ref-empty", "FASTA of no bytes", 3, lambda w: w.write("ref.fa", b""), "ref.fa")
edited("ref-text", "not a FASTA", 3, lambda w: w.write("ref.fa", "hello\n"), "ref.fa")
edited("ref-folder", "a folder in place of the FASTA", 3, lambda w: ((w / "ref.fa").unlink(), (w / "ref.fa").mkdir()), "ref.fa")
edited("ref-fifo", "a FIFO without a writer as FASTA", 3, lambda w: ((w / "ref.fa").unlink(), os.mkfifo(w / "ref.fa")), "ref.fa")
edited(
    "ref-lower-case", "FASTA in lower case", 0, lambda w: w.fasta(lambda text: re.sub(r"(?m)^[^>].*$", lambda m: m.group().lower(), text))
)
edited("ref-crlf", "FASTA with CRLF line ends", (0, 3), lambda w: w.fasta(lambda text: text.replace("\n", "\r\n")))
edited("ref-cut", "FASTA cut after a third", 3, lambda w: w.cut("ref.fa", 70_000), "ref.fa")
edited(
    "ref-other-names",
    "a reference with other contig names",
    3,
    lambda w: (w.fasta(lambda text: text.replace(">chr", ">")), setattr(w, "regions", None)),
    "chrA",
)
edited(
    "ref-twice",
    "a contig twice in the FASTA",
    3,
    lambda w: (
        w.write("ref.fa", (w / "ref.fa").read_text() + ">chrA\nACGT\n"),
        w.write("ref.fa.fai", (w / "ref.fa.fai").read_text() + "chrA\t4\t203346\t4\t5\n"),
    ),
    "chrA",
)


edited(
    "ref-empty-contig",
    "a contig without bases, which samtools faidx passes over",
    0,
    lambda w: (w.everything(), w.fasta(lambda text: text.replace(">chrB", ">chrE\n>chrB"))),
)
edited(
    "ref-blank-name",
    "a blank between > and the contig's name",
    0,
    lambda w: (w.everything(), w.fasta(lambda text: text.replace(">chrB", "> chrB"))),
)


def gzipped(program: str, index: bool) -> Plant:
    def plant(w: World) -> None:
        w.run(program, "ref.fa")
        w.ref = "ref.fa.gz"
        if index:
            w.run("samtools", "faidx", "ref.fa.gz")

    return plant


edited("ref-gzip", "FASTA compressed with gzip", 3, gzipped("gzip", False), "bgzip")
edited("ref-bgzip", "FASTA compressed with bgzip", 0, gzipped("bgzip", True))
edited("ref-no-gzi", "bgzipped FASTA without .gzi", 3, lambda w: (gzipped("bgzip", True)(w), (w / "ref.fa.gz.gzi").unlink()), "gzi")
edited("ref-gzi-cut", "bgzipped FASTA with a .gzi cut short", 3, lambda w: (gzipped("bgzip", True)(w), w.cut("ref.fa.gz.gzi", 13)), "gzi")


def swapped(contig: str) -> Callable[[str], str]:
    """Another genome's bases on one contig."""

    def edit(text: str) -> str:
        parts = re.split(r"(?m)^(>.*\n)", text)
        for i in range(1, len(parts), 2):
            if parts[i].startswith(">" + contig):
                parts[i + 1] = parts[i + 1].translate(str.maketrans("ACGT", "CGTA"))
        return "".join(parts)

    return edit


edited("ref-other-genome", "another genome under the same names", 3, lambda w: (w.fasta(swapped("chr")), w.everything()), "chrA")
edited("ref-other-chrB", "another genome on the last contig only", 3, lambda w: (w.fasta(swapped("chrB")), w.everything()), "chrB")
edited("ref-other-uncalled", "another genome on a contig that is not called", 0, lambda w: w.fasta(swapped("chrB")))


@fault("ref-m5", "M5 of the header disagrees with the reference", (0, 3))
def _(w: World) -> None:
    w.everything()
    w.sam(lambda lines: [line + "\tM5:" + "0" * 32 if line.startswith("@SQ") and "chrB" in line else line for line in lines])


def fai(edit: Callable[[str], str]) -> Plant:
    return lambda w: (w.everything(), w.write("ref.fa.fai", edit((w / "ref.fa.fai").read_text())))


def field_of(contig: str, column: int, value: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        lines = [line.split("\t") for line in text.splitlines()]
        for parts in lines:
            if parts[0] == contig:
                parts[column] = value
        return "\n".join("\t".join(parts) for parts in lines) + "\n"

    return edit


edited("fai-empty", ".fai of no bytes", 3, fai(lambda text: ""), "ref.fa.fai")
edited("fai-words", ".fai of words", 3, fai(lambda text: "nonsense\n"), "ref.fa.fai")
edited("fai-huge", ".fai with a contig of 2^62 bp", 3, fai(field_of("chrB", 1, str(1 << 62))), "chrB")
edited("fai-offset", ".fai whose offset lies behind the file", 3, fai(field_of("chrB", 2, "99999999")), "chrB")
edited(
    "fai-shifted",
    ".fai whose offset is 40 bytes off",
    3,
    fai(field_of("chrB", 2, str(int((TESTDATA / "ref.fa.fai").read_text().splitlines()[1].split("\t")[2]) + 40))),
    "chrB",
)
edited(
    "fai-width",
    ".fai with line widths of 61 and 61",
    3,
    fai(lambda text: "\n".join("\t".join([*line.split("\t")[:3], "61", "61"]) for line in text.splitlines()) + "\n"),
    "chrA",
)
edited("fai-zero-width", ".fai with lines of no bases", 3, fai(field_of("chrA", 3, "0")), "ref.fa")
edited("fai-longer", ".fai with a contig 1,000 bp longer", 3, fai(field_of("chrB", 1, "71000")), "chrB")
edited("fai-negative", ".fai with a negative length", 3, fai(field_of("chrB", 1, "-5")), "ref.fa.fai")
edited(
    "fai-stale",
    ".fai of a FASTA with shorter lines",
    3,
    lambda w: (w.everything(), w.fasta(lambda text: re.sub(r"(?m)^([ACGTN]{30})([ACGTN]+)$", r"\1\n\2", text), index=False)),
    "ref.fa",
)
edited(
    "ref-protein",
    "a FASTA of protein",
    3,
    lambda w: (
        w.everything(),
        w.fasta(lambda text: re.sub(r"(?m)^[^>].*$", lambda m: m.group().translate(str.maketrans("ACGT", "LEFP")), text)),
    ),
    "ref.fa",
)
edited(
    "ref-only-n",
    "a FASTA of N",
    (0, 3),
    lambda w: (w.everything(), w.fasta(lambda text: re.sub(r"(?m)^[^>].*$", lambda m: "N" * len(m.group()), text))),
    same=False,
    warns=("N",),
)


def renamed(name: str) -> Plant:
    """The last contig under another name, in reads and reference."""

    def plant(w: World) -> None:
        w.fasta(lambda text: text.replace(">chrB", ">" + name))
        w.run("samtools", "reheader", "-c", f"sed 's/SN:chrB/SN:{name}/'", "reads.bam", stdout="named.bam")
        shutil.move(w / "named.bam", w / "reads.bam")
        w.run("samtools", "index", "reads.bam")

    return plant


edited("name-comma", "a contig name that VCF forbids", 3, lambda w: (w.everything(), renamed("chr,B")(w)), "chr,B")
edited("name-bracket", "a contig name with a bracket", 3, lambda w: (w.everything(), renamed("chr<B")(w)), "chr<B")
edited("name-uncalled", "a contig name that VCF forbids, not called", 0, renamed("chr,B"))


@fault("many-contigs", "a gVCF of 100,000 contigs with reads on one, which took two minutes", 0, same=False)
def _(w: World) -> None:
    count, bases = 100_000, "ACGTTGCAGGTCAATC" * 8
    names = [f"s{i}" for i in range(count)]
    w.write("ref.fa", "".join(f">{name}\n{bases}\n" for name in names))
    lines, offset = [], 0
    for name in names:
        offset += len(name) + 2
        lines.append(f"{name}\t{len(bases)}\t{offset}\t{len(bases)}\t{len(bases) + 1}\n")
        offset += len(bases) + 1
    w.write("ref.fa.fai", "".join(lines))
    reads = "".join(f"r{i}\t{16 * (i % 2)}\t{names[-1]}\t1\t60\t100M\t*\t0\t0\t{bases[:100]}\t{'I' * 100}\tRG:Z:a\n" for i in range(20))
    w.write(
        "x.sam",
        "@HD\tVN:1.6\tSO:coordinate\n" + "".join(f"@SQ\tSN:{name}\tLN:{len(bases)}\n" for name in names) + "@RG\tID:a\tSM:s\n" + reads,
    )
    w.run("samtools", "view", "--no-PG", "-b", "-o", "reads.bam", "x.sam")
    w.run("samtools", "index", "reads.bam")
    w.everything()
    w.extra += ["--output-gvcf", "out.g.vcf"]

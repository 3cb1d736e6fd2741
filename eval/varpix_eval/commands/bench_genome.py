"""Time and memory of calling genomes of any length and number of contigs, with reads made cheaply.

  scripts/eval bench-genome                                          3.1 Gb in 25 contigs, 3.1 Gb in 100,000, and a tenth of both
  scripts/eval bench-genome --sizes 310000000:25 310000000:100000    genomes of your choice, as bp:contigs

In:  nothing; the reference is a random megabase, repeated with shifts, and the reads are pieces of it with a substitution in one of 1,000.
Out: a Markdown table on stdout; exit status 1 where an index does not fit its file.

Reads are 150 bp and single: one in 5 kb, and 30x over 5 kb in each 1 Mb. The first contig has 2 Mb of N and a pile of 50,000 reads, if it is long
enough. Needs target/release/varpix (or $VARPIX), Debian's samtools, bcftools and tabix, and disk for a reference of that length.
"""

from __future__ import annotations

import os
import pathlib
import random
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .. import project
from ..timing import timed

NAME = "bench-genome"
PROGRAM = pathlib.Path(os.environ.get("VARPIX", project.VARPIX)).resolve()
SIZES = ("310000000:25", "3100000000:25", "310000000:100000", "3100000000:100000")
BLOCK = 1_000_000
LINE = 100  # bases in a line of FASTA
READ = 150
SPARSE = 5000  # bp between two reads
DENSE = 5000  # bp at the start of each block
DENSE_STEP = READ // 30
PILE = 50_000  # reads at one place
UNKNOWN = 2_000_000  # bp of N


class Genome(NamedTuple):
    """What is made."""

    bases: int
    contigs: int

    @property
    def length(self) -> int:
        """Of each contig, in bp: whole lines."""
        return self.bases // self.contigs // LINE * LINE

    @property
    def unknown(self) -> tuple[int, int]:
        """Where the first contig has N."""
        return (BLOCK, BLOCK + UNKNOWN) if self.length >= 5 * BLOCK else (0, 0)


def block(seed: int) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=BLOCK))


def reference(genome: Genome, bases: str, path: pathlib.Path) -> None:
    """Writes the reference and its index: the block, from a start of its own in each contig."""
    with open(path, "w") as fasta, open(f"{path}.fai", "w") as index:
        at = 0
        for contig in range(genome.contigs):
            name = f">c{contig}\n"
            index.write(f"c{contig}\t{genome.length}\t{at + len(name)}\t{LINE}\t{LINE + 1}\n")
            at += fasta.write(name)
            shift = start(contig)
            turned = bases[shift:] + bases[:shift]
            lines = "\n".join(turned[i : i + LINE] for i in range(0, min(BLOCK, genome.length), LINE)) + "\n"
            for first in range(0, genome.length, BLOCK):
                size = min(BLOCK, genome.length - first) // LINE * (LINE + 1)
                is_unknown = contig == 0 and genome.unknown[0] <= first < genome.unknown[1]
                at += fasta.write(("N" * LINE + "\n") * (size // (LINE + 1)) if is_unknown else lines[:size])


def start(contig: int) -> int:
    """Where in the block a contig begins."""
    return contig * 7919 % BLOCK // LINE * LINE


def positions(genome: Genome, contig: int) -> Iterator[int]:
    """Where reads begin, in order."""
    last = genome.length - READ
    position = 0
    piled = genome.unknown[1] + BLOCK // 2
    while position <= last:
        in_block = position % BLOCK
        if not (contig == 0 and genome.unknown[0] - READ < position < genome.unknown[1]):
            yield position
        if contig == 0 and genome.unknown[1] and position <= piled < position + SPARSE:
            yield from [piled] * PILE
        # Short contigs are sparse: there are many.
        position += DENSE_STEP if in_block < DENSE and genome.length >= BLOCK else SPARSE


def reads(genome: Genome, bases: str, path: pathlib.Path) -> int:
    """Writes the reads and their index; returns how many there are."""
    rng = random.Random(2)
    doubled = bases + bases[:READ]
    count = 0
    command = ["samtools", "view", "--no-PG", "-b", "-o", path, "-"]
    writer = subprocess.Popen([str(word) for word in command], text=True, stdin=subprocess.PIPE)
    assert writer.stdin
    put = writer.stdin.write
    put("@HD\tVN:1.6\tSO:coordinate\n@RG\tID:a\tSM:made\n")
    put("".join(f"@SQ\tSN:c{contig}\tLN:{genome.length}\n" for contig in range(genome.contigs)))
    for contig in range(genome.contigs):
        shift = start(contig)
        for position in positions(genome, contig):
            at = (shift + position) % BLOCK
            read = doubled[at : at + READ]
            if rng.random() < READ / 1000:
                where = rng.randrange(READ)
                read = read[:where] + rng.choice("ACGT") + read[where + 1 :]
            put(f"r{count}\t{16 * (count % 2)}\tc{contig}\t{position + 1}\t60\t{READ}M\t*\t0\t0\t{read}\t{'I' * READ}\tRG:Z:a\n")
            count += 1
    writer.stdin.close()
    if writer.wait():
        project.fail(NAME, "samtools failed")
    project.checked(NAME, "samtools", "index", path)
    return count


def lines(path: pathlib.Path) -> int:
    """Records of a file by its index, which are to be those that it has."""
    indexed = int(project.output("bcftools", "index", "-n", path))
    held = int(project.output("bash", "-c", f"bgzip -dc {shlex.quote(str(path))} | grep -vc '^#' || true"))
    if indexed != held:
        project.fail(NAME, f"{path.name} has {held} records, and {indexed} by its index")
    return held


def measured(genome: Genome, threads: int, folder: pathlib.Path) -> str:
    """A row of the table."""
    bases = block(1)
    ref, bam, vcf, gvcf = (folder / name for name in ("ref.fa", "reads.bam", "a.vcf.gz", "a.g.vcf.gz"))
    reference(genome, bases, ref)
    count = reads(genome, bases, bam)
    words = [PROGRAM, "call", "--ref", ref, "--reads", bam, "--threads", threads, "--output-vcf", vcf, "--output-gvcf", gvcf]
    cost = timed(NAME, shlex.join(str(word) for word in words), folder / "log")
    last = f"c{genome.contigs - 1}"
    if not project.output("tabix", gvcf, f"{last}:1-100"):
        project.fail(NAME, f"{gvcf.name}: its index does not find the last contig")
    row = (genome.contigs, f"{genome.bases / 1e6:.0f}", count, lines(vcf), lines(gvcf))
    return f"| {' | '.join(map(str, row))} | {cost.wall:.0f} | {cost.cpu:.0f} | {cost.memory} |"


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="BP:CONTIGS", help="genomes to make [%(default)s]")
    parser.add_argument("--threads", type=int, default=2, help="of the program [%(default)s]")
    args = parser.parse_args(argv)
    if not PROGRAM.is_file():
        project.fail(NAME, f"{PROGRAM} is missing; run cargo build --release")
    project.need(NAME, {"samtools": "samtools", "bcftools": "bcftools", "tabix": "tabix"})
    print("| contigs | Mb | reads | records of VCF | of gVCF | wall, s | CPU, s | peak memory, MiB |\n|---|---|---|---|---|---|---|---|")
    for size in args.sizes:
        genome = Genome(*(int(number) for number in size.split(":")))
        with tempfile.TemporaryDirectory(prefix="bench-genome-", dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
            print(measured(genome, args.threads, pathlib.Path(name)), flush=True)

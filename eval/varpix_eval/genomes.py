"""Genomes of any length with reads made cheaply: what `scripts/eval bench-genome` calls.

The reference is a random megabase, repeated from a start of its own in each contig. Reads are 150 bp long, single, and pieces of the reference with a
random substitution in about one of seven; in dense stretches every 700th base is heterozygous.
"""

from __future__ import annotations

import bisect
import pathlib
import random
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from . import project

BLOCK = 1_000_000
LINE = 100  # bases in a line of FASTA
READ = 150
SPARSE = 5000  # bp between two reads
DENSE = 5000  # bp at the start of each block; of shorter contigs, at the start of one in so many:
DENSE_CONTIGS = 300
DENSE_STEP = READ // 30
HET_STEP = 700  # bp between variants in dense stretches
UNKNOWN = (BLOCK, 3 * BLOCK)  # N on the first contig, if it is long enough
PILED = 3 * BLOCK + BLOCK // 2  # a pile on the first contig
PILE = 50_000  # reads
MITOCHONDRIAL_STEP = 0.015  # bp between two reads of chrM: 10,000x
# GRCh38's chromosomes 1 to 22, X, Y and M.
CHROMOSOMES = (
    *(248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422, 135086622, 133275309),
    *(114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167, 46709983, 50818468, 156040895, 57227415, 16569),
)
NAMES = (*(f"chr{n}" for n in range(1, 23)), "chrX", "chrY", "chrM")
BESIDE = 100_000  # bp of each contig beside the chromosomes


class Contig(NamedTuple):
    """A name and a length in bp."""

    name: str
    length: int


class Genome(NamedTuple):
    """What is made. Contigs beside the chromosomes of a human genome are not called."""

    name: str
    contigs: list[Contig]
    beside: list[Contig]

    @property
    def bases(self) -> int:
        """What is called, bp."""
        return sum(contig.length for contig in self.contigs)


def beside() -> list[Contig]:
    """Alternate, decoy, unplaced and HLA contigs, as aligners' references have them."""
    names = [f"chr{1 + n % 22}_KI27{n:04d}v1_alt" for n in range(100)] + [f"chrUn_KN70{n:04d}v1_decoy" for n in range(100)]
    names += [f"chrUn_KI27{n:04d}v1" for n in range(50)] + [f"HLA-A*{n:02d}:01" for n in range(1, 51)] + ["chrEBV"]
    return [Contig(name, BESIDE) for name in names]


def human(names: tuple[str, ...] = NAMES) -> list[Contig]:
    """These chromosomes of GRCh38."""
    lengths = dict(zip(NAMES, CHROMOSOMES, strict=True))
    return [Contig(name, lengths[name]) for name in names]


def scaffolds(count: int, length: int) -> list[Contig]:
    """So many contigs of one length."""
    return [Contig(f"scaffold_{n}", length) for n in range(1, count + 1)]


def named(name: str) -> Genome:
    """A genome of `GENOMES`."""
    return {
        "human": Genome(name, human(), beside()),
        "human-tenth": Genome(name, human(("chr1", "chr21", "chrM")), beside()),
        "scaffolds": Genome(name, scaffolds(100_000, 31_000), []),
        "scaffolds-tenth": Genome(name, scaffolds(10_000, 31_000), []),
        "small": Genome(name, [Contig("c1", 5 * BLOCK), Contig("chrM", 16_569), Contig("c2", 50_000)], []),
    }[name]


GENOMES = ("human-tenth", "human", "scaffolds-tenth", "scaffolds", "small")


def block(seed: int) -> str:
    return "".join(random.Random(seed).choices("ACGT", k=BLOCK))


def start(number: int) -> int:
    """Where in the block a contig begins."""
    return number * 7919 % BLOCK // LINE * LINE


def has_unknown(number: int, contig: Contig) -> bool:
    """Whether the contig has a stretch of N, and a pile behind it."""
    return number == 0 and contig.length >= 5 * BLOCK


def write_reference(genome: Genome, bases: str, path: pathlib.Path) -> None:
    """Writes the reference and its index."""
    with open(path, "w") as fasta, open(f"{path}.fai", "w") as index:
        at = 0
        for number, contig in enumerate(genome.contigs + genome.beside):
            name = f">{contig.name}\n"
            index.write(f"{contig.name}\t{contig.length}\t{at + len(name)}\t{LINE}\t{LINE + 1}\n")
            at += fasta.write(name)
            shift = start(number)
            turned = bases[shift:] + bases[:shift]
            lines = "\n".join(turned[i : i + LINE] for i in range(0, min(BLOCK, contig.length), LINE)) + "\n"
            for first in range(0, contig.length, BLOCK):
                held = min(BLOCK, contig.length - first)
                size = held + -(-held // LINE)
                if has_unknown(number, contig) and UNKNOWN[0] <= first < UNKNOWN[1]:
                    at += fasta.write(("N" * LINE + "\n") * (BLOCK // LINE))
                else:
                    at += fasta.write(lines[:size] if lines[:size].endswith("\n") else lines[: size - 1] + "\n")


def positions(number: int, contig: Contig) -> Iterator[tuple[int, bool]]:
    """Where reads begin, in order, and whether that is in a dense stretch."""
    last = contig.length - READ
    if contig.name == "chrM":
        yield from ((int(i * MITOCHONDRIAL_STEP), True) for i in range(int(last / MITOCHONDRIAL_STEP)))
        return
    position = 0
    unknown = has_unknown(number, contig)
    while position <= last:
        is_dense = position % BLOCK < DENSE and (contig.length >= BLOCK or number % DENSE_CONTIGS == 0)
        if not (unknown and UNKNOWN[0] - READ < position < UNKNOWN[1]):
            yield position, is_dense
        if unknown and position <= PILED < position + SPARSE:
            yield from ((PILED, True) for _ in range(PILE))
        position += DENSE_STEP if is_dense else SPARSE


def write_reads(genome: Genome, bases: str, path: pathlib.Path, command: str) -> int:
    """Writes the reads and their index; returns how many there are. `command` is named where that fails."""
    rng = random.Random(2)
    doubled = bases + bases[: 2 * READ]
    other = dict(zip("ACGT", "CGTA", strict=True))
    count = 0
    words = ["samtools", "view", "--no-PG", "-b", "-o", str(path), "-"]
    writer = subprocess.Popen(words, text=True, stdin=subprocess.PIPE)
    assert writer.stdin
    put = writer.stdin.write
    contigs = genome.contigs + genome.beside
    put("@HD\tVN:1.6\tSO:coordinate\n@RG\tID:a\tSM:made\n")
    put("".join(f"@SQ\tSN:{contig.name}\tLN:{contig.length}\n" for contig in contigs))
    for number, contig in enumerate(contigs):
        shift = start(number)
        for position, is_dense in positions(number, contig):
            at = (shift + position) % BLOCK
            read = doubled[at : at + READ]
            if is_dense and count % 2:
                # All reads of one haplotype have the other base there.
                where = -position % HET_STEP
                if where < READ:
                    read = read[:where] + other[read[where]] + read[where + 1 :]
            if rng.random() < READ / 1000:
                where = rng.randrange(READ)
                read = read[:where] + rng.choice("ACGT") + read[where + 1 :]
            flags = 16 * (count // 2 % 2)
            put(f"r{count}\t{flags}\t{contig.name}\t{position + 1}\t60\t{READ}M\t*\t0\t0\t{read}\t{'I' * READ}\tRG:Z:a\n")
            count += 1
    writer.stdin.close()
    if writer.wait():
        project.fail(command, "samtools failed")
    project.checked(command, "samtools", "index", path)
    return count


class Places:
    """Positions counted from the start of the genome, as a run's progress counts them."""

    def __init__(self, contigs: list[Contig]) -> None:
        self.before: dict[str, int] = {}
        self.total = 0
        for contig in contigs:
            self.before[contig.name] = self.total
            self.total += contig.length
        self._starts = list(self.before.values())
        self._names = list(self.before)

    def share(self, place: str) -> float:
        """Of the genome, before a place like chr1:1000."""
        contig, position = place.rsplit(":", 1)
        return (self.before[contig] + int(position)) / self.total

    def at(self, offset: int) -> tuple[str, int]:
        """Contig and position (0-based) of a base."""
        i = bisect.bisect_right(self._starts, offset) - 1
        return self._names[i], offset - self._starts[i]

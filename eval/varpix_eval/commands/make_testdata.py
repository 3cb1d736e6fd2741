#!/usr/bin/env python3
"""Makes testdata/: a synthetic reference, a diploid truth on it, and reads of that truth. Always the same bytes.

In:  nothing but Debian's art-nextgen-simulation-tools, bwa, samtools, bcftools, tabix (through scripts/eval simulate).
Out: testdata/ref.fa(.fai), truth.vcf.gz(.tbi), confident.bed, reads.bam(.bai)
"""

from __future__ import annotations

import pathlib
import random
import re
import shutil
import tempfile
from collections.abc import Sequence

from .. import project
from . import simulate

NAME = "make-testdata"
CONTIGS = {"chrA": 130_000, "chrB": 70_000}
SEED = 20
Change = tuple[int, str, list[str]]  # 0-based position, REF, ALTs
TANDEM = re.compile(r"([ACGT]{2,6}?)\1{2,}")


def random_bases(rng: random.Random, length: int) -> str:
    """Bases at 41 % GC."""
    return "".join(rng.choices("ACGT", weights=(295, 205, 205, 295), k=length))


def contig(rng: random.Random, length: int) -> str:
    """Random bases with a homopolymer or a tandem repeat every 350 bp or so."""
    parts: list[str] = []
    total = 0
    while total < length:
        if rng.random() < 0.5:
            repeat = rng.choice("ACGT") * rng.randint(4, 18)
        else:
            unit = random_bases(rng, rng.randint(2, 6))
            repeat = unit * rng.randint(3, 9)
        parts += [random_bases(rng, rng.randint(200, 500)), repeat]
        total += len(parts[-1]) + len(parts[-2])
    return "".join(parts)[:length]


def mutated(rng: random.Random, bases: str, share: float) -> str:
    """Bases with that share of them replaced."""
    return "".join(rng.choice("ACGT".replace(base, "")) if rng.random() < share else base for base in bases)


def allele(rng: random.Random, bases: str, position: int) -> tuple[str, list[str]]:
    """A variant at a position (0-based) of a contig: reference and alternative alleles, trimmed, not yet left-aligned."""
    base = bases[position]
    if rng.random() < 0.85:
        return base, [rng.choice("ACGT".replace(base, ""))]
    length = min(30, 1 + int(rng.expovariate(1 / 8)))
    if rng.random() < 0.5:
        return base, [base + random_bases(rng, length)]
    return bases[position : position + 1 + length], [base]


def repeat_change(rng: random.Random, bases: str, position: int) -> Change | None:
    """One unit more or less of the next homopolymer of five or more, or None."""
    for start in range(position, min(position + 2000, len(bases) - 30)):
        run = len(bases[start:]) - len(bases[start:].lstrip(bases[start]))
        if run >= 5 and bases[start - 1] != bases[start]:
            anchor = bases[start - 1]
            if rng.random() < 0.5:
                return start - 1, anchor, [anchor + bases[start]]
            return start - 1, anchor + bases[start], [anchor]
    return None


def tandem_change(rng: random.Random, bases: str, position: int) -> Change | None:
    """One or two units more or less of the next tandem repeat (unit of 2-6 bp, three copies or more), or None."""
    for match in TANDEM.finditer(bases, position, min(position + 3000, len(bases) - 60)):
        unit, start = match.group(1), match.start()
        if len(set(unit)) == 1 or start == position:
            continue
        anchor, times = bases[start - 1], rng.choice([1, 1, 2])
        if rng.random() < 0.5:
            return start - 1, anchor, [anchor + unit * times]
        return start - 1, anchor + unit * times, [anchor]
    return None


def truth(rng: random.Random, name: str, bases: str) -> list[str]:
    """VCF lines of a diploid sample."""
    records, position = [], 600
    while position < len(bases) - 700:
        kind = rng.random()
        change = repeat_change(rng, bases, position) if kind < 0.05 else tandem_change(rng, bases, position) if kind < 0.1 else None
        if change:
            position, ref, alts = change
        else:
            ref, alts = allele(rng, bases, position)
        if kind > 0.96:  # two different alternatives
            other = alts[0] + "A" if len(alts[0]) > len(ref) else next(b for b in "ACGT" if b not in (ref[0], alts[0][0])) + ref[1:]
            alts.append(other)
        genotype = "1|2" if len(alts) == 2 else "1|1" if rng.random() < 0.33 else rng.choice(["0|1", "1|0"])
        records.append((position, ref, alts, genotype))
        if rng.random() < 0.06:  # a neighbour
            near = position + len(ref) + rng.randint(0, 4)
            records.append((near, bases[near], [rng.choice("ACGT".replace(bases[near], ""))], rng.choice(["0|1", "1|0", "1|1"])))
            position = near
        position += 60 + int(rng.expovariate(1 / 700)) + len(ref)
    return [f"{name}\t{p + 1}\t.\t{ref}\t{','.join(alts)}\t.\tPASS\t.\tGT\t{gt}" for p, ref, alts, gt in records]


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--out", type=pathlib.Path, default=project.ROOT / "testdata", help="folder [default: testdata]")
    out: pathlib.Path = parser.parse_args(argv).out
    project.need(NAME, simulate.TOOLS)
    rng = random.Random(SEED)
    sequences = {name: contig(rng, length) for name, length in CONTIGS.items()}
    copied = mutated(rng, sequences["chrA"][60_000:63_000], 0.02)
    sequences["chrB"] = sequences["chrB"][:30_000] + copied + sequences["chrB"][33_000:]
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        reference = folder / "ref.fa"
        with open(reference, "w") as fasta:
            for name, bases in sequences.items():
                fasta.write(f">{name}\n" + "".join(bases[i : i + 60] + "\n" for i in range(0, len(bases), 60)))
        project.checked(NAME, "samtools", "faidx", reference)
        lines = ["##fileformat=VCFv4.2", *(f"##contig=<ID={n},length={len(b)}>" for n, b in sequences.items())]
        lines += ['##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
        lines += ["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ttestdata"]
        lines += [line for name, bases in sequences.items() for line in truth(rng, name, bases)]
        raw = folder / "raw.vcf"
        raw.write_text("\n".join(lines) + "\n")
        vcf = folder / "truth.vcf.gz"
        normal = folder / "normal.vcf"
        project.checked(NAME, "bcftools", "norm", "--no-version", "-f", reference, "-m", "+any", "-o", normal, raw)
        project.checked(NAME, "bcftools", "sort", "-Oz", "-o", vcf, normal)
        project.checked(NAME, "tabix", "-p", "vcf", vcf)
        regions = [f"{name}:1-{len(bases)}" for name, bases in sequences.items()]
        library = [
            "--depth",
            "30",
            "--read-length",
            "150",
            "--insert",
            "400,60",
            "--profile",
            "HS25",
            "--sample",
            "testdata",
            "--bin-qualities",
        ]
        inputs = ["--ref", str(reference), "--truth", str(vcf), "--region", *regions]
        simulate.main([*inputs, "--out", str(folder / "reads"), "--seed", str(SEED), *library])
        for source, target in {
            "ref.fa": "ref.fa",
            "ref.fa.fai": "ref.fa.fai",
            "reads.bam": "reads.bam",
            "reads.bam.bai": "reads.bam.bai",
            "reads.truth.vcf.gz": "truth.vcf.gz",
            "reads.truth.vcf.gz.tbi": "truth.vcf.gz.tbi",
            "reads.confident.bed": "confident.bed",
        }.items():
            shutil.copyfile(folder / source, out / target)
    # An index older than its file would be warned about.
    for index in ("reads.bam.bai", "truth.vcf.gz.tbi", "ref.fa.fai"):
        (out / index).touch()

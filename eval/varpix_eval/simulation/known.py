"""What is known of the simulated sample: truth VCF, confident regions and other BED files, written."""

from __future__ import annotations

import pathlib
import re
import subprocess
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .options import Options

EDGE = 300  # bp at a region's ends that are not confident


class Region(NamedTuple):
    """0-based, half-open, with the reference's bases."""

    contig: str
    start: int
    end: int
    sequence: str


Hole = tuple[str, int, int]  # contig, start, end: not confident
Record = tuple[str, int, str, str, str]  # contig and a variant


def write_truth(options: Options, records: list[Record], contig_lines: list[str], prefix: str) -> None:
    lines = ["##fileformat=VCFv4.2", *contig_lines, '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">']
    lines.append(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{options.sample}")
    for contig, position, ref, one, two in records:
        alts = sorted({one, two} - {ref})
        one_code, two_code = (0 if allele == ref else 1 + alts.index(allele) for allele in (one, two))
        lines.append(f"{contig}\t{position + 1}\t.\t{ref}\t{','.join(alts)}\t.\tPASS\t.\tGT\t{one_code}|{two_code}")
    raw = f"{prefix}.raw.vcf"
    pathlib.Path(raw).write_text("\n".join(lines) + "\n")
    out = f"{prefix}.truth.vcf.gz"
    norm = f"bcftools norm --no-version -f '{options.ref}' -m +any '{raw}' 2>/dev/null | bcftools sort 2>/dev/null | bcftools view --no-version -Oz -o '{out}'"
    subprocess.run(["bash", "-o", "pipefail", "-c", norm], check=True)
    subprocess.run(["tabix", "-f", "-p", "vcf", out], check=True)
    pathlib.Path(raw).unlink()


def confident(region: Region, holes: Iterable[Hole], covered: list[tuple[int, int]] | None = None) -> list[tuple[int, int]]:
    """A region without its ends, N, holes, and what is not covered where that is said."""
    contig, start, end, sequence = region
    out = [(low, high) for name, low, high in holes if name == contig]
    out += [(start + m.start(), start + m.end()) for m in re.finditer("N+", sequence)]
    if covered is not None:
        at = start
        for low, high in sorted(covered):
            out.append((min(at, low), low))
            at = max(at, high)
        out.append((at, end))
        at = start
    else:
        at = start + EDGE
        out.append((end - EDGE, end))
    kept = []
    for low, high in sorted(out):
        if min(low, end) > at:
            kept.append((at, min(low, end)))
        at = max(at, high)
    return kept


def write_bed(path: str, rows: Iterable[Sequence[object]]) -> None:
    pathlib.Path(path).write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))

"""Confident regions without the sites where another truth set has a variant that this one lacks: it may be missing here.

In:  --truth VCF and --confident BED of a sample; --other VCF[+OFFSET] ...: truth sets of the same region, whose positions are OFFSET
     higher (another build's)
Out: BED on stdout, and on stderr how much was left out

  scripts/eval agreed-regions --truth hg001.vcf.gz --confident proxy.bed --region chr20:10000001-10100000 \\
    --other hg001-older.vcf.gz hg002.grch38.vcf.gz+19352 > agreed.bed

Calls are not used, so that no caller is favoured. Needs Debian's bcftools; the VCFs are indexed.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Sequence

from .. import project

NAME = "agreed-regions"
Allele = tuple[int, str, str]  # 0-based position, REF, ALT


def alleles(path: str, contig: str, start: int, end: int, offset: int = 0) -> set[Allele]:
    """Each alternative allele that begins in an interval (0-based), at this sample's positions."""
    region = f"{contig}:{start + 1 + offset}-{end + offset}"
    found = set()
    for line in project.output("bcftools", "query", "-r", region, "-f", "%POS\t%REF\t%ALT\n", path).splitlines():
        position, ref, alts = line.split("\t")
        for alt in alts.split(","):
            found.add((int(position) - 1 - offset, *trimmed(ref, alt)))
    return found


def trimmed(ref: str, alt: str) -> tuple[str, str]:
    """Without the bases that both end with, so that an allele reads the same beside others and alone."""
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    return ref, alt


def without(intervals: Iterable[tuple[int, int]], missing: Iterable[Allele]) -> list[tuple[int, int]]:
    """Intervals (0-based, half-open, in order) without the alleles' bases and one on both sides."""
    holes = sorted((position - 1, position + len(ref) + 1) for position, ref, _ in missing)
    kept = []
    for low, high in intervals:
        at = low
        for first, last in [*holes, (high, high)]:
            if first > at:
                kept.append((at, min(first, high)))
            at = max(at, last)
            if at >= high:
                break
    return kept


def agreed(truth: str, confident: str, region: str, others: Iterable[str]) -> tuple[str, list[tuple[int, int]], str]:
    """The contig, its confident intervals that are left, and a sentence on what is left out; others are VCF[+OFFSET]."""
    contig, start, end = project.interval(region)
    known = alleles(truth, contig, start, end)
    missing: set[Allele] = set()
    for other in others:
        path, _, offset = other.partition("+")
        missing |= alleles(path, contig, start, end, int(offset or 0)) - known
    rows = [line.split("\t") for line in pathlib.Path(confident).read_text().splitlines()]
    before = [(int(row[1]), int(row[2])) for row in rows if row[0] == contig]
    after = without(before, missing)
    bp = [sum(high - low for low, high in intervals) for intervals in (before, after)]
    said = f"{len(missing)} alleles of other truth sets are missing from {truth}; {bp[0] - bp[1]} of {bp[0]} bp left out"
    return contig, after, said


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--truth", required=True)
    parser.add_argument("--confident", required=True)
    parser.add_argument("--region", required=True, help="contig:start-end, 1-based, both ends included")
    parser.add_argument("--other", required=True, nargs="+", metavar="VCF[+OFFSET]")
    args = parser.parse_args(argv)
    contig, left, said = agreed(args.truth, args.confident, args.region, args.other)
    print("".join(f"{contig}\t{low}\t{high}\n" for low, high in left), end="")
    project.say(NAME, said)

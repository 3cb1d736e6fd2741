"""Slippage of repeats, measured: from a BAM to the fragments that show each tract with a false length, and a library fitted to them."""

from __future__ import annotations

import bisect
import collections
import dataclasses
import itertools
import math

from .. import project
from . import alignments, libraries, tracts
from .libraries import FEWER, MORE, Curve, Library

FLANK = 5  # bp that a read must go beyond a tract on both sides
LEAST = 8  # fragments
OTHER = 2e-4  # share of lengths that are no whole units away
NO_MORE = (0.0,) * 5  # of what a library has, this measures slips
# Where a library says little, about what the three real ones have in common.
USUAL = {
    1: (Curve(-5, 0.35), Curve(-5, 0.25)),
    2: (Curve(-5, 0.4), Curve(-5.5, 0.35)),
    3: (Curve(-5.5, 0.4), Curve(-6.5, 0.4)),
    4: (Curve(-5.5, 0.45), Curve(-6.5, 0.4)),
}


@dataclasses.dataclass
class Seen:
    """A tract with its fragments by length difference to the reference (bp), and the sample's own differences."""

    tract: tracts.Tract
    fragments: collections.Counter[int]
    alleles: tuple[int, int] = (0, 0)
    sure: bool = True


@dataclasses.dataclass
class Mates:
    """Of tracts that both reads of a pair span: where one read slipped, and where both show the same false length."""

    agree: int = 0
    differ: int = 0


def untouched(region: str, start: int, length: int, truth: str, confident: str) -> bytearray:
    """1 for each base in the confident regions and away from variants."""
    usable = bytearray(length)
    contig = region.rsplit(":", 1)[0]
    with open(confident) as bed:
        for line in bed:
            name, *ends = line.split("\t")[:3]
            if name == contig:
                low, high = max(0, int(ends[0]) - start), min(length, int(ends[1]) - start)
                usable[low:high] = b"\1" * max(0, high - low)
    for line in project.output("bcftools", "query", "-r", region, "-f", "%POS\t%REF\n", truth).splitlines():
        position, ref = line.split("\t")
        low, high = max(0, int(position) - 1 - start - 10), min(length, int(position) - 1 - start + len(ref) + 10)
        usable[low:high] = bytes(max(0, high - low))
    return usable


def lengths(start: int, cigar: str) -> tuple[int, list[tuple[int, int, int]]]:
    """Where an alignment ends, and its indels as (start, end, bp gained)."""
    indels, end = [], start
    for kind, there, _, count in alignments.parts(start, cigar):
        if kind == "I":
            indels.append((there, there, count))
        elif kind in "DN":
            indels.append((there, there + count, -count))
        end = there + count if kind in "MDN" else end
    return end, indels


def observe(bam: str, ref: str, region: str, truth: list[str], mates: Mates) -> list[Seen]:
    contig, first, last = project.interval(region)
    offset = max(0, first - 300)
    sequence = alignments.reference(ref, contig, offset, last + 300)
    found = tracts.find(sequence)
    usable = untouched(region, offset, len(sequence), *truth) if truth else None
    found = [t for t in found if t.start and first <= t.start + offset < last and (not usable or all(usable[t.start - 5 : t.end + 5]))]
    starts = [t.start for t in found]
    votes: list[dict[str, list[int]]] = [{} for _ in found]
    for name, _, _, position, _, cigar, *_ in alignments.view(bam, region, "-F", "0xF04", "-q", "10"):
        begin = int(position) - 1 - offset
        end, indels = lengths(begin, cigar)
        for i in range(bisect.bisect_left(starts, begin + FLANK), bisect.bisect_right(starts, end)):
            tract = found[i]
            if tract.end <= end - FLANK:
                gained = sum(n for a, b, n in indels if a <= tract.end and b >= tract.start)
                votes[i].setdefault(name, []).append(gained)
    seen = []
    for tract, by_name in zip(found, votes):
        if len(by_name) >= LEAST:
            seen.append(Seen(tract, collections.Counter(both[0] for both in by_name.values())))
        if truth:
            for both in by_name.values():
                if len(both) == 2 and any(both):
                    mates.agree += both[0] == both[1]
                    mates.differ += both[0] != both[1]
    return seen


def chance(shown: int, allele: int, tract: tracts.Tract, library: Library) -> float:
    """Of a fragment that shows one length difference, given an allele's."""
    copies = tract.copies + allele // tract.unit
    fewer, more = (library.rate(tract.unit, max(1, copies), tract.strong, way) for way in (FEWER, MORE))
    units, rest = divmod(shown - allele, tract.unit)
    if shown == allele:
        return 1 - fewer - more
    if rest:
        return OTHER
    return max(OTHER, (fewer if units < 0 else more) * library.step * (1 - library.step) ** (abs(units) - 1))


def genotype(seen: Seen, library: Library) -> None:
    """Sets the pair of lengths that explains the fragments best."""
    depth = seen.fragments.total()
    alleles = sorted({0} | {d for d, n in seen.fragments.items() if n >= 2 and n >= 0.08 * depth})
    table = {a: {d: chance(d, a, seen.tract, library) for d in seen.fragments} for a in alleles}
    bp = seen.tract.end - seen.tract.start
    rare = 0.002 if bp < 8 else 0.02 if bp < 10 else 0.08
    found = []
    for a, b in itertools.combinations_with_replacement(alleles, 2):
        prior = 1 - rare if a == b == 0 else rare * (0.3 if a == b else 0.6 if 0 in (a, b) else 0.1)
        evidence = sum(n * math.log(0.5 * table[a][d] + 0.5 * table[b][d]) for d, n in seen.fragments.items())
        found.append((0.8 * evidence + math.log(prior), a, b))  # fragments are not quite independent
    found.sort(reverse=True)
    seen.alleles = found[0][1:]
    seen.sure = len(found) == 1 or found[0][0] - found[1][0] > 2.3


def slips(seen: Seen) -> tuple[int, collections.Counter[int], int]:
    """Of a homozygous tract: copies of the sample's allele, its fragments by units gained, and those of no whole units."""
    allele, unit = seen.alleles[0], seen.tract.unit
    shown: collections.Counter[int] = collections.Counter()
    other = 0
    for d, n in seen.fragments.items():
        units, rest = divmod(d - allele, unit)
        if rest:
            other += n
        else:
            shown[units] += n
    return seen.tract.copies + allele // unit, shown, other


@dataclasses.dataclass
class Tally:
    """Fragments of the homozygous tracts."""

    # (unit, strong, copies) -> fragments, with fewer copies, with more, with no whole number of units
    counts: dict[tuple[int, bool, int], list[int]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(lambda: [0, 0, 0, 0])
    )
    slips: int = 0  # of up to 4 units
    units: int = 0  # slipped by them


def tally(all_seen: list[Seen]) -> Tally:
    table = Tally()
    for seen in all_seen:
        if seen.alleles[0] != seen.alleles[1] or not seen.sure:
            continue
        copies, shown, other = slips(seen)
        row = table.counts[seen.tract.unit, seen.tract.strong, copies]
        row[0] += shown.total() + other
        row[3] += other
        for units, n in shown.items():
            if units:
                row[1 if units < 0 else 2] += n
            if units and abs(units) <= 4:
                table.slips += n
                table.units += n * abs(units)
    return table


def fitted(name: str, table: Tally) -> Library:
    """The likeliest library; what this does not measure is 0 in it."""
    curves, counts = {}, table.counts
    for unit in (1, 2, 3, 4):
        pair = []
        for way in (FEWER, MORE):
            points: dict[int, tuple[float, float]] = {}
            points |= {c: (row[1 + way], row[0]) for (u, strong, c), row in counts.items() if u == unit and not strong}
            pair.append(libraries.fit(points, unit, USUAL[unit][way]))
        curves[unit] = (pair[FEWER], pair[MORE])
    strong = []
    for way in (FEWER, MORE):
        rows = [(c, row) for (u, gc, c), row in counts.items() if gc]
        expected = sum(row[0] * curves[1][way].rate(c, 1) for c, row in rows)
        # Five slips that say nothing hold it, since these tracts are few.
        strong.append(math.log((sum(row[1 + way] for _, row in rows) + 5) / (expected + 5)))
    step = (table.slips + 5) / (table.units + 5.5)
    return Library(name, curves, (strong[FEWER], strong[MORE]), step, *NO_MORE)


def dispersion(all_seen: list[Seen], library: Library) -> tuple[float, float, int, int]:
    """Excess of a tract's slips (either way) over chance as the SD of a factor; jackpots' share, their number, and tracts examined."""
    excess = weight = 0.0
    jackpots = examined = 0
    for seen in all_seen:
        if seen.alleles[0] != seen.alleles[1] or not seen.sure:
            continue
        copies, shown, other = slips(seen)
        n = shown.total() + other
        rates = [library.rate(seen.tract.unit, copies, seen.tract.strong, way) for way in (FEWER, MORE)]
        p = sum(rates)
        k = sum(v for units, v in shown.items() if units)
        if n >= 15:
            # Weighted by what a tract tells: counts above one.
            excess += (k - n * p) ** 2 - n * p * (1 - p)
            weight += n * (n - 1) * p * p
        examined += n >= 15
        jackpot = False
        for units, v in shown.items():
            if units and n >= 15 and v >= 0.15 * n:
                rate = rates[FEWER if units < 0 else MORE] * library.step * (1 - library.step) ** (abs(units) - 1)
                jackpot |= tail(n, v, rate) < 1e-4
        jackpots += jackpot
    ratio = max(0.0, excess / weight) if weight else 0.0
    return math.sqrt(math.log(1 + ratio)), jackpots / examined if examined else 0.0, jackpots, examined


def tail(n: int, k: int, p: float) -> float:
    """Chance of k or more of n."""
    p = min(max(p, 1e-9), 1 - 1e-9)

    def log(i: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log(1 - p)

    return sum(math.exp(log(i)) for i in range(k, n + 1))


@dataclasses.dataclass
class Measured:
    """A BAM with its tracts, and the library fitted to them; jackpots and tracts examined for them."""

    name: str
    seen: list[Seen]
    table: Tally
    library: Library
    mates: Mates
    jackpots: tuple[int, int]


def measure(spec: str, rounds: int = 6) -> Measured:
    """Of NAME=BAM,REF,REGION[+REGION...][,TRUTH.vcf.gz,CONFIDENT.bed]."""
    name, rest = spec.split("=", 1)
    bam, ref, regions, *truth = rest.split(",")
    if len(truth) not in (0, 2):
        raise ValueError(f"{name}: a truth needs its confident regions (…,TRUTH.vcf.gz,CONFIDENT.bed)")
    mates = Mates()
    seen = [one for region in regions.split("+") for one in observe(bam, ref, region, truth, mates)]
    library = Library(name, USUAL, (0.0, 0.0), 0.9, *NO_MORE)
    for _ in range(1 if truth else rounds):
        if not truth:
            for one in seen:
                genotype(one, library)
        table = tally(seen)
        library = fitted(name, table)
    sd, share, jackpots, examined = dispersion(seen, library)
    return Measured(name, seen, table, dataclasses.replace(library, tract_sd=sd, shared=share), mates, (jackpots, examined))

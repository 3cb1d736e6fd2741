"""Variants of a simulated genome: a truth's own, planted ones, divergence; and haplotypes, the sequences with them.

A variant is (position, ref, alt on haplotype 1, alt on haplotype 2), 0-based.
"""

from __future__ import annotations

import bisect
import random
import re

from ..project import output

REPEAT = re.compile(r"([ACGT])\1{5,}|([ACGT]{2,3}?)\2{3,}")
Variant = tuple[int, str, str, str]


def natural(truth: str, contig: str, start: int, end: int, rng: random.Random) -> tuple[list[Variant], list[int]]:
    """Variants of the truth as (position, ref, alt on haplotype 1, alt on 2), 0-based; and the skipped positions."""
    found, skipped = [], []
    query = output("bcftools", "query", "-r", f"{contig}:{start + 1}-{end}", "-f", "%POS\t%REF\t%ALT[\t%GT]\n", truth)
    for line in query.splitlines():
        one_based, ref, alts, genotype = line.split("\t")
        position = int(one_based) - 1
        alleles = [ref.upper(), *alts.upper().split(",")]
        calls = re.split(r"[|/]", genotype)
        if len(calls) == 1:
            calls *= 2
        if "." in calls or not all(re.fullmatch("[ACGT]+", allele) for allele in alleles):
            skipped.append(position)
            continue
        if "/" in genotype:
            rng.shuffle(calls)
        one, two = (alleles[int(call)] for call in calls[:2])
        if (one, two) != (alleles[0], alleles[0]):
            found.append((position, alleles[0], one, two))
    return found, skipped


def indel(sequence: str, position: int, length: int, rng: random.Random) -> tuple[str, str]:
    """REF and ALT of an insertion or a deletion after that base."""
    base = sequence[position]
    if rng.random() < 0.5:
        return base, base + "".join(rng.choice("ACGT") for _ in range(length))
    return sequence[position : position + 1 + length], base


def planted(sequence: str, offset: int, rng: random.Random) -> list[Variant]:
    """Invented variants, in the form of natural()."""
    found = []
    repeats = list(REPEAT.finditer(sequence))
    position = 50
    while position < len(sequence) - 200:
        position += 1 + int(rng.expovariate(1 / 400))
        near = rng.random() < 0.08
        for _ in range(2 if near else 1):
            if position >= len(sequence) - 200 or "N" in sequence[position - 1 : position + 60]:
                break
            base, kind = sequence[position], rng.random()
            if kind < 0.4:
                ref, alt = base, rng.choice("ACGT".replace(base, ""))
            else:
                length = min(50, 1 + int(rng.expovariate(1 / rng.choice([1.5, 4, 15]))))
                ref, alt = indel(sequence, position, length, rng)
            found.append((offset + position, ref, alt, rng))
            position += len(ref) + rng.randrange(0, 6)
    for match in rng.sample(repeats, min(len(repeats), len(sequence) // 1300)):
        unit, start = match.group(2) or match.group(1), match.start()
        if start == 0 or match.end() - start > 60:
            continue
        anchor, times = sequence[start - 1], rng.choice([1, 1, 1, 2, 3])
        if anchor == "N":
            continue
        if rng.random() < 0.5:
            found.append((offset + start - 1, anchor, anchor + unit * times, rng))
        else:
            found.append((offset + start - 1, anchor + unit * times, anchor, rng))
    result = []
    for position, ref, alt, _ in found:
        genotype = rng.random()
        if genotype < 0.33:
            pair = (alt, alt)
        elif genotype < 0.38 and len(alt) > len(ref):
            pair = (alt, alt + rng.choice("ACGT"))
        else:
            pair = rng.choice([(alt, ref), (ref, alt)])
        result.append((position, ref, *pair))
    return result


def divergent(sequence: str, offset: int, rng: random.Random) -> list[Variant]:
    """Variants of a genome far from the reference, in the form of natural()."""
    found, position = [], 300
    while position < len(sequence) - 300:
        end, apart = position + rng.randrange(10000, 30000), 40 * 10 ** rng.random()
        while position < min(end, len(sequence) - 300):
            position += 1 + int(rng.expovariate(1 / apart))
            if position >= len(sequence) - 40:
                break
            base = sequence[position]
            if "N" in sequence[position : position + 40]:
                continue
            ref, alt = base, rng.choice("ACGT".replace(base, ""))
            if rng.random() < 0.12:
                ref, alt = indel(sequence, position, min(30, 1 + int(rng.expovariate(1 / 3))), rng)
            found.append((offset + position, ref, *rng.choice([(alt, alt), (alt, ref), (ref, alt)])))
            position += len(ref)
    return found


def without_overlaps(variants: list[Variant], gap: int) -> tuple[list[Variant], list[int]]:
    """Keeps variants that do not touch the one before on the reference; returns them and the positions left out."""
    kept, left, end = [], [], -1
    for variant in sorted(variants):
        if variant[0] < end + gap:
            left.append(variant[0])
            continue
        kept.append(variant)
        end = variant[0] + len(variant[1])
    return kept, left


def applied(sequence: str, offset: int, edits: list[tuple[int, str, str]]) -> str:
    """The sequence with edits (position, ref, alt), sorted, not overlapping."""
    parts, at = [], 0
    for position, ref, alt in edits:
        i = position - offset
        if sequence[i : i + len(ref)] != ref:
            raise SystemExit(f"simulate: the truth's REF {ref} at {position + 1} is not the reference's")
        parts += [sequence[at:i], alt]
        at = i + len(ref)
    return "".join(parts) + sequence[at:]


class Haplotype:
    """A region's sequence with one haplotype's variants, and where its bases come from."""

    def __init__(self, contig: str, offset: int, sequence: str, edits: list[tuple[int, str, str]]) -> None:
        self.contig, self.offset = contig, offset
        self.bases = applied(sequence, offset, edits)
        # Behind each edit: the position on the reference and here.
        self._there, self._here, here, at = [offset], [0], 0, offset
        for position, ref, alt in edits:
            here += position - at + len(alt)
            at = position + len(ref)
            self._there.append(at)
            self._here.append(here)

    def to_reference(self, here: int) -> int:
        """0-based position on the contig; within an insertion somewhat beyond it."""
        i = bisect.bisect_right(self._here, here) - 1
        return self._there[i] + here - self._here[i]

    def from_reference(self, there: int) -> int:
        """Inverse of to_reference; within an edit somewhat beyond it."""
        i = max(0, bisect.bisect_right(self._there, there) - 1)
        return min(len(self.bases), self._here[i] + there - self._there[i])

"""A family of three: the haplotypes of two parents from one sample's variants, those of their child from the parents', and what breaks the rules of
inheritance among called genotypes."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Iterable, Sequence

from .variants import Variant, indel, without_overlaps

MEMBERS = ("father", "mother", "child")
PRIVATE = 1500  # bp, on average, between two variants that the mother alone has
INDELS = 0.15  # of these
EDGE = 300  # bp at the ends of the region without them


@dataclasses.dataclass(frozen=True)
class Site:
    """A variant with the alleles of each parent's two haplotypes; position 0-based."""

    position: int
    ref: str
    father: tuple[str, str]
    mother: tuple[str, str]

    def variant(self, alleles: tuple[str, str]) -> Variant | None:
        """In the form of `variants.natural`, where an allele is not the reference's."""
        return (self.position, self.ref, *alleles) if alleles != (self.ref, self.ref) else None


def sites(found: Sequence[Variant], sequence: str, start: int, rng: random.Random) -> list[Site]:
    """The parents' variants, none beside another. The father has those that were found, as they were found; each of the mother's haplotypes has one of
    their alleles or the reference's, drawn anew, and she has variants that he has not. `start` is the position of the sequence's first base."""
    private: dict[int, Variant] = {}
    position = EDGE
    while (position := position + 1 + int(rng.expovariate(1 / PRIVATE))) < len(sequence) - EDGE:
        if "N" in sequence[position - 1 : position + 40]:
            continue
        base = sequence[position]
        ref, alt = base, rng.choice("ACGT".replace(base, ""))
        if rng.random() < INDELS:
            ref, alt = indel(sequence, position, min(30, 1 + int(rng.expovariate(1 / 3))), rng)
        private[start + position] = (start + position, ref, *rng.choice([(alt, alt), (alt, ref), (ref, alt)]))
    # The father's come first where two lie at one position.
    merged = {variant[0]: variant for variant in [*private.values(), *found]}
    kept, _ = without_overlaps(list(merged.values()), 1)
    family = []
    for position, ref, one, two in kept:
        if private.get(position) == (position, ref, one, two):
            family.append(Site(position, ref, (ref, ref), (one, two)))
        else:
            alleles = sorted({ref, one, two})
            family.append(Site(position, ref, (one, two), (rng.choice(alleles), rng.choice(alleles))))
    return family


def child(family: Sequence[Site], rng: random.Random) -> list[tuple[str, str]]:
    """The child's alleles at each site: from a haplotype of the father and one of the mother, each with one crossover."""

    def passed_on(parent: str) -> list[str]:
        first, crossover = rng.randrange(2), rng.randrange(len(family) + 1)
        return [getattr(site, parent)[first if i < crossover else 1 - first] for i, site in enumerate(family)]

    return list(zip(passed_on("father"), passed_on("mother"), strict=True))


Genotype = tuple[str, ...]  # alleles; empty where there is no call


def is_possible(father: Genotype, mother: Genotype, offspring: Genotype) -> bool:
    """Whether the child can have one allele of each parent. Genotypes that are not called break no rule."""
    if not (father and mother and offspring):
        return True
    return any({(a, b), (b, a)} & {tuple(offspring)} for a, b in itertools.product(father, mother))


@dataclasses.dataclass
class Tally:
    """Of sites where someone has a variant: all that are called in all three, those that break the rules, those not called in someone."""

    called: int = 0
    violations: int = 0
    uncalled: int = 0

    def add(self, trio: Sequence[Genotype], least_quality: bool = True) -> None:
        """Counts a site, unless no allele is other than the reference's (the caller leaves those out) or a genotype is not certain enough."""
        if not all(trio) or not least_quality:
            self.uncalled += 1
            return
        self.called += 1
        father, mother, offspring = trio
        self.violations += not is_possible(father, mother, offspring)

    @property
    def rate(self) -> float:
        return self.violations / self.called if self.called else 0.0


def tallies(rows: Iterable[str], thresholds: Sequence[int]) -> dict[int, Tally]:
    """Of the rows of a VCF as REF, ALT and then GT:GQ of father, mother and child, tab-separated: a tally for each least GQ."""
    found = {threshold: Tally() for threshold in thresholds}
    for row in rows:
        ref, alts, *samples = row.split("\t")
        alleles = [ref, *alts.split(",")]
        trio: list[Genotype] = []
        qualities = []
        for sample in samples:
            genotype, quality = sample.split(":")
            codes = genotype.replace("|", "/").split("/")
            trio.append(() if "." in codes else tuple(alleles[int(code)] for code in codes))
            qualities.append(int(quality) if quality.isdigit() else 0)
        if all(allele == ref for genotype in trio for allele in genotype):
            continue
        for threshold, tally in found.items():
            tally.add(trio, min(qualities) >= threshold)
    return found

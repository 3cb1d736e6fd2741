"""Molecules of a library: from haplotypes to the fragments that are sequenced, with the slips and wrong bases that copying left in them.

Every molecule slips by itself, so that both its reads show the same. What many molecules share (slips and wrong bases of an early cycle) is drawn
once for each haplotype.
"""

from __future__ import annotations

import bisect
import dataclasses
import random
from collections.abc import Iterator

from ..reads import tracts
from ..reads.libraries import FEWER, MORE, Library
from .variants import Haplotype, Variant

COMPLEMENT = str.maketrans("ACGT", "TGCA")
OTHER = {base: "ACGT".replace(base, "") for base in "ACGTN"}
SHARED_BP = 8  # shortest tract with shared slips
NEAR_VARIANT = 5  # bp: wrong bases that are shared keep so far from variants


@dataclasses.dataclass(frozen=True)
class Fragment:
    """Where a molecule comes from, 0-based on its haplotype; read 1 begins at its end if reverse."""

    start: int
    end: int
    reverse: bool
    template: int = -1  # of the real pairs whose lengths, qualities and errors it gets; of a long read its class
    primers: tuple[str, str] | None = None  # bases that replace the molecule's ends
    slips: float = 1.0  # how often it slips, by the library's rates


@dataclasses.dataclass(frozen=True)
class Slipping:
    """A tract of a haplotype, with its chances in this library."""

    start: int
    end: int
    unit: int
    fewer: float
    either: float
    shared: int  # units gained by an early slip
    share: float  # molecules that have it


@dataclasses.dataclass
class Source:
    """A sequence that molecules are drawn from, at a depth (reads' bases by bases)."""

    name: str
    haplotype: Haplotype
    depth: float
    library: Library | None = None
    wrong: list[tuple[int, str, float]] = dataclasses.field(default_factory=list)  # (position, base, share of the molecules)

    def __post_init__(self) -> None:
        self.tracts: list[Slipping] = []
        self.ends: list[int] = []
        self.positions = [position for position, _, _ in self.wrong]

    def prepare(self, seed: int) -> None:
        """Draws what is the same for all molecules."""
        if not self.library:
            return
        library, bases = self.library, self.haplotype.bases
        for tract in tracts.find(bases):
            # By position on the reference, so that a tract has the same factor on both haplotypes.
            own = random.Random(f"{seed} {self.haplotype.contig} {self.haplotype.to_reference(tract.start)}")
            factor = min(own.lognormvariate(-(library.tract_sd**2) / 2, library.tract_sd), 2.5)
            fewer, more = (library.rate(tract.unit, tract.copies, tract.strong, way) * factor for way in (FEWER, MORE))
            either = min(0.7, fewer + more)
            shared, share = 0, 0.0
            if tract.end - tract.start >= SHARED_BP and random.Random(f"{seed} {self.name} {tract.start}").random() < library.shared:
                shared, share = (-1 if own.random() * (fewer + more) < fewer else 1), min(0.5, 0.1 + own.expovariate(1 / 0.1))
            self.tracts.append(Slipping(tract.start, tract.end, tract.unit, fewer / (fewer + more), either, shared, share))
        self.ends = [tract.end for tract in self.tracts]

    def molecule(self, fragment: Fragment, rng: random.Random) -> str:
        """The bases of a fragment's molecule in the haplotype's direction."""
        bases, start, end = self.haplotype.bases, fragment.start, fragment.end
        edits: list[tuple[int, int, str]] = []
        if self.library:
            for i in range(bisect.bisect_right(self.ends, start), len(self.tracts)):
                tract = self.tracts[i]
                if tract.end > end:
                    break
                if tract.start <= start:
                    continue
                units = tract.shared if tract.share and rng.random() < tract.share else 0
                if rng.random() < tract.either * fragment.slips:
                    step = 1
                    while rng.random() > self.library.step:
                        step += 1
                    units += -step if rng.random() < tract.fewer else step
                if units < 0:
                    edits.append((tract.start, min(tract.start - units * tract.unit, tract.end - tract.unit), ""))
                elif units:
                    edits.append((tract.start, tract.start, bases[tract.start : tract.start + tract.unit] * units))
            if self.library.substitutions:
                at = start + int(rng.expovariate(self.library.substitutions))
                while at < end:
                    edits.append((at, at + 1, rng.choice(OTHER.get(bases[at], "ACGT"))))
                    at += 1 + int(rng.expovariate(self.library.substitutions))
            for i in range(bisect.bisect_left(self.positions, start), len(self.wrong)):
                position, base, share = self.wrong[i]
                if position >= end:
                    break
                if rng.random() < share:
                    edits.append((position, position + 1, base))
        made = edited(bases, start, end, edits) if edits else bases[start:end]
        if fragment.primers:
            left, right = fragment.primers
            made = left + made[len(left) : len(made) - len(right)] + right
        return made


def edited(bases: str, start: int, end: int, edits: list[tuple[int, int, str]]) -> str:
    """[start, end) with (from, to, bases) in place; of those that overlap the first."""
    made, at = [], start
    for low, high, new in sorted(edits):
        if low >= at:
            made += [bases[at:low], new]
            at = high
    return "".join(made) + bases[at:end]


def reverse_complement(bases: str) -> str:
    return bases.translate(COMPLEMENT)[::-1]


def shared_errors(sequence: str, offset: int, variants: list[Variant], rng: random.Random) -> list[tuple[int, str, str, float]]:
    """Wrong bases (position on the contig, base, wrong one, share of the molecules) that molecules share, as real libraries have them.

    About 150 in a Mb; few of them are in more than a tenth of the molecules (docs/reads.md).
    """
    taken = sorted((p - NEAR_VARIANT, p + len(ref) + NEAR_VARIANT) for p, ref, _, _ in variants)
    starts, found = [low for low, _ in taken], []
    for _ in range(len(sequence) // 4000):
        i, skip = rng.randrange(1, len(sequence) - 1), rng.random()
        share = min(0.35, 0.04 + rng.expovariate(1 / 0.05))
        # Wrong bases follow GG more often than not, and are mostly what came before.
        if sequence[i] == "N" or (skip < 0.5 and sequence[i - 1] != "G"):
            continue
        wrong = sequence[i - 1] if sequence[i - 1] not in (sequence[i], "N") else rng.choice(OTHER[sequence[i]])
        near = bisect.bisect_right(starts, offset + i) - 1
        if near < 0 or taken[near][1] <= offset + i:
            found.append((offset + i, sequence[i], wrong, share))
    return sorted(found)


def paired(source: Source, fragments: Iterator[Fragment], rng: random.Random) -> Iterator[tuple[Fragment, str, str]]:
    """Each fragment with its molecule, as read 1 sees it and as read 2 does. Those with N are left out, as ART does."""
    for fragment in fragments:
        forward = source.molecule(fragment, rng)
        if "N" in forward or not forward:
            continue
        backward = reverse_complement(forward)
        yield (fragment, backward, forward) if fragment.reverse else (fragment, forward, backward)

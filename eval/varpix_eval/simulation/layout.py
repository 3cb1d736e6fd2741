"""Where fragments lie: evenly, unevenly, at targets of a capture, as amplicons, or as the pairs of real reads.

Each function yields fragments of one haplotype; the depth counts bases of reads.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import math
import random
from collections.abc import Callable, Iterator

from .molecules import Fragment
from .templates import Window
from .variants import Haplotype

Weight = Callable[[int], float]  # of a position on the reference, 0 to 1
SHORT = 0.002  # share of fragments that are shorter than their reads, in a library with artefacts


@dataclasses.dataclass(frozen=True)
class Lengths:
    """Of fragments (bp): normal, and the bases that are read of one."""

    mean: float
    spread: float
    read: int
    mates: int
    short: float = 0.0

    def draw(self, rng: random.Random) -> int:
        if self.short and rng.random() < self.short:
            return int(self.read * rng.uniform(0.5, 1))
        while True:
            length = round(rng.gauss(self.mean, self.spread))
            if length >= 35:
                return length

    @property
    def bases(self) -> float:
        """Of a fragment, on average."""
        return min(self.read, self.mean) * self.mates


def shotgun(haplotype: Haplotype, depth: float, lengths: Lengths, rng: random.Random, weight: Weight | None = None) -> Iterator[Fragment]:
    """All over the haplotype; with a weight in proportion to it, at the same mean depth."""
    size = len(haplotype.bases)
    count = depth * size / lengths.bases
    for _ in range(int(count) + (rng.random() < count % 1)):
        while True:
            length = lengths.draw(rng)
            if length >= size:
                return
            start = rng.randrange(size - length)
            if weight is None or rng.random() < weight(haplotype.to_reference(start + length // 2)):
                break
        yield Fragment(start, start + length, rng.random() < 0.5)


def uneven(contig: str, start: int, sequence: str, spread: float, seed: int) -> Weight:
    """A smooth random walk by windows of 100 bp, less the farther GC is from the genome's; spread is about the SD of the logarithm."""
    rng, last, level, levels = random.Random(f"{seed} {contig} {start}"), math.exp(-100 / 2000), 0.0, []
    for at in range(0, len(sequence), 100):
        level = last * level + math.sqrt(1 - last * last) * rng.gauss(0, 1)
        bases = sequence[max(0, at - 150) : at + 250]
        gc = (bases.count("G") + bases.count("C")) / len(bases)
        levels.append(spread * 0.7 * (level - ((gc - 0.42) / 0.13) ** 2))
    top = max(levels)
    weights = [math.exp(level - top) for level in levels]
    return lambda position: weights[min(len(weights) - 1, max(0, (position - start) // 100))]


@dataclasses.dataclass(frozen=True)
class Target:
    """An interval on the reference, 0-based, and its depth as a factor of the mean."""

    start: int
    end: int
    factor: float


def drawn_targets(start: int, end: int, apart: int, rng: random.Random) -> list[tuple[int, int]]:
    """Targets as long as exons are, one in so many bp on average."""
    found: list[tuple[int, int]] = []
    at = start + 1000
    while True:
        at += int(rng.expovariate(1 / apart)) + 300
        length = max(60, min(3000, int(rng.lognormvariate(math.log(160), 0.8))))
        if at + length > end - 1000:
            return found
        found.append((at, at + length))
        at += length


def with_factors(intervals: list[tuple[int, int]], spread: float, rng: random.Random) -> list[Target]:
    """Depths that differ log-normally, 1 on average."""
    return [Target(low, high, rng.lognormvariate(-spread * spread / 2, spread)) for low, high in intervals]


def capture(
    haplotype: Haplotype, targets: list[Target], depth: float, off: float, lengths: Lengths, rng: random.Random
) -> Iterator[Fragment]:
    """Fragments that a bait in a target holds by 60 bp or more; a share of all lies anywhere."""
    here = [(haplotype.from_reference(t.start), haplotype.from_reference(t.end), t.factor) for t in targets]
    reach = lengths.mean
    weights = list(itertools.accumulate((high - low + reach) * factor for low, high, factor in here))
    count = depth * weights[-1] / lengths.bases / (1 - off)
    for _ in range(int(count) + (rng.random() < count % 1)):
        length = lengths.draw(rng)
        if rng.random() < off:
            start = rng.randrange(max(1, len(haplotype.bases) - length))
        else:
            low, high, _ = here[bisect.bisect_left(weights, rng.random() * weights[-1])]
            start = rng.randrange(low - length + 60, max(high - 60, low - length + 61))
        if start > 0 and start + length < len(haplotype.bases):
            yield Fragment(start, start + length, rng.random() < 0.5)


@dataclasses.dataclass(frozen=True)
class Amplicon:
    """On the reference, 0-based, primers and all; depth as a factor of the mean."""

    start: int
    end: int
    left: int
    right: int
    factor: float


def amplicons(start: int, end: int, length: int, rng: random.Random) -> list[Amplicon]:
    """That tile an interval; each begins before the insert of the one before ends."""
    found: list[Amplicon] = []
    at = start
    while at + length <= end:
        left, right = rng.randrange(18, 27), rng.randrange(18, 27)
        size = length + rng.randrange(-length // 10, length // 10 + 1)
        found.append(Amplicon(at, min(end, at + size), left, right, rng.lognormvariate(-0.125, 0.5)))
        at = found[-1].end - right - rng.randrange(25, 35)
    return found


def amplified(
    haplotype: Haplotype, reference: Callable[[int, int], str], tiles: list[Amplicon], depth: float, lengths: Lengths, rng: random.Random
) -> Iterator[Fragment]:
    """All fragments of an amplicon are alike; their ends are the primers', whatever the sample has there."""
    for tile in tiles:
        primers = (reference(tile.start, tile.start + tile.left), reference(tile.end - tile.right, tile.end))
        start, end = haplotype.from_reference(tile.start), haplotype.from_reference(tile.end)
        count = depth * tile.factor * (end - start) / (min(lengths.read, end - start) * lengths.mates)
        for _ in range(int(count) + (rng.random() < count % 1)):
            yield Fragment(start, end, rng.random() < 0.5, primers=primers)


def as_templates(
    haplotype: Haplotype, depth: float, windows: list[Window], rng: random.Random, scattered: bool, weight: Weight | None
) -> Iterator[Fragment]:
    """Fragments of the lengths of real pairs. Where they are not scattered they lie to each other as in the real windows, which follow each other
    again and again, so that what real reads get wrong at one position together is together here too."""
    span = sum(w.span for w in windows)
    real = sum(t.bases for w in windows for t in w.templates) / span
    size = len(haplotype.bases)
    if scattered:
        templates = [(w.first + i, t) for w in windows for i, t in enumerate(w.templates)]
        for _ in range(int(depth / real * len(templates) * size / span)):
            while True:
                number, template = templates[rng.randrange(len(templates))]
                start = rng.randrange(max(1, size - template.length))
                if weight is None or rng.random() < weight(haplotype.to_reference(start)):
                    break
            yield Fragment(start, start + template.length, template.reverse, number)
        return
    tile = 0
    for window in itertools.cycle(windows):
        if tile >= size:
            return
        for i, template in enumerate(window.templates):
            copies = depth / real
            for copy in range(int(copies) + (rng.random() < copies % 1)):
                start = tile + template.position + (rng.randrange(-30, 31) if copy else 0)
                if start > 0 and start + template.length < size:
                    yield Fragment(start, start + template.length, template.reverse, window.first + i)
        tile += window.span

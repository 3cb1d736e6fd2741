"""Repeat tracts: from a sequence to its homopolymers and short tandem repeats, where polymerases slip."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

# Shortest tract in bp, by the length of its unit.
LEAST_BP = {1: 5, 2: 8, 3: 9, 4: 12}


@dataclasses.dataclass(frozen=True, order=True)
class Tract:
    """A maximal run of a primitive unit of 1 to 4 bp, 0-based, half-open; its last unit may be cut short."""

    start: int
    end: int
    unit: int
    bases: str

    @property
    def copies(self) -> int:
        """Whole units."""
        return (self.end - self.start) // self.unit

    @property
    def strong(self) -> bool:
        """Of G or C alone, for homopolymers."""
        return self.unit == 1 and self.bases in "GC"


def _runs(sequence: str, unit: int, least: int) -> Iterable[Tract]:
    repeated = re.compile(rf"(?=([ACGT]{{{unit}}}))\1{{{least // unit},}}")
    at = 0
    while match := repeated.search(sequence, at):
        start, end, bases = match.start(), match.end(), match.group(1)
        while end < len(sequence) and sequence[end] == sequence[end - unit]:
            end += 1
        while start and sequence[start - 1] == sequence[start - 1 + unit]:
            start -= 1
        at = max(end - unit + 1, match.start() + 1)
        if not any(unit % k == 0 and bases == bases[:k] * (unit // k) for k in range(1, unit)):
            yield Tract(start, end, unit, sequence[start : start + unit])


def find(sequence: str) -> list[Tract]:
    """All tracts, in order; of those that overlap by more than 2 bp the longer."""
    found = sorted(
        (t for unit, bp in LEAST_BP.items() for t in _runs(sequence, unit, bp)), key=lambda t: (t.start - t.end, t.unit, t.start)
    )
    used, kept = bytearray(len(sequence)), []
    for tract in found:
        span = tract.end - tract.start
        if sum(used[tract.start : tract.end]) <= 2:
            used[tract.start : tract.end] = b"\1" * span
            kept.append(tract)
    return sorted(kept)

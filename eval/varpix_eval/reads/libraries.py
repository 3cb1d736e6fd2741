"""Slippage of repeats: how often a molecule shows a tract with fewer or more units than the sample has.

A library's rates are logistic curves in the copies of a tract, a pair of them (fewer, more) for each length of the unit;
steps of more than one unit fall off geometrically. HipSTR's stutter model and DRAGEN's DRAGstr are of this kind. Libraries measured on
real reads, and how they were, are in libraries.json beside this file.
"""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import random
from typing import Any

LIBRARIES = pathlib.Path(__file__).with_name("libraries.json")
CENTRE = {1: 10, 2: 8, 3: 6, 4: 5}  # copies at which a curve's first parameter is its log-odds
LONGEST = {1: 20, 2: 16, 3: 12, 4: 10}  # copies from which on the rates grow no more
SHORTEST = {1: 7, 2: 5, 3: 3, 4: 3}  # copies below which the curves end; the rates halve with each copy less
MOST = 0.3  # no rate is higher
FEWER, MORE = 0, 1


def within(copies: int, unit: int) -> tuple[int, float]:
    """The copies of a curve's end where they lie beyond it, and the factor of the rate there."""
    inside = max(SHORTEST[unit], min(copies, LONGEST[unit]))
    return inside, 0.5 ** max(0, inside - copies)


@dataclasses.dataclass(frozen=True)
class Curve:
    """Share of molecules that slip, by copies: log-odds `level` at CENTRE, `slope` for each copy more."""

    level: float
    slope: float

    def rate(self, copies: int, unit: int) -> float:
        inside, halved = within(copies, unit)
        return min(MOST, halved / (1 + math.exp(-(self.level + self.slope * (inside - CENTRE[unit])))))

    def shifted(self, by: float) -> Curve:
        """The odds changed by a factor, given as its logarithm."""
        return Curve(self.level + by, self.slope)


@dataclasses.dataclass(frozen=True)
class Library:
    """What copying and sequencing do to the molecules of a library."""

    name: str
    curves: dict[int, tuple[Curve, Curve]]
    strong: tuple[float, float]  # log-odds that G/C homopolymers slip beyond A/T ones, fewer and more
    step: float  # share of one unit among slips of one unit and more
    tract_sd: float  # standard deviation of the logarithm of a tract's own factor
    shared: float  # share of the tracts of 8 bp and more in which many molecules carry one slip from an early cycle
    substitutions: float  # wrong bases of a molecule, which both its reads show, per base
    tails: float  # share of reads that end in low quality
    chimeras: float  # share of pairs that go on elsewhere

    def rate(self, unit: int, copies: int, strong: bool, direction: int) -> float:
        curve = self.curves[unit][direction]
        return (curve.shifted(self.strong[direction]) if strong else curve).rate(copies, unit)

    def shifted(self, fewer: float, more: float) -> Library:
        return dataclasses.replace(self, curves={u: (d.shifted(fewer), m.shifted(more)) for u, (d, m) in self.curves.items()})

    def varied(self, spread: float, rng: random.Random) -> Library:
        """Another library of the same kind: all rates by one factor, and each curve by one of its own."""
        whole = rng.gauss(0, spread)

        def own(curve: Curve) -> Curve:
            return Curve(curve.level + whole + rng.gauss(0, spread / 2), curve.slope * math.exp(rng.gauss(0, spread / 4)))

        curves = {unit: (own(fewer), own(more)) for unit, (fewer, more) in sorted(self.curves.items())}
        return dataclasses.replace(
            self,
            curves=curves,
            shared=self.shared * math.exp(rng.gauss(0, spread)),
            substitutions=self.substitutions * math.exp(whole),
            tails=min(0.3, self.tails * math.exp(rng.gauss(0, spread))),
        )


def load() -> dict[str, Library]:
    """The libraries that are named, by name."""
    return {name: from_json(name, values) for name, values in json.loads(LIBRARIES.read_text()).items()}


def from_json(name: str, values: dict[str, Any]) -> Library:
    curves = {int(unit): (Curve(*pair[0]), Curve(*pair[1])) for unit, pair in values["curves"].items()}
    return Library(
        name,
        curves,
        tuple(values["strong"]),
        values["step"],
        values["tract_sd"],
        values["shared"],
        values["substitutions"],
        values["tails"],
        values["chimeras"],
    )


def to_json(library: Library) -> dict[str, Any]:
    def curve(c: Curve) -> list[float]:
        return [round(c.level, 3), round(c.slope, 3)]

    return {
        "curves": {str(unit): [curve(d), curve(m)] for unit, (d, m) in sorted(library.curves.items())},
        "strong": [round(x, 3) for x in library.strong],
        "step": round(library.step, 3),
        "tract_sd": round(library.tract_sd, 2),
        "shared": round(library.shared, 4),
        "substitutions": library.substitutions,
        "tails": library.tails,
        "chimeras": library.chimeras,
    }


LEVEL_SD, SLOPE_SD = 1.5, 0.1  # how far a library's curves may lie from what is usual, where its reads say little


def fit(counts: dict[int, tuple[float, float]], unit: int, usual: Curve) -> Curve:
    """The likeliest curve of (slipped, all) by copies, with a normal prior around the usual one."""
    points = []
    for copies, (slipped, all_) in counts.items():
        inside, halved = within(copies, unit)
        points.append((inside - CENTRE[unit], slipped, all_ * halved))
    level, slope = usual.level, usual.slope
    for _ in range(60):
        g0, g1 = (usual.level - level) / LEVEL_SD**2, (usual.slope - slope) / SLOPE_SD**2
        h00, h01, h11 = 1 / LEVEL_SD**2, 0.0, 1 / SLOPE_SD**2
        for x, slipped, all_ in points:
            p = 1 / (1 + math.exp(-max(-14.0, min(2.0, level + slope * x))))
            left, w = slipped - all_ * p, all_ * p * (1 - p)
            g0, g1, h00, h01, h11 = g0 + left, g1 + left * x, h00 + w, h01 + w * x, h11 + w * x * x
        determinant = h00 * h11 - h01 * h01
        level += max(-0.5, min(0.5, (h11 * g0 - h01 * g1) / determinant))
        slope = max(0.0, slope + max(-0.2, min(0.2, (h00 * g1 - h01 * g0) / determinant)))
    return Curve(level, slope)

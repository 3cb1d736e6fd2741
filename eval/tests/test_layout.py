"""Where fragments lie."""

import itertools
import random

import pytest

from varpix_eval.simulation import layout
from varpix_eval.simulation.layout import Lengths
from varpix_eval.simulation.templates import Read, Template, Window
from varpix_eval.simulation.variants import Haplotype

LENGTHS = Lengths(300, 30, 100, 2)


@pytest.fixture(scope="module")
def haplotype() -> Haplotype:
    rng = random.Random(1)
    return Haplotype("c", 1000, "".join(rng.choice("ACGT") for _ in range(100_000)), [])


def test_shotgun_has_its_depth_all_over(haplotype: Haplotype) -> None:
    fragments = list(layout.shotgun(haplotype, 20, LENGTHS, random.Random(2)))
    assert 200 * len(fragments) / 100_000 == pytest.approx(20, rel=0.01)
    halves = [sum(f.start < 50_000 for f in fragments), sum(f.start >= 50_000 for f in fragments)]
    assert halves[0] == pytest.approx(halves[1], rel=0.1)
    assert sum(f.reverse for f in fragments) / len(fragments) == pytest.approx(0.5, abs=0.03)
    assert sum(f.end - f.start for f in fragments) / len(fragments) == pytest.approx(300, abs=2)


def test_short_fragments_are_read_once_through() -> None:
    assert Lengths(80, 5, 100, 2).bases == 160
    assert Lengths(300, 30, 100, 1).bases == 100


def test_a_weight_moves_fragments_and_keeps_the_depth(haplotype: Haplotype) -> None:
    fragments = list(layout.shotgun(haplotype, 20, LENGTHS, random.Random(3), lambda place: 1.0 if place < 51_000 else 0.25))
    assert 200 * len(fragments) / 100_000 == pytest.approx(20, rel=0.01)
    assert sum(f.start < 50_000 for f in fragments) / len(fragments) == pytest.approx(0.8, abs=0.02)


def test_uneven_weights_are_smooth_reproducible_and_at_most_one(haplotype: Haplotype) -> None:
    weights = []
    for _ in range(2):
        weight = layout.uneven("c", 1000, haplotype.bases, 0.4, 7)
        weights.append([weight(place) for place in range(1000, 101_000, 100)])
    assert weights[0] == weights[1]
    assert max(weights[0]) == 1.0
    assert min(weights[0]) < 0.6
    assert all(abs(a - b) < 0.35 for a, b in itertools.pairwise(weights[0]))


def test_targets_lie_apart_and_within() -> None:
    found = layout.drawn_targets(0, 1_000_000, 5000, random.Random(4))
    assert len(found) == pytest.approx(180, rel=0.2)
    assert all(60 <= high - low <= 3000 for low, high in found)
    assert all(a[1] + 300 <= b[0] for a, b in itertools.pairwise(found))
    assert found[0][0] >= 1000
    assert found[-1][1] <= 999_000


def test_capture_puts_its_share_on_target(haplotype: Haplotype) -> None:
    targets = layout.with_factors([(p, p + 200) for p in range(6000, 90_000, 10_000)], 0.0, random.Random(5))
    fragments = list(layout.capture(haplotype, targets, 50, 0.2, LENGTHS, random.Random(5)))
    on = sum(any(f.start < t.end - 1000 and f.end > t.start - 1000 for t in targets) for f in fragments) / len(fragments)
    assert on == pytest.approx(0.8, abs=0.05)


def test_amplicons_tile_without_gaps_between_inserts() -> None:
    tiles = layout.amplicons(0, 5000, 220, random.Random(6))
    assert len(tiles) > 20
    assert all(b.start + b.left <= a.end - a.right for a, b in itertools.pairwise(tiles))
    assert tiles[-1].end <= 5000


def test_fragments_of_an_amplicon_are_alike_and_carry_its_primers(haplotype: Haplotype) -> None:
    tiles = [layout.Amplicon(2000, 2220, 20, 22, 1.0)]
    fragments = list(
        layout.amplified(haplotype, lambda low, high: haplotype.bases[low - 1000 : high - 1000], tiles, 100, LENGTHS, random.Random(7))
    )
    assert {(f.start, f.end) for f in fragments} == {(1000, 1220)}
    assert {f.primers for f in fragments} == {(haplotype.bases[1000:1020], haplotype.bases[1198:1220])}
    assert len(fragments) == pytest.approx(100 * 220 / 200, abs=1)


def windows(count: int = 400) -> list[Window]:
    rng, read = random.Random(8), Read("I" * 100, ())
    templates = sorted((rng.randrange(10_000), 250 + rng.randrange(100)) for _ in range(count))
    return [Window(0, 10_000, tuple(Template(place, length, False, (read, read), (60, 60)) for place, length in templates))]


@pytest.mark.parametrize("scattered", [False, True])
def test_templates_give_the_depth_that_is_asked_for(haplotype: Haplotype, scattered: bool) -> None:
    fragments = list(layout.as_templates(haplotype, 4, windows(), random.Random(9), scattered, None))
    assert 200 * len(fragments) / 100_000 == pytest.approx(4, rel=0.05)


def test_unscattered_templates_lie_as_the_real_ones_do(haplotype: Haplotype) -> None:
    [window] = windows()
    real = sum(t.bases for t in window.templates) / window.span
    fragments = list(layout.as_templates(haplotype, real, [window], random.Random(10), False, None))
    starts = {f.start for f in fragments}
    assert {tile + t.position for tile in (10_000, 20_000) for t in window.templates} <= starts

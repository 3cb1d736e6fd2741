"""Slippage rates of libraries."""

import random

import pytest

from varpix_eval.reads import libraries
from varpix_eval.reads.libraries import FEWER, MORE, Curve


@pytest.mark.parametrize("library", libraries.load().values(), ids=lambda library: library.name)
def test_rates_grow_with_copies_up_to_a_limit(library: libraries.Library) -> None:
    for unit in libraries.CENTRE:
        for way in (FEWER, MORE):
            rates = [library.rate(unit, copies, False, way) for copies in range(2, 30)]
            assert rates == sorted(rates)
            assert 0 < rates[0] < rates[-1] <= libraries.MOST


def test_below_the_curve_the_rate_halves_with_each_copy_less() -> None:
    curve, shortest = Curve(-4, 0.4), libraries.SHORTEST[1]
    assert curve.rate(shortest - 2, 1) == pytest.approx(curve.rate(shortest, 1) / 4)


def test_libraries_survive_json() -> None:
    for name, library in libraries.load().items():
        assert libraries.from_json(name, libraries.to_json(library)) == library


def test_a_varied_library_is_reproducible_and_another() -> None:
    library = libraries.load()["platinum"]
    assert library.varied(0.25, random.Random("x")) == library.varied(0.25, random.Random("x")) != library
    assert library.varied(0, random.Random("x")) == library


def test_fit_finds_the_curve_that_counts_come_from() -> None:
    true = Curve(-3.5, 0.35)
    counts = {copies: (1e6 * true.rate(copies, 1), 1e6) for copies in range(7, 18)}
    found = libraries.fit(counts, 1, Curve(-5, 0.25))
    assert found.level == pytest.approx(true.level, abs=0.05)
    assert found.slope == pytest.approx(true.slope, abs=0.02)


def test_without_counts_fit_stays_at_the_usual() -> None:
    usual = Curve(-5, 0.35)
    found = libraries.fit({}, 1, usual)
    assert (found.level, found.slope) == pytest.approx((usual.level, usual.slope))

"""Families: what is inherited, and what breaks the rules."""

import itertools
import random

import pytest

from varpix_eval.simulation import family
from varpix_eval.simulation.family import Site


def made(seed: int) -> list[Site]:
    rng = random.Random(seed)
    sequence = "".join(rng.choices("ACGT", k=60_000))
    found = [(1000 + p, sequence[p], *rng.choice([("TT", sequence[p]), ("TT", "TT")])) for p in range(400, 59_000, 300)]
    return family.sites(found, sequence, 1000, rng)


def test_parents_share_sites_and_have_their_own() -> None:
    sites = made(1)
    plain = [site for site in sites if site.father == (site.ref, site.ref)]
    shared = [site for site in sites if site not in plain]
    assert len(shared) > 150
    assert 20 < len(plain) < 60
    assert all(set(site.mother) <= {site.ref, *site.father} for site in shared)
    assert all(site.mother != (site.ref, site.ref) for site in plain)
    ends = [site.position + len(site.ref) for site in sites]
    assert all(site.position > end for site, end in zip(sites[1:], ends, strict=False))


@pytest.mark.parametrize("seed", range(5))
def test_a_child_breaks_no_rule(seed: int) -> None:
    sites = made(seed)
    inherited = family.child(sites, random.Random(seed))
    assert len(inherited) == len(sites)
    assert all(
        one in site.father and two in site.mother and family.is_possible(site.father, site.mother, (one, two))
        for site, (one, two) in zip(sites, inherited, strict=True)
    )
    # One crossover at most in what each parent passed on.
    for number, parent in enumerate(("father", "mother")):
        sides = [
            getattr(site, parent).index(alleles[number])
            for site, alleles in zip(sites, inherited, strict=True)
            if len(set(getattr(site, parent))) == 2
        ]
        assert sum(a != b for a, b in itertools.pairwise(sides)) <= 1


@pytest.mark.parametrize(
    ("father", "mother", "offspring", "possible"),
    [
        ("AA", "AA", "AT", False),
        ("AT", "AA", "AT", True),
        ("AT", "AA", "TA", True),
        ("AT", "AA", "TT", False),
        ("AA", "TT", "AA", False),
        ("AA", "TT", "AT", True),
        ("AC", "TG", "AC", False),
        ("", "AA", "TT", True),
    ],
)
def test_rules_of_inheritance(father: str, mother: str, offspring: str, possible: bool) -> None:
    assert family.is_possible(tuple(father), tuple(mother), tuple(offspring)) == possible


def test_rows_are_counted_by_the_least_quality() -> None:
    rows = [
        "A\tT\t0/1:40\t0/0:30\t0/1:50",  # as it should be
        "A\tT\t0/0:40\t0/0:15\t0/1:50",  # a violation, one genotype of GQ 15
        "A\tT,C\t1|2:40\t0/0:30\t1/2:50",  # a violation
        "A\tT\t0/0:9\t./.:0\t0/1:50",  # not called
        "A\tT\t0/0:40\t0/0:30\t0/0:50",  # nobody has a variant
    ]
    found = {least: (tally.called, tally.violations, tally.uncalled) for least, tally in family.tallies(rows, (0, 20, 99)).items()}
    assert found == {0: (3, 2, 1), 20: (2, 1, 2), 99: (0, 0, 4)}
    assert family.tallies([], (0,))[0].rate == 0

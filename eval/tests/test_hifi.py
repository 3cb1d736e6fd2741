"""HiFi reads: errors and qualities of a molecule as the class of its read has them."""

from __future__ import annotations

import random

import pytest

from varpix_eval.commands import simulate
from varpix_eval.simulation import hifi
from varpix_eval.simulation.molecules import Fragment

MOLECULE = "".join(random.Random(1).choice("ACGT") for _ in range(200_000))


def test_classes_differ_in_errors_and_qualities() -> None:
    sequencer = hifi.Sequencer(1, "h1")
    read = {number: sequencer.read(MOLECULE, number) for number in (0, len(hifi.ERRORS) - 1)}
    means = {}
    for number, (bases, quality) in read.items():
        assert len(bases) == len(quality)
        assert set(quality) <= {chr(33 + q) for q in range(2, hifi.HIGHEST + 1)}
        means[number] = sum(map(ord, quality)) / len(quality) - 33
    assert means[0] < 60 < 90 < means[len(hifi.ERRORS) - 1]
    # Of 200 kb the worst reads have about 700 inserted and lost bases, the best one in 80 of these.
    assert len(read[len(hifi.ERRORS) - 1][0]) == pytest.approx(len(MOLECULE), abs=30)


def test_long_homopolymers_are_the_molecules_own() -> None:
    sequencer = hifi.Sequencer(2, "h1")
    bases = "ACGT" * 50 + "A" * 12 + "CGTC" * 50
    made = [sequencer.with_errors(bases, 3.0)[0] for _ in range(500)]
    lengths = [max(len(run) for run in one.replace("C", " ").replace("G", " ").replace("T", " ").split()) for one in made]
    # Wrong bases alone can cut it.
    assert sum(length != 12 for length in lengths) < 10


def test_run_lengths_end_at_one_more_than_what_is_drawn() -> None:
    assert [hifi.run_length("CAAATTTTTTTG", at) for at in (0, 1, 3, 4, 10, 11)] == [1, 3, 3, 5, 5, 1]


def test_records_are_the_same_for_the_same_seed() -> None:
    molecules = [
        ("a", Fragment(0, 4000, False, template=3), MOLECULE[:4000], ""),
        ("b", Fragment(0, 900, True, template=0), MOLECULE[:900], ""),
    ]
    one, two = ("".join(hifi.sequenced(molecules, 5, "h1")) for _ in range(2))
    assert one == two
    assert one.count("\n") == 8
    assert one != "".join(hifi.sequenced(molecules, 6, "h1"))


def test_options() -> None:
    words = ["--ref", "a", "--truth", "b", "--region", "c:1-2", "--out", "d", "--profile", "hifi"]
    options = simulate.arguments(words)
    assert options.molecules
    assert (options.aligner, options.library, options.single_end) == ("minimap2", "hifi", True)
    assert simulate.arguments([*words, "--library", "hifi-clean"]).library == "hifi-clean"
    with pytest.raises(SystemExit):
        simulate.arguments([*words, "--merge"])

"""What counts as a difference between processors, and as memory that grows."""

import pytest

from varpix_eval.commands import check_processors as check
from varpix_eval.commands.soak import Kind, grown


def line(position: int, genotype: str, quality: str = "30", likelihoods: str = "30,0,40") -> str:
    return f"c\t{position}\t.\tA\tT\t{quality}\tPASS\t.\tGT:GQ:PL\t{genotype}:28:{likelihoods}"


def test_genotypes_must_agree_and_qualities_nearly() -> None:
    expected = check.records(["#CHROM", line(1, "0/1"), line(2, "1/1")])
    same = check.records([line(1, "0/1", "31.5"), line(2, "1/1", likelihoods="30,0,43")])
    assert (check.differing(same, expected), check.largest(same, expected)) == (0, 3)
    other = check.records([line(1, "1/1"), line(2, "1/1")])
    assert check.differing(other, expected) == 2
    assert check.differing(expected[:1], expected) == 1


def test_probabilities_are_compared_by_image() -> None:
    one = check.images(["/tmp/a/x.png\t0.1\t0.8\t0.1\tcnn", "y.png"])
    other = check.images(["/tmp/b/x.png\t0.1\t0.79\t0.11\tcnn"])
    assert one.keys() == other.keys() == {"x.png cnn"}
    found = [check.Result([], [], images) for images in (one, other)]
    assert check.probability(*found) == pytest.approx(0.01)


def test_growth_is_that_of_medians() -> None:
    kind = Kind("x", (), peaks=[(0, 1024), (10, 2048), (20, 1024), (50, 9999), (80, 3072), (99, 3072)])
    assert grown(kind, 100) == (1.0, 3.0)

"""Repeat tracts in sequences."""

from varpix_eval.reads import tracts


def found(sequence: str) -> list[tuple[str, int, int]]:
    return [(t.bases, t.copies, t.start) for t in tracts.find(sequence)]


def test_units_of_one_to_three_bases() -> None:
    assert found("GCTAAAAAAAGTCACACACACATGGATGATGATGCC") == [("A", 7, 3), ("CA", 5, 12), ("GAT", 3, 24)]


def test_runs_below_the_shortest_are_no_tracts() -> None:
    assert found("GCAAAAGC") == []
    assert found("GCAAAAAGC") == [("A", 5, 2)]
    assert found("GTCACACATG") == []


def test_a_repeat_of_a_shorter_unit_is_one_of_that_unit() -> None:
    assert [t.unit for t in tracts.find("GC" + "A" * 16 + "GC")] == [1]


def test_a_cut_last_unit_belongs_to_the_tract() -> None:
    [tract] = tracts.find("GG" + "ACT" * 4 + "AC" + "GG")
    assert (tract.end - tract.start, tract.copies) == (14, 4)


def test_strong_is_of_g_or_c_alone() -> None:
    assert [t.strong for t in tracts.find("AT" + "G" * 6 + "TATC" + "A" * 6)] == [True, False]

"""Altered reads."""

from varpix_eval.reads.altered import ALTERATIONS, altered

HEADER = "@HD\tVN:1.6\n"
READ = "a\t163\t20\t101\t60\t4M\t=\t301\t204\tACGT\tFF,F\tRG:Z:x\n"


def of(kind: str) -> list[list[str]]:
    header, *lines = altered([HEADER, READ], ALTERATIONS[kind])
    assert header == HEADER
    return [line.rstrip("\n").split("\t") for line in lines]


def changed(kind: str) -> dict[int, str]:
    """Columns that differ, with their new values."""
    [fields] = of(kind)
    return {i: field for i, (field, old) in enumerate(zip(fields, READ.rstrip("\n").split("\t"), strict=True)) if field != old}


def test_each_alteration_changes_its_own_columns() -> None:
    assert changed("single-end") == {0: "a/2", 1: "0", 6: "*", 7: "0", 8: "0"}
    assert changed("tlen-0") == {8: "0"}
    assert changed("mapq-255") == {4: "255"}
    assert changed("mapq-42") == {4: "42"}
    assert changed("quality-40") == {10: "IIII"}
    assert changed("quality-90") == {10: "kk7k"}
    assert changed("quality-bins") == {10: "88#8"}


def test_the_strand_stays_without_a_mate() -> None:
    reverse = READ.replace("163", "83")
    _, line = altered([HEADER, reverse], ALTERATIONS["single-end"])
    assert line.split("\t")[:2] == ["a/1", "16"]


def test_copies_have_names_of_their_own() -> None:
    names = [fields[0] for fields in of("20-times")]
    assert names[:3] == ["a", "a.1", "a.2"]
    assert len(set(names)) == 20
    assert {tuple(fields[1:]) for fields in of("20-times")} == {tuple(READ.rstrip("\n").split("\t")[1:])}

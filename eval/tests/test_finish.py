"""Qualities and mapping qualities as other programs write them."""

import pytest

from varpix_eval.simulation.finish import MAPQS, finished, mapping_quality

HEAD = ["@HD\tVN:1.6\n", "@PG\tID:bwa\tCL:bwa mem /tmp/x\n", "@SQ\tSN:c\tLN:9\n"]
READ = "r:7\t99\tc\t1\t60\t4M\t=\t5\t9\tACGT\t!+5I\tNM:i:3\tRG:Z:a\tAS:i:4\n"


def one(qualities: str = "made", mapq: str = "made") -> list[str]:
    return next(finished([READ], qualities, mapq)).rstrip("\n").split("\t")


def test_lines_that_name_programs_are_left_out() -> None:
    assert list(finished([*HEAD, READ], "made", "made")) == [HEAD[0], HEAD[2], READ]


def test_binned_has_four_levels_and_no_tags_but_the_read_group() -> None:
    fields = one("binned")
    assert fields[10] == "#00F"
    assert fields[11:] == ["RG:Z:a"]
    assert {line.split("\t")[10] for line in finished([READ.replace("!+5I", chr(q) * 4) for q in range(33, 75)], "binned", "made")} == {
        "####",
        "0000",
        "::::",
        "FFFF",
    }


def test_constant_and_missing_qualities() -> None:
    assert one("constant")[10] == "IIII"
    assert one("missing")[10] == "*"


@pytest.mark.parametrize(("scale", "expected"), [("made", "60"), ("bowtie2", "40"), ("dragen", "250"), ("255", "255")])
def test_mapq_of_a_read_with_three_differences(scale: str, expected: str) -> None:
    assert one(mapq=scale)[4] == expected


@pytest.mark.parametrize("scale", MAPQS[:-1])
def test_scales_keep_the_order(scale: str) -> None:
    for differences in (0, 3, 9):
        values = [mapping_quality(quality, differences, scale) for quality in range(61)]
        if not (scale == "bowtie2" and differences == 9):
            assert values == sorted(values)


def test_unmapped_reads_keep_their_mapq() -> None:
    unmapped = READ.replace("\t99\t", "\t77\t").replace("\t60\t", "\t0\t")
    assert next(finished([unmapped], "made", "255")).split("\t")[4] == "0"


def test_no_read_maps_better_than_its_template() -> None:
    lines = list(finished([READ], "made", "made", lambda name, flags: 23 if (name, flags) == ("r:7", 99) else 60))
    assert lines[0].split("\t")[4] == "23"

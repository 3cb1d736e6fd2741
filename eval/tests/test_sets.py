"""Tables of sets, and the manifest."""

import collections
import dataclasses
import itertools
import os
import pathlib

import pytest

from varpix_eval import project, sets
from varpix_eval.commands import simulate

TABLES = ("wgs", "kinds", "judging")
VALUES = {"sim": "/s", "b37": "/s/ref/20.fa", "hg001": "/d/hg001.vcf.gz", "bam": "/d/a.bam,/d/b.bam", "bed": "/d/c.bed", "real": "x,y"}


def table(folder: pathlib.Path, *rows: str) -> list[sets.ReadSet]:
    head = "# a comment\nname role reference truth region weight reads confident options"
    lines = [line.replace(" ", "\t", 8) for line in ("\n".join([head, *rows])).splitlines()]
    (folder / "t.tsv").write_text("\n".join(lines) + "\n")
    return sets.load("t", values=VALUES, folder=folder)


def test_a_simulated_set_has_its_files_in_one_folder(tmp_path: pathlib.Path) -> None:
    [one] = table(tmp_path, "a train b37 hg001 20:1-9 1 - - --depth 40 --templates {real}")
    assert (one.reads, one.known, one.confident) == ("/s/a.bam", "/s/a.truth.vcf.gz", "/s/a.confident.bed")
    assert one.simulation()[-4:] == ["--depth", "40", "--templates", "x,y"]


def test_a_real_set_has_its_own_files(tmp_path: pathlib.Path) -> None:
    plain, agreed = table(tmp_path, "a judge b37 hg001 20:1-9 1 bam bed ", "b judge b37 hg001 20:1-9 1 bam bed --other {hg001}+5")
    assert (plain.reads, plain.known, plain.confident) == ("/d/a.bam,/d/b.bam", "/d/hg001.vcf.gz", "/s/a.confident.bed")
    assert agreed.confident == "/s/b.confident.bed"


def test_confident_regions_of_a_real_set_are_cut_to_its_region(tmp_path: pathlib.Path) -> None:
    [one] = table(tmp_path, "a train b37 hg001 20:101-200 1 bam bed ")
    bed = tmp_path / "whole.bed"
    bed.write_text("19\t100\t200\n20\t50\t150\tx\n20\t160\t170\n20\t190\t300\n20\t200\t300\n")
    here = dataclasses.replace(one, real=(one.reads, str(bed)), folder=str(tmp_path / "sim"))
    sets.make("test", [here])
    assert pathlib.Path(here.confident).read_text() == "20\t100\t150\n20\t160\t170\n20\t190\t200\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a learn b37 hg001 20:1-9 1 - - ", "role learn"),
        ("a train b37 hg001 20:1-9 0 - - ", "it must be positive"),
        ("a train b38 hg001 20:1-9 1 - - ", "nothing is named b38"),
        ("a train b37 hg001 20:1-9 1 - - --templates {none}", "nothing is named none"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused(tmp_path: pathlib.Path, row: str, message: str) -> None:
    with pytest.raises(sets.SetError, match=message):
        table(tmp_path, row)


def test_two_sets_of_one_name_are_refused(tmp_path: pathlib.Path) -> None:
    row = "a train b37 hg001 20:1-9 1 - - "
    with pytest.raises(sets.SetError, match="a is there twice"):
        table(tmp_path, row, row)


def test_manifest_has_paths_relative_to_its_folder(tmp_path: pathlib.Path) -> None:
    rows = ["a train b37 hg001 20:1-9 1 - - ", "b tune b37 hg001 20:1-9 0.25 bam bed ", "c judge b37 hg001 20:1-9 1 - - "]
    made = table(tmp_path, *rows)
    path = tmp_path / "new/m.tsv"
    sets.write_manifest(made, path)
    header, *lines = [line.split("\t") for line in path.read_text().splitlines()]
    assert header == ["reads", "reference", "truth", "confident", "weight", "role"]
    assert [line[4:] for line in lines] == [["1", "train"], ["0.25", "tune"]]
    found = [[os.path.normpath(path.parent / file) for file in cell.split(",")] for line in lines for cell in line[:4]]
    assert not any(os.path.isabs(cell) for line in lines for cell in line[:4])
    assert found[:4] == [["/s/a.bam"], ["/s/ref/20.fa"], ["/s/a.truth.vcf.gz"], ["/s/a.confident.bed"]]
    assert found[4:] == [["/d/a.bam", "/d/b.bam"], ["/s/ref/20.fa"], ["/d/hg001.vcf.gz"], ["/s/b.confident.bed"]]


def test_variables_replace_the_data_and_the_windows() -> None:
    values = sets.sources(environment={"VARPIX_DATA": "/elsewhere", "VARPIX_WINDOWS": "20:1-2"})
    assert values["hg001"].startswith("/elsewhere/truth/")
    assert ",20:1-2," in values["10x"]
    assert ",20:1-2," not in values["10x-whole"]
    assert sets.sources(environment={})["b37"] == str(project.ROOT / ".cache/sim/ref/20.fa")


def test_every_set_is_one_that_the_simulation_takes() -> None:
    for one in sets.load(*TABLES):
        if not one.real:
            options = simulate.arguments(one.simulation())
            assert options.region == [one.region]


def test_sets_to_learn_from_are_drawn_with_seeds_of_their_own() -> None:
    seeds = collections.Counter(one.options[one.options.index("--seed") + 1] for one in sets.load("wgs", "kinds") if not one.real)
    assert [seed for seed, n in seeds.items() if n > 1] == []


def test_no_set_is_judged_where_another_is_learned_from_or_tuned_on() -> None:
    by_role: dict[str, list[tuple[str, int, int]]] = collections.defaultdict(list)
    for one in sets.load(*TABLES):
        contig, start, end = project.interval(one.region)
        by_role[one.role].append((f"{one.reference} {contig}", start, end))
    for one_role, other in itertools.combinations(sets.ROLES, 2):
        for (contig, start, end), (where, low, high) in itertools.product(by_role[one_role], by_role[other]):
            assert contig != where or end <= low or high <= start, f"{one_role} {contig}:{start}-{end}, {other} {where}:{low}-{high}"

"""Figures and checksums of the GIAB benchmark; tests/system/giab runs all of it."""

import gzip
import pathlib

import pytest

from varpix_eval.giab import figures
from varpix_eval.giab.downloads import known_sums
from varpix_eval.giab.regions import restricted
from varpix_eval.giab.report import PUBLISHED, Published


def test_curve_ends_at_the_final_recall() -> None:
    judged = [(50.0, True), (50.0, True), (40.0, False), (30.0, True), (30.0, False)]
    points = figures.curve(judged, 0.9)
    assert [quality for _, _, quality in points] == [50.0, 40.0, 30.0]
    assert [recall for recall, _, _ in points] == pytest.approx([0.6, 0.6, 0.9])
    assert [precision for _, precision, _ in points] == pytest.approx([1.0, 2 / 3, 3 / 5])


def test_happy_counts_what_passes(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "happy.csv"
    path.write_text(
        "Type,Filter,TRUTH.TP,TRUTH.FN,QUERY.FP,METRIC.Recall,METRIC.Precision,METRIC.F1_Score\n"
        "SNP,ALL,1,1,1,0.5,0.5,0.5\nSNP,PASS,12,4,3,0.75,0.8,0.774194\n"
    )
    rows = figures.happy_summary(path)
    assert list(rows) == ["SNP"]
    assert rows["SNP"].figures() == {"tp": 12, "fn": 4, "fp": 3, "recall": 0.75, "precision": 0.8, "f1": 0.774194}


@pytest.mark.parametrize("published", PUBLISHED.values(), ids=lambda one: one.name)
def test_published_figures_agree_with_each_other(published: Published) -> None:
    for row in published.rows.values():
        assert row.recall is not None
        assert row.precision is not None
        assert row.recall == pytest.approx(row.tp / (row.tp + row.fn), abs=1e-6)
        assert row.f1 == pytest.approx(2 * row.recall * row.precision / (row.recall + row.precision), abs=2e-6)


def test_a_bed_is_restricted_to_a_contig(tmp_path: pathlib.Path) -> None:
    bed = tmp_path / "a.bed.gz"
    bed.write_bytes(gzip.compress(b"track x\n#c\nchr1\t0\t5\nchr20\t1\t9\tname\n"))
    assert restricted("x", bed, ["chr20"], tmp_path / "b.bed").read_text() == "chr20\t1\t9\tname\n"
    assert restricted("x", bed, None, tmp_path / "b.bed").read_text().count("\n") == 2
    with pytest.raises(SystemExit, match=r"holds nothing on chr2$"):
        restricted("x", bed, ["chr2"], tmp_path / "b.bed")


def test_checksums_as_sha256sum_writes_them(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "sums"
    path.write_text(f"{'a' * 64}  one.bam\n{'b' * 64} *two.bam\n")
    assert known_sums("x", path) == {"one.bam": "a" * 64, "two.bam": "b" * 64}
    path.write_text("abc  one.bam\n")
    with pytest.raises(SystemExit, match="line 1 is not as sha256sum writes it"):
        known_sums("x", path)

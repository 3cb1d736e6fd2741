"""Comparison with truth: aardvark's summary, classes of variants, agreed regions, bins of GQ, consensus."""

import pathlib

import pytest

from varpix_eval import aardvark, classes
from varpix_eval.commands import agreed_regions, calibration, candidate_recall, compare_networks, consensus

SUMMARY = """\
comparison region_label variant_type truth_tp truth_fn query_tp query_fp truth_fn_gt query_fp_gt metric_recall metric_precision metric_f1
GT ALL Snv 98 2 97 3 1 2 0.98 0.97 0.974974
GT ALL JointIndel 0 4 0 0 0 0 0.0 - -
GT ALL Insertion 1 1 1 1 0 0 0.5 0.5 0.5
HAP ALL Snv 99 1 99 1 0 0 0.99 0.99 0.99
GT hp Snv 5 0 5 0 0 0 1.0 1.0 1.0
"""


@pytest.fixture
def summary(tmp_path: pathlib.Path) -> dict[str, aardvark.Rows]:
    path = tmp_path / "summary.tsv"
    path.write_text("".join("\t".join("" if word == "-" else word for word in line.split(" ")) + "\n" for line in SUMMARY.splitlines()))
    return aardvark.summary(path)


def test_summary_keeps_genotype_rows_of_snps_and_joint_indels(summary: dict[str, aardvark.Rows]) -> None:
    assert summary["ALL"]["SNP"] == aardvark.Row(98, 2, 3, 97, 1, 2, 0.98, 0.97, 0.974974)
    assert list(summary["ALL"]) == ["SNP", "INDEL"]


def test_nothing_right_of_something_is_an_f1_of_0(summary: dict[str, aardvark.Rows]) -> None:
    assert (summary["ALL"]["INDEL"].precision, summary["ALL"]["INDEL"].f1) == (None, 0.0)


def test_a_stratum_without_a_type_has_nothing_to_count(summary: dict[str, aardvark.Rows]) -> None:
    assert summary["hp"]["INDEL"] == aardvark.Row()
    assert aardvark.line("x", "INDEL", summary["hp"]["INDEL"]) == "| x | INDEL | 0 | 0 | 0 | - | - | - |"


def test_rows_of_classes_have_no_wrong_genotypes_in_json() -> None:
    assert "fn_genotype" not in classes.figures({"TP": 1}).json()
    assert aardvark.Row().json()["recall"] is None


@pytest.mark.parametrize(
    ("ref", "alt", "around", "expected"),
    [
        ("A", "G", "CAAAAAAACG", ["SNP"]),
        ("AC", "GT", "CACGT", ["several bases for as many"]),
        ("A", "ACG", "TACGTACGTA", ["insertion of 1-5 bp"]),
        ("ACGTACG", "A", "TACGTACGTA", ["deletion of 6-15 bp"]),
        ("A" + "CG" * 8, "A", "TACGCGCGCG", ["deletion of over 15 bp"]),
        ("G", "GA", "CGAAAAAAGT", ["insertion of 1-5 bp", "indel within 2 bp of a homopolymer of 6 bp and more"]),
        ("G", "GA", "CGAAAAAGTC", ["insertion of 1-5 bp"]),
    ],
)
def test_classes_of_records(ref: str, alt: str, around: str, expected: list[str]) -> None:
    assert classes.classes_of(ref, alt, around) == expected


def test_figures_of_counts() -> None:
    row = classes.figures({"TP": 8, "FN": 2, "FP": 1, "query_tp": 9})
    assert (row.recall, row.precision) == (0.8, 0.9)
    assert row.f1 == pytest.approx(2 * 0.72 / 1.7)
    assert classes.figures({}) == aardvark.Row(0, 0, 0, 0, None, None)


def test_alleles_read_the_same_beside_others_and_alone() -> None:
    assert agreed_regions.trimmed("ACTCT", "ACT") == ("ACT", "A")
    assert agreed_regions.trimmed("A", "G") == ("A", "G")


def test_agreed_regions_are_without_missing_alleles_and_a_base_on_both_sides() -> None:
    missing = [(100, "A", "G"), (101, "AC", "A"), (500, "T", "C"), (899, "G", "C")]
    assert agreed_regions.without([(0, 200), (400, 450), (490, 900)], missing) == [(0, 99), (104, 200), (400, 450), (490, 499), (502, 898)]
    assert agreed_regions.without([(5, 10)], []) == [(5, 10)]


def test_genotypes_of_lines() -> None:
    lines = "10\tA\tG\t0/1\t30\n10\tA\tT\t0/0\t30\n20\tC\tCA\t1|1\t7\n"
    assert calibration.parsed(lines) == {(10, "A", "G"): (1, 30), (10, "A", "T"): (0, 30), (20, "C", "CA"): (2, 7)}


def test_bins_count_wrong_genotypes_in_confident_regions() -> None:
    called = {(1, "A", "G"): (1, 30), (2, "A", "G"): (1, 39), (3, "A", "G"): (0, 10), (9, "A", "G"): (1, 10), (4, "A", "G"): (2, 10)}
    truth = {(1, "A", "G"): (1, 0), (4, "A", "G"): (1, 0)}
    low, high = calibration.binned(called, truth, [(0, 4)])
    assert (low.low, low.genotypes, low.wrong) == (10, 2, 1)
    assert low.promised == pytest.approx(0.2)
    assert low.observed == pytest.approx(3.01, abs=0.01)
    assert low.mean == pytest.approx(10)
    assert (high.low, high.genotypes, high.wrong) == (30, 2, 1)


def test_confident_intervals_are_half_open_from_0() -> None:
    called = {(position, "A", "G"): (0, 50) for position in (1, 2, 3, 4)}
    [row] = calibration.binned(called, {}, [(1, 3)])
    assert row.genotypes == 2
    assert calibration.binned({(1, "A", "G"): (0, 50), (4, "A", "G"): (0, 50)}, {}, [(1, 3)]) == []


def test_a_bin_without_wrong_genotypes_says_over() -> None:
    assert calibration.Bin(20, 25, 100, 0, 0.5).line() == "| 20-24 | 100 | 0 | 0.5 | over 23.0 |"


def test_bins_of_sets_are_added() -> None:
    first = [calibration.Bin(0, 5, 3, 1, 1.5), calibration.Bin(20, 25, 100, 0, 0.5)]
    both = calibration.pooled([first, [calibration.Bin(10, 15, 4, 1, 0.2), calibration.Bin(20, 25, 50, 2, 0.25)]])
    assert both == [calibration.Bin(0, 5, 3, 1, 1.5), calibration.Bin(10, 15, 4, 1, 0.2), calibration.Bin(20, 25, 150, 2, 0.75)]


def test_every_gq_has_one_bin() -> None:
    for quality in range(100):
        assert sum(low <= quality < high for low, high in calibration.BINS) == 1


def test_differences_of_sequences() -> None:
    lines = [
        "q\t9\t0\t9\t+\tt\t1000\t0\t9\t9\t9\t60\ttp:A:P\tcs:Z::5*ag:3+acg:2-tt*ct",
        "q\t9\t0\t9\t+\tt\t1000\t0\t9\t9\t9\t60\tcs:Z::9-a",
    ]
    found = consensus.differences("\n".join(lines))
    assert found == consensus.Differences(2, [3], [2, 1], 1000)
    assert found.line("reference") == "| reference | 2 | 1 (3) | 2 (3) | 1,000 |"


def test_unphased_genotypes_rise() -> None:
    assert consensus.unphased("c\t5\t.\tA\tG,T\t.\t.\t.\tGT\t2|1") == "c\t5\t.\tA\tG,T\t.\t.\t.\tGT\t1/2"
    assert consensus.unphased("##x\t2|1") == "##x\t2|1"


def test_candidate_recall_reads_what_explain_says() -> None:
    log = "varpix: SNPs: 990 of 1000 are candidates (0.9900)\nvarpix: indels: 199 of 200 are candidates (0.9950)\n"
    found = candidate_recall.parsed(log)
    assert found == {"SNPs": (990, 1000, "0.9900"), "indels": (199, 200, "0.9950")}
    assert candidate_recall.under(found) == ["SNPs"]


def test_networks_are_parsed_and_shown() -> None:
    variant = compare_networks.Variant.parse("64x221:pileup_net_wide:7")
    assert variant == compare_networks.Variant(64, 221, "pileup_net_wide", 7)
    assert compare_networks.Variant.parse("40x147:pileup_net").seed == 31
    measured = {"image_f1_snp": 0.9, "image_f1_indel": 0.8, "image_f1": 0.85, "tune_loss": 0.1}
    log = "varpix: images       300  in 9 batches\nvarpix:   classifier: run     1.50s\n"
    line = compare_networks.line(variant, {"measured": measured, "training": {"kept_images": 99}}, 2_000_000, log)
    assert line == "| 64x221 | pileup_net_wide | 7 | 2.0 M | 99 | 0.9000 | 0.8000 | 0.8500 | 0.1000 | 200 |"

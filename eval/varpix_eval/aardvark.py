"""aardvark, the comparison of VCFs: installed, run on a truth and calls, and its summary.tsv read into rows."""

from __future__ import annotations

import csv
import dataclasses
import pathlib
import shutil

from .project import CACHE, Path, checked, fail, say

VERSION = "1.1.0"
PROGRAM = CACHE / "tools/bin/aardvark"
KINDS = {"Snv": "SNP", "JointIndel": "INDEL"}
TOOLS = {"bcftools": "bcftools", "samtools": "samtools", "tabix": "tabix"}


@dataclasses.dataclass(frozen=True)
class Row:
    """Variants of one type counted, and figures of them; None where there is nothing to count."""

    tp: int = 0
    fn: int = 0
    fp: int = 0
    query_tp: int = 0
    fn_genotype: int | None = 0
    fp_genotype: int | None = 0
    recall: float | None = None
    precision: float | None = None
    f1: float | None = None

    def json(self) -> dict[str, int | float | None]:
        row = dataclasses.asdict(self)
        # Rows by class of variant do not know of wrong genotypes.
        return {key: value for key, value in row.items() if value is not None or not key.endswith("genotype")}

    def figures(self) -> dict[str, int | float | None]:
        """Without what aardvark alone counts."""
        return {key: value for key, value in self.json().items() if key in ("tp", "fn", "fp", "recall", "precision", "f1")}


Rows = dict[str, Row]  # by type


def install(command: str) -> None:
    """Builds aardvark into .cache/tools, unless it is there."""
    if PROGRAM.exists():
        return
    if not shutil.which("cargo"):
        fail(command, "cargo is missing; install a Rust toolchain")
    if not shutil.which("cc"):
        fail(command, "cc is missing; install Debian's gcc")
    say(command, f"building aardvark-bio {VERSION} (once, some minutes)")
    checked(command, "cargo", "install", "aardvark-bio", "--version", VERSION, "--locked", "--quiet", "--root", CACHE / "tools")


def indexed_vcf(command: str, source: Path, target: pathlib.Path, *options: str) -> pathlib.Path:
    """A bgzipped, indexed copy at target."""
    checked(command, "bcftools", "view", "--no-version", *options, "-Oz", "-o", target, source)
    checked(command, "tabix", "-f", "-p", "vcf", target)
    return target


def has_index(vcf: Path) -> bool:
    return any(pathlib.Path(f"{vcf}{suffix}").exists() for suffix in (".tbi", ".csi"))


def compare(command: str, ref: Path, truth: Path, calls: Path, confident: Path, out: pathlib.Path, *options: object) -> dict[str, Rows]:
    """Runs aardvark on indexed VCFs; its rows by region, and its files in the folder out."""
    checked(command, PROGRAM, "compare", "-r", ref, "-t", truth, "-q", calls, "-b", confident, "-o", out, *options)
    return summary(out / "summary.tsv")


def number(text: str) -> float | None:
    return float(text) if text else None


def summary(path: Path) -> dict[str, Rows]:
    """The rows of a summary.tsv, comparison GT, for each of its regions."""
    regions: dict[str, Rows] = {"ALL": {kind: Row() for kind in KINDS.values()}}
    with open(path) as table:
        for row in csv.DictReader(table, delimiter="\t"):
            if row["comparison"] != "GT" or row["variant_type"] not in KINDS:
                continue
            fn, fp, f1 = int(row["truth_fn"]), int(row["query_fp"]), number(row["metric_f1"])
            # Nothing right of something there is an F1 of 0, which aardvark leaves empty.
            if f1 is None and fn + fp:
                f1 = 0.0
            of_region = regions.setdefault(row["region_label"], {kind: Row() for kind in KINDS.values()})
            of_region[KINDS[row["variant_type"]]] = Row(
                tp=int(row["truth_tp"]),
                fn=fn,
                fp=fp,
                query_tp=int(row["query_tp"]),
                fn_genotype=int(row["truth_fn_gt"]),
                fp_genotype=int(row["query_fp_gt"]),
                recall=number(row["metric_recall"]),
                precision=number(row["metric_precision"]),
                f1=f1,
            )
    return regions


HEAD = ["| caller | type | TP | FN | FP | recall | precision | F1 |", "|---|---|---|---|---|---|---|---|"]


def shown(value: float | None, digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def line(name: str, kind: str, row: Row) -> str:
    """A row of the Markdown table under HEAD."""
    return f"| {name} | {kind} | {row.tp} | {row.fn} | {row.fp} | {shown(row.recall)} | {shown(row.precision)} | {shown(row.f1)} |"

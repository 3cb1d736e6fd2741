"""Calls judged: from a VCF and the truth to rows by stratum and type, and the curve of precision against recall."""

from __future__ import annotations

import argparse
import csv
import pathlib
import shutil
import subprocess
from collections.abc import Iterable, Iterator

from .. import aardvark, project
from ..aardvark import Row, Rows
from .regions import restricted

NAME = "benchmark-giab"
Judged = tuple[float, bool]  # QUAL, and whether the call is right
Point = tuple[float, float, float]  # recall, precision, QUAL


def judge(args: argparse.Namespace, folder: pathlib.Path) -> tuple[dict[str, Rows], dict[str, list[Judged]]]:
    """Rows by stratum, and the judged alleles by type."""
    calls = aardvark.indexed_vcf(NAME, args.out / "calls.vcf.gz", folder / "passed.vcf.gz", "-f", ".,PASS")
    truth = args.truth
    if not aardvark.has_index(truth):
        truth = aardvark.indexed_vcf(NAME, truth, folder / "truth.vcf.gz")
    contigs = [args.chrom] if args.chrom else None
    confident = restricted(NAME, args.confident, contigs, folder / "confident.bed")
    options: list[object] = []
    if args.strata:
        names = []
        for i, spec in enumerate(args.strata):
            name, _, bed = spec.partition("=")
            restricted(NAME, bed, contigs, folder / f"stratum-{i}.bed")
            names.append(f"{name}\tstratum-{i}.bed\n")
        (folder / "strata.tsv").write_text("".join(names))
        options = ["-s", folder / "strata.tsv"]
    tables = aardvark.compare(NAME, args.ref, truth, calls, confident, folder / "out", *options)
    return tables, decisions(calls, folder / "out/query.vcf.gz")


def query(vcf: project.Path, fields: str) -> Iterator[list[str]]:
    for line in project.output("bcftools", "query", "-f", fields, vcf).splitlines():
        yield line.split("\t")


def decisions(calls: project.Path, judged: project.Path) -> dict[str, list[Judged]]:
    """QUAL and rightness of each judged allele, by type; aardvark drops QUAL and trims alleles, so a call is found by the bases it covers."""
    by_start: dict[tuple[str, int], float] = {}
    covering: dict[tuple[str, int], float] = {}
    for contig, position, reference, quality in query(calls, "%CHROM\t%POS\t%REF\t%QUAL\n"):
        by_start[contig, int(position)] = float(quality)
        for base in range(int(position), int(position) + len(reference)):
            covering.setdefault((contig, base), float(quality))
    found: dict[str, list[Judged]] = {"SNP": [], "INDEL": []}
    for contig, position, reference, alternative, decision in query(judged, "%CHROM\t%POS\t%REF\t%ALT\t[%BD]\n"):
        place = contig, int(position)
        found_at = by_start.get(place, covering.get(place))
        if found_at is None:
            project.fail(NAME, f"{judged}: {contig}:{position} is no call of {calls}")
        kind = "SNP" if len(reference) == len(alternative) == 1 else "INDEL"
        found[kind].append((found_at, decision == "TP"))
    return found


def curve(judged: Iterable[Judged], recall: float) -> list[Point]:
    """(recall, precision, QUAL) at each QUAL, highest first; recall is the final one times the share of right calls that are kept."""
    falling = sorted(judged, reverse=True)
    right_in_all = sum(right for _, right in falling)
    points: list[Point] = []
    right = 0
    for i, (quality, is_right) in enumerate(falling, 1):
        right += is_right
        if i == len(falling) or falling[i][0] < quality:
            points.append((recall * right / max(right_in_all, 1), right / i, quality))
    return points


def happy(args: argparse.Namespace, folder: pathlib.Path) -> Rows | None:
    """Figures of hap.py by type, or None where it is not installed."""
    program = shutil.which("hap.py")
    if not program:
        return None
    project.say(NAME, "evaluating with hap.py")
    command = [
        program,
        args.truth,
        args.out / "calls.vcf.gz",
        "-f",
        folder / "confident.bed",
        "-r",
        args.ref,
        "-o",
        args.out / "happy",
        "--engine=vcfeval",
        "--pass-only",
    ] + (["-l", args.chrom] if args.chrom else [])
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True)
    if done.returncode:
        project.fail(NAME, "hap.py failed: " + (done.stderr.strip().splitlines() or ["no word"])[-1])
    return happy_summary(args.out / "happy.summary.csv")


def happy_summary(path: project.Path) -> Rows:
    """The rows of hap.py's summary.csv that count what passes filters."""
    with open(path) as table:
        rows = [row for row in csv.DictReader(table) if row["Filter"] == "PASS"]
    return {
        row["Type"]: Row(
            tp=int(row["TRUTH.TP"]),
            fn=int(row["TRUTH.FN"]),
            fp=int(row["QUERY.FP"]),
            recall=float(row["METRIC.Recall"]),
            precision=float(row["METRIC.Precision"]),
            f1=float(row["METRIC.F1_Score"]),
        )
        for row in rows
    }

"""Calls against truth, haplotype-aware, with aardvark: a Markdown table of SNP and indel precision, recall and F1.

In:  reference (FASTA, plain or bgzipped), truth VCF, confident BED, and one or more call sets (VCF, plain or bgzipped, or
     BCF); of the calls, the records with FILTER PASS or '.' count. What has no index is indexed in a temporary copy.
Out: the table on stdout (and in --out); --json FILE for programs.

  scripts/eval evaluate --ref ref.fa --truth truth.vcf.gz --confident confident.bed --calls a.vcf.gz --name varpix

Numbers are those of aardvark's summary.tsv, comparison GT, region ALL, rows Snv and JointIndel (insertions, deletions and
what is both), and are read the same way for every caller:

  TP, FN             truth_tp, truth_fn: truth variants found with their genotype, and the others
  FP                 query_fp: calls with an allele too many
  recall             metric_recall = truth_tp / (truth_tp + truth_fn)
  precision          metric_precision = query_tp / (query_tp + query_fp)
  F1                 metric_f1, of these two

query_tp counts calls and truth_tp truth variants, so precision is not always TP / (TP + FP). GT is strict on one side only:
a homozygous variant called heterozygous is a FN (also in truth_fn_gt) but its call is a TP, no FP; a heterozygous one called
homozygous is a FP (also in query_fp_gt) and its truth a TP. Tools that count such calls on both sides give lower figures.
--json has all of these columns, with the number null where there is nothing to count.

--by-class adds a row for each class of variant that there is: SNPs, insertions and deletions by length, indels in homopolymers
of 6 bp or more, sites with two alternative alleles. They come from the VCFs that aardvark labels TP, FN and FP; recall and
precision are of records there (TP / (TP + FN) of the truth's, TP / (TP + FP) of the calls').

aardvark (crates.io: aardvark-bio) is built into .cache/tools the first time: that needs cargo and Debian's gcc. Also needs
Debian's bcftools, samtools and tabix.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Sequence

from .. import aardvark, project
from ..aardvark import Rows
from ..classes import by_class

NAME = "evaluate"


@dataclasses.dataclass(frozen=True)
class Truth:
    """What calls are compared with; the VCF has an index."""

    ref: str
    vcf: str
    confident: str


def compared(truth: Truth, calls: str, folder: pathlib.Path, classes: bool) -> Rows:
    """Rows of one call set, by type of variant."""
    passed = aardvark.indexed_vcf(NAME, calls, folder / "passed.vcf.gz", "-f", ".,PASS")
    out = folder / "out"
    rows = aardvark.compare(NAME, truth.ref, truth.vcf, passed, truth.confident, out)["ALL"]
    if classes:
        rows |= {kind: row for kind, row in by_class(truth.ref, truth.vcf, passed, out).items() if kind != "SNP"}
    return rows


def evaluate(truth: Truth, calls: dict[str, str], classes: bool = False) -> dict[str, Rows]:
    """Rows of each call set (name: VCF)."""
    for path in (truth.ref, truth.vcf, truth.confident, *calls.values()):
        if not pathlib.Path(path).is_file():
            project.fail(NAME, f"{path} is not there")
    project.need(NAME, aardvark.TOOLS)
    aardvark.install(NAME)
    results = {}
    with tempfile.TemporaryDirectory() as name:
        shared = pathlib.Path(name)
        if not aardvark.has_index(truth.vcf):
            truth = dataclasses.replace(truth, vcf=str(aardvark.indexed_vcf(NAME, truth.vcf, shared / "truth.vcf.gz")))
        for i, (caller, vcf) in enumerate(calls.items()):
            folder = shared / str(i)
            folder.mkdir()
            results[caller] = compared(truth, vcf, folder, classes)
    return results


def lines(results: dict[str, Rows]) -> list[str]:
    """Of a Markdown table, without its head."""
    return [aardvark.line(caller, kind, row) for caller, rows in results.items() for kind, row in rows.items()]


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--ref", required=True, help="FASTA, plain or bgzipped")
    parser.add_argument("--truth", required=True, help="VCF")
    parser.add_argument("--confident", required=True, help="BED of the regions where the truth is complete")
    parser.add_argument("--calls", required=True, action="append", help="VCF to judge; may be given several times")
    parser.add_argument("--name", action="append", default=[], help="its name in the table, in the order of --calls")
    parser.add_argument("--out", help="also write the table to this file")
    parser.add_argument("--by-class", action="store_true", help="also a row for each class of variant")
    parser.add_argument("--json", help="also write the numbers to this file")
    args = parser.parse_args(argv)
    if len(args.name) not in (0, len(args.calls)):
        project.fail(NAME, "give as many --name as --calls, or none")
    names = args.name or [pathlib.Path(calls).name for calls in args.calls]
    if len(set(names)) < len(names):
        project.fail(NAME, "two call sets have the same name; give --name")
    results = evaluate(Truth(args.ref, args.truth, args.confident), dict(zip(names, args.calls)), args.by_class)
    table = "\n".join([*aardvark.HEAD, *lines(results)]) + "\n"
    print(table, end="")
    if args.out:
        pathlib.Path(args.out).write_text(table)
    if args.json:
        numbers = {caller: {kind: row.json() for kind, row in rows.items()} for caller, rows in results.items()}
        pathlib.Path(args.json).write_text(json.dumps(numbers, indent=1) + "\n")

"""Classes of variants: from the VCFs that aardvark labels TP, FN and FP to rows by type, length and place of a variant."""

from __future__ import annotations

import collections
import pathlib
import re

from .aardvark import Row, Rows
from .project import Path, output

HOMOPOLYMER = 6  # bp, shortest


def classes_of(ref: str, alt: str, around: str) -> list[str]:
    """The classes of a record of one alternative; `around` is the reference from the base before its first to 8 behind that."""
    length = len(alt) - len(ref)
    if length == 0:
        return ["SNP"] if len(ref) == 1 else ["several bases for as many"]
    size = abs(length)
    span = " 1-5" if size <= 5 else " 6-15" if size <= 15 else " over 15"
    found = [f"{'insertion' if length > 0 else 'deletion'} of{span} bp"]
    if max(len(m.group()) for m in re.finditer(r"(.)\1*", around)) >= HOMOPOLYMER:
        found.append("indel within 2 bp of a homopolymer of 6 bp and more")
    return found


def figures(counts: dict[str, int]) -> Row:
    """Recall and precision of TP, FN, FP and query_tp."""
    tp, fn, fp, query_tp = (counts.get(key, 0) for key in ("TP", "FN", "FP", "query_tp"))
    recall = tp / (tp + fn) if tp + fn else None
    precision = query_tp / (query_tp + fp) if query_tp + fp else None
    f1 = 2 * recall * precision / (recall + precision) if recall and precision else None
    return Row(tp, fn, fp, query_tp, None, None, recall, precision, f1)


def by_class(ref: Path, truth: Path, calls: Path, out: pathlib.Path) -> Rows:
    """Rows by class of variant, of aardvark's labelled VCFs in the folder out; these have split the sites of several alternatives."""
    sequences: dict[str, str] = {}
    counts: dict[str, dict[str, int]] = collections.defaultdict(lambda: collections.defaultdict(int))
    for name, wrong, right, source in (("truth.vcf.gz", "FN", "TP", truth), ("query.vcf.gz", "FP", "query_tp", calls)):
        several = set(output("bcftools", "query", "-i", "N_ALT>1", "-f", "%CHROM\t%POS\n", source).splitlines())
        for record in output("bcftools", "query", "-f", "%CHROM\t%POS\t%REF\t%ALT[\t%BD]\n", out / name).splitlines():
            contig, position, allele, alt, decision = record.split("\t")
            if contig not in sequences:
                sequences[contig] = "".join(output("samtools", "faidx", ref, contig).split("\n")[1:]).upper()
            at = int(position) - 1
            # The homopolymer that an indel lengthens or shortens begins after its first base.
            kinds = classes_of(allele, alt, sequences[contig][at - 1 : at + 9])
            if f"{contig}\t{position}" in several:
                kinds.append("at a site of two alternatives")
            for kind in kinds:
                counts[kind][wrong if decision == wrong else right if decision == "TP" else "other"] += 1
    return {kind: figures(n) for kind, n in sorted(counts.items())}

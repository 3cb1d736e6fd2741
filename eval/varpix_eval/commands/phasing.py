"""Phases beside those of WhatsHap: switch errors against a phased truth, lengths of phase sets, haplotypes of reads.

In:  reference, reads, phased truth VCF (GT 0|1), region; the program calls the region with --phase and --haplotagged-bam.
Out: a Markdown table on stdout.

  scripts/eval phasing --ref 20.fa --reads a.bam --truth a.truth.vcf.gz --region 20:45000001-47000000

WhatsHap phases the same calls, with their phases taken away, by the same reads; `whatshap compare` counts pairs of neighbouring heterozygous
variants in a phase set of both, the calls and the truth, and among these switches and flips; `whatshap haplotag` assigns reads by our phases. WhatsHap comes from PyPI
(.cache/whatshap). Needs Debian's samtools and bcftools.
"""

from __future__ import annotations

import csv
import dataclasses
import pathlib
import re
import tempfile
from collections.abc import Sequence

from .. import environments, project

NAME = "phasing"
Haplotype = tuple[str, str]  # HP and PS


@dataclasses.dataclass
class Figures:
    """Of one phasing."""

    heterozygous: int = 0
    phased: int = 0
    sets: int = 0
    length: int = 0  # summed over the sets, in bp
    half: int = 0  # N50 of the sets, in bp
    pairs: int = 0  # pairs of neighbours in a set of both, calls and truth
    switches: int = 0
    flips: int = 0

    def line(self, name: str) -> str:
        errors = f"{self.pairs} | {self.switches} | {self.flips}" if self.pairs else "- | - | -"
        return f"| {name} | {self.heterozygous} | {self.phased} | {self.sets} | {self.length:,} | {self.half:,} | {errors} |"


def n50(lengths: Sequence[int]) -> int:
    """The length such that sets at least as long hold half of the bp of all."""
    rest = sum(lengths) / 2
    for length in sorted(lengths, reverse=True):
        rest -= length
        if rest <= 0:
            return length
    return 0


def set_lengths(query: str) -> dict[tuple[str, str], int]:
    """Lengths of phase sets from lines of contig, position, GT and PS."""
    ends: dict[tuple[str, str], tuple[int, int]] = {}
    for line in query.splitlines():
        contig, position, genotype, phase_set = line.split("\t")
        if "|" in genotype and phase_set != ".":
            first, _ = ends.get((contig, phase_set), (int(position), 0))
            ends[contig, phase_set] = (first, int(position))
    return {key: last - first + 1 for key, (first, last) in ends.items()}


def measured(whatshap: pathlib.Path, truth: pathlib.Path, calls: pathlib.Path, folder: pathlib.Path) -> Figures:
    found = Figures()
    rows = project.output("bcftools", "query", "-i", 'GT="het"', "-f", "%CHROM\t%POS[\t%GT\t%PS]\n", calls)
    lengths = list(set_lengths(rows).values())
    found.heterozygous = len(rows.splitlines())
    found.phased = sum("|" in line for line in rows.splitlines())
    found.sets, found.length, found.half = len(lengths), sum(lengths), n50(lengths)
    table = folder / "compare.tsv"
    project.checked(NAME, whatshap, "compare", "--ignore-sample-name", "--tsv-pairwise", table, truth, calls)
    with table.open() as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            found.pairs += int(row["all_assessed_pairs"])
            switches, flips = row["all_switchflips"].split("/")
            found.switches += int(switches)
            found.flips += int(flips)
    return found


def haplotypes(records: str) -> dict[tuple[str, ...], Haplotype]:
    """HP and PS by name, flags and position, from lines of SAM."""
    found: dict[tuple[str, ...], Haplotype] = {}
    for line in records.splitlines():
        fields = line.split("\t")
        tags = dict(re.findall(r"\t(HP|PS):i:(\d+)", line))
        found[fields[0], fields[1], fields[3]] = (tags.get("HP", ""), tags.get("PS", ""))
    return found


def agreement(ours: dict[tuple[str, ...], Haplotype], theirs: dict[tuple[str, ...], Haplotype]) -> tuple[int, int, int, int]:
    """Reads that both assign to a haplotype, those to the same, and those that only one assigns."""
    both = [key for key, (haplotype, _) in ours.items() if haplotype and theirs.get(key, ("", ""))[0]]
    same = sum(ours[key] == theirs[key] for key in both)
    tagged = [sum(bool(haplotype) for haplotype, _ in of.values()) for of in (ours, theirs)]
    return len(both), same, tagged[0] - len(both), tagged[1] - len(both)


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--ref", required=True)
    parser.add_argument("--reads", required=True)
    parser.add_argument("--truth", required=True, help="its phased heterozygous records are the truth")
    parser.add_argument("--region", required=True)
    parser.add_argument("--model", default="wgs", help="a model's name or folder")
    parser.add_argument("--varpix", default=None, help="the program [default: target/release/varpix, built if need be]")
    parser.add_argument(
        "--option", action="append", default=[], metavar="FLAG", help="a further flag of varpix call, such as --option=--no-small-model"
    )
    parser.add_argument("--keep", type=pathlib.Path, help="keep all files in this folder")
    args = parser.parse_args(argv)
    project.need(NAME, {"bcftools": "bcftools", "samtools": "samtools"})
    whatshap = environments.ensure("whatshap") / "bin/whatshap"
    if args.varpix is None:
        project.build()
    with tempfile.TemporaryDirectory() as name:
        folder = args.keep or pathlib.Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        names = ("calls.vcf.gz", "unphased.vcf", "whatshap.vcf.gz", "truth.vcf.gz", "calls.bam", "whatshap.bam")
        calls, unphased, other, truth, tagged, retagged = (folder / name for name in names)
        program = [args.varpix or project.VARPIX, "call", "--ref", args.ref, "--reads", args.reads, "--model", args.model, *args.option]
        project.checked(NAME, *program, "--regions", args.region, "--phase", "--haplotagged-bam", tagged, "--output-vcf", calls)
        project.checked(NAME, "bcftools", "view", "-r", args.region, "-Oz", "-o", truth, args.truth)
        unphased.write_text(project.output(whatshap, "unphase", calls))
        common = ["--reference", args.ref, "--ignore-read-groups"]
        project.checked(NAME, whatshap, "phase", *common, "-o", other, unphased, args.reads)
        project.checked(NAME, whatshap, "haplotag", *common, "-o", retagged, "--regions", args.region.replace(",", ""), calls, args.reads)
        print("| phases | heterozygous | phased | phase sets | bp in sets | N50 (bp) | pairs in truth | switches | flips |")
        print("|---|---|---|---|---|---|---|---|---|")
        print(measured(whatshap, truth, calls, folder).line("varpix --phase"))
        print(measured(whatshap, truth, other, folder).line("whatshap phase"))
        ours, theirs = (haplotypes(project.output("samtools", "view", bam)) for bam in (tagged, retagged))
        both, same, only_ours, only_theirs = agreement(ours, {key: theirs[key] for key in ours if key in theirs})
        print(
            f"\nReads: {both} have a haplotype from both, {same} the same; {only_ours} only here, {only_theirs} only from whatshap haplotag."
        )

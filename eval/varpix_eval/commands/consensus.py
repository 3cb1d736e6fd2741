"""Round trip: the sequences that `bcftools consensus` makes of the truth and of our calls, and how they differ.

In:  reference, reads, truth VCF, region; by default the set eval-clean of `scripts/eval training-data`.
Out: a Markdown table on stdout.

  scripts/eval consensus --ref 20.fa --reads a.bam --truth a.truth.vcf.gz --region 20:45000001-46000000

Two sequences of each: with the alternative allele at heterozygous sites (phase is not called, so all of them at once), and with the
reference there. Differences are counted in the alignment of the two (minimap2 --cs): bases exchanged, insertions, deletions.
Needs Debian's bcftools, samtools, tabix, minimap2.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import subprocess
import tempfile
from collections.abc import Sequence

from .. import project, sets

NAME = "consensus"
MODES = {"A": "alternative", "R": "reference"}


@dataclasses.dataclass
class Differences:
    """Of two sequences; insertions and deletions by their lengths."""

    exchanged: int = 0
    inserted: list[int] = dataclasses.field(default_factory=list)
    deleted: list[int] = dataclasses.field(default_factory=list)
    length: int = 0

    def line(self, name: str) -> str:
        inserted, deleted = (f"{len(bp)} ({sum(bp)})" for bp in (self.inserted, self.deleted))
        return f"| {name} | {self.exchanged} | {inserted} | {deleted} | {self.length:,} |"


def differences(paf: str) -> Differences:
    """Counted in lines of PAF with the cs tag; the length is the target's."""
    found = Differences()
    for line in paf.splitlines():
        fields = line.split("\t")
        found.length = int(fields[6])
        cs = next(field for field in fields if field.startswith("cs:Z:"))
        found.exchanged += cs.count("*")
        found.inserted += [len(bases) for bases in re.findall(r"\+([a-z]+)", cs)]
        found.deleted += [len(bases) for bases in re.findall(r"-([a-z]+)", cs)]
    return found


def unphased(line: str) -> str:
    """A record with the alleles of its genotypes in rising order, as callers write them, since phase is not called."""
    if line.startswith("#"):
        return line
    return re.sub(r"\t(\d+)[|/](\d+)", lambda m: "\t" + "/".join(sorted(m.groups(), key=int)), line)


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    clean = next(one for one in sets.load("wgs") if one.name == "eval-clean")
    parser.add_argument("--ref", default=clean.reference)
    parser.add_argument("--reads", default=clean.reads)
    parser.add_argument("--truth", default=clean.known)
    parser.add_argument("--region", default=clean.region)
    parser.add_argument("--model", default="wgs", help="a model's name or folder")
    args = parser.parse_args(argv)
    project.need(NAME, {"bcftools": "bcftools", "samtools": "samtools", "tabix": "tabix", "minimap2": "minimap2"})
    project.build()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        calls, truth, ref = folder / "calls.vcf.gz", folder / "truth.vcf.gz", folder / "ref.fa"
        call = [project.VARPIX, "call", "--ref", args.ref, "--reads", args.reads, "--regions", args.region, "--model", args.model]
        project.checked(NAME, *call, "--output-vcf", calls, "--only-pass")
        ref.write_text(project.output("samtools", "faidx", args.ref, args.region))
        records = project.output("bcftools", "view", args.truth).splitlines()
        subprocess.run(["bcftools", "view", "-Oz", "-o", truth], check=True, text=True, input="".join(unphased(r) + "\n" for r in records))
        project.checked(NAME, "tabix", "-p", "vcf", truth)
        print("| heterozygous sites as | bases exchanged | insertions (bp) | deletions (bp) | sequence of the truth (bp) |")
        print("|---|---|---|---|---|")
        for mode, title in MODES.items():
            sequences = []
            for vcf in (truth, calls):
                sequences.append(vcf.with_suffix(".fa"))
                sequence = subprocess.run(["bcftools", "consensus", "-H", mode, "-f", ref, vcf], check=True, capture_output=True).stdout
                sequences[-1].write_bytes(sequence)
            paf = project.pipeline(["minimap2", "-cx", "asm5", "--cs", *sequences])
            print(differences(paf).line(title))

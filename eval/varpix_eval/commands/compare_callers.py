"""varpix, bcftools and freebayes on the same reads, compared with truth as `scripts/eval evaluate` does: the tables of docs/results.md.

In:  reference (plain or bgzipped FASTA), reads, truth VCF, confident BED, region.
Out: a Markdown table on stdout.

  scripts/eval compare-callers --ref 20.fa --reads a.bam --truth a.truth.vcf.gz --confident a.confident.bed --regions 20:45000001-46000000

bcftools: mpileup | call -mv, defaults but for --config. freebayes: defaults, QUAL over 20. Needs Debian's bcftools, samtools, tabix and freebayes.
"""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from collections.abc import Sequence

from .. import aardvark, project
from . import evaluate

NAME = "compare-callers"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One set of reads with what is known of it."""

    ref: str
    reads: str
    truth: str
    confident: str
    regions: str
    model: str = "wgs"
    config: str = "illumina"
    by_class: bool = False


def compared(one: Comparison) -> list[str]:
    """Lines of the table, without its head."""
    project.need(NAME, {"freebayes": "freebayes", **aardvark.TOOLS})
    contig, start, end = project.interval(one.regions)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        calls = {caller: folder / f"{caller}.vcf.gz" for caller in ("varpix", "bcftools", "freebayes")}
        command = [project.VARPIX, "call", "--ref", one.ref, "--reads", one.reads, "--regions", one.regions, "--model", one.model]
        project.checked(NAME, *command, "--output-vcf", calls["varpix"])
        project.pipeline(
            ["bcftools", "mpileup", "-X", one.config, "-f", one.ref, "-r", one.regions, one.reads],
            ["bcftools", "call", "-mv", "-Oz", "-o", calls["bcftools"]],
        )
        plain = one.ref
        if one.ref.endswith(".gz"):
            # freebayes reads plain FASTA only.
            plain = str(folder / "ref.fa")
            with open(plain, "wb") as fasta:
                fasta.write(project.output("bgzip", "-dc", one.ref).encode())
            project.checked(NAME, "samtools", "faidx", plain)
        # freebayes counts from 0, the end left out.
        project.pipeline(
            ["freebayes", "-f", plain, "-r", f"{contig}:{start}-{end}", one.reads],
            ["bcftools", "view", "-i", "QUAL>20", "-Oz", "-o", calls["freebayes"]],
        )
        truth = evaluate.Truth(plain, one.truth, one.confident)
        return evaluate.lines(evaluate.evaluate(truth, {caller: str(vcf) for caller, vcf in calls.items()}, one.by_class))


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    for flag in ("--ref", "--reads", "--truth", "--confident", "--regions"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--model", default="wgs", help="a model's name or folder")
    parser.add_argument("--config", default="illumina", help="bcftools' settings for a platform, as pacbio-ccs (mpileup -X)")
    parser.add_argument("--by-class", action="store_true", help="also a row for each class of variant")
    lines = compared(Comparison(**vars(parser.parse_args(argv))))
    print("\n".join([*aardvark.HEAD, *lines]))

"""Outputs named as inputs: each name would destroy a file that the run reads or another output."""

from __future__ import annotations

import os

from .area import Area
from .world import World

AREA = Area()
fault, argued, edited = AREA.fault, AREA.argued, AREA.edited


argued("destroy-realigned", "--realigned-bam names the reads", 2, ["--realigned-bam", "reads.bam"], "reads.bam")
argued(
    "destroy-realigned-spelled",
    "--realigned-bam names the reads by another path",
    2,
    ["--realigned-bam", "../{folder}/./reads.bam"],
    "reads.bam",
)
argued("destroy-gvcf-vcf", "VCF and gVCF of one path", 2, ["--output-gvcf", "out.vcf"], "out.vcf")
argued("destroy-gvcf-spelled", "VCF and gVCF of one path, spelled otherwise", 2, ["--output-gvcf", "./out.vcf"], "out.vcf")


@fault("destroy-sites", "--output-vcf names the sites", 2, "sites.vcf")
def _(w: World) -> None:
    w.sites("chrA 11588 . TATACTTCCCC T")
    w.run("bgzip", "sites.vcf")
    w.extra[-1] = w.vcf = "sites.vcf.gz"


@fault("destroy-both-stdout", "VCF and gVCF both to standard output", 2, "output")
def _(w: World) -> None:
    w.vcf = "-"
    w.extra += ["--output-gvcf", "-"]


@fault("destroy-symlink", "the output is a link to the regions", 2, "out.vcf")
def _(w: World) -> None:
    w.write("x.bed", "chrA\t0\t1000\n")
    w.regions = ["x.bed"]
    (w / "out.vcf").symlink_to("x.bed")


@fault("destroy-hardlink", "the output is a hard link of the reference", 2, "out.vcf")
def _(w: World) -> None:
    os.link(w / "ref.fa", w / "out.vcf")


@fault("destroy-index", "the output's index would replace another output", 2, "out.vcf.gz")
def _(w: World) -> None:
    w.vcf = "out.vcf.gz"
    w.extra += ["--output-gvcf", "out.vcf.gz"]


edited(
    "destroy-dash-in-folder", "a folder before the - of standard output", 2, lambda w: ((w / "d").mkdir(), setattr(w, "vcf", "d/-")), "d/-"
)

"""Sites to genotype: VCF files that cannot be used."""

from __future__ import annotations

import os

from .area import Area
from .world import TESTDATA, World

AREA = Area()
fault, edited = AREA.fault, AREA.edited


SITE = "chrA 11588 . TATACTTCCCC T"
edited("sites-missing", "no sites", 3, lambda w: w.extra.extend(["--genotype-sites", "none.vcf"]), "none.vcf")
edited(
    "sites-text",
    "sites that are no VCF",
    3,
    lambda w: (w.write("s.vcf", "hello\n"), w.extra.extend(["--genotype-sites", "s.vcf"])),
    "s.vcf",
)
edited("sites-unsorted", "sites out of order", 3, lambda w: w.sites("chrA 20000 . A T", SITE), "sites.vcf")
edited("sites-contig", "a site on an unknown contig", 3, lambda w: w.sites("chrZ 20000 . A T"), "sites.vcf", "chrZ")
edited("sites-symbolic", "a symbolic allele", 3, lambda w: w.sites("chrA 11588 . T <DEL>"), "sites.vcf", "<DEL>")
edited("sites-ref", "a REF that is not the reference's", 3, lambda w: w.sites("chrA 11588 . GGGGG T"), "chrA:11588")
edited("sites-behind", "a site behind its contig's end", 3, lambda w: w.sites("chrA 129999 . AAAAA T"), "sites.vcf")
edited(
    "sites-fifo",
    "a FIFO without a writer as sites",
    3,
    lambda w: (os.mkfifo(w / "s.vcf"), w.extra.extend(["--genotype-sites", "s.vcf"])),
    "s.vcf",
)
edited(
    "sites-dry-run", "a dry run without its sites", 3, lambda w: w.extra.extend(["--dry-run", "--genotype-sites", "none.vcf"]), "none.vcf"
)


@fault("sites-long-ref", "a right REF of 20,001 bases", (0, 3), same=False)
def _(w: World) -> None:
    bases = "".join((TESTDATA / "ref.fa").read_text().split(">")[1].split("\n")[1:]).upper()
    w.sites(f"chrA 1001 . {bases[1000:21001]} {bases[1000]}")


@fault("sites-cut", "bgzipped sites cut short", 3, "sites.vcf.gz")
def _(w: World) -> None:
    w.sites(*[f"chrA {11588} . TATACTTCCCC T"] * 4000)
    w.run("bgzip", "sites.vcf")
    w.cut("sites.vcf.gz", 200)
    w.extra[-1] = "sites.vcf.gz"

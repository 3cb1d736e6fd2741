"""Where the public files of a sample lie: reads that Google publishes, truth of Genome in a Bottle, the reference."""

from __future__ import annotations

import argparse
import pathlib
import re
import subprocess

from .. import project
from .downloads import Store

REFERENCE = "https://storage.googleapis.com/genomics-public-data/references/GRCh38/GCA_000001405.15_GRCh38_no_alt_analysis_set.fna.gz"
GIAB = "https://ftp-trace.ncbi.nlm.nih.gov/giab/ftp/release"
PEOPLE = {
    "HG001": "NA12878_HG001",
    "HG002": "AshkenazimTrio/HG002_NA24385_son",
    "HG003": "AshkenazimTrio/HG003_NA24149_father",
    "HG004": "AshkenazimTrio/HG004_NA24143_mother",
    "HG005": "ChineseTrio/HG005_NA24631_son",
    "HG006": "ChineseTrio/HG006_NA24694_father",
    "HG007": "ChineseTrio/HG007_NA24695_mother",
}
CASE_STUDY = "https://storage.googleapis.com/deepvariant/case-study-testdata"
IN_CASE_STUDY = ("HG002", "HG003", "HG004")
# Baid et al. 2020, doi:10.1101/2020.12.11.422022.
DATASET = "https://storage.googleapis.com/brain-genomics-public/research/sequencing/grch38/bam/novaseq"
READS = re.compile(r"HG00[1-7]\.novaseq\.pcr-(free|plus)\.(\d+x)\.dedup\.grch38(_no_alt)?(\.chr20)?\.bam")


def reads(name: str) -> list[str]:
    """The addresses of a BAM and its index, by the BAM's name: of DeepVariant's case study where it is aligned without ALT contigs."""
    match = READS.fullmatch(name)
    if not match:
        raise ValueError(f"no public reads are named {name}")
    preparation, depth, without_alt, _ = match.groups()
    folder = CASE_STUDY if without_alt else f"{DATASET}/wgs_pcr_{preparation}/{depth}"
    return [f"{folder}/{name}", f"{folder}/{name}.bai"]


def truth(sample: str) -> list[str]:
    """The addresses of a sample's truth, GIAB v4.2.1 on GRCh38, and of its index."""
    return [f"{release(sample)}.vcf.gz", f"{release(sample)}.vcf.gz.tbi"]


def confident(sample: str) -> str:
    """The address of the regions where a sample's truth is complete."""
    # Those of the Ashkenazim trio leave out what is inconsistent in the family.
    suffix = "_noinconsistent.bed" if PEOPLE[sample].startswith("AshkenazimTrio") else ".bed"
    return release(sample) + suffix


def release(sample: str) -> str:
    return f"{GIAB}/{PEOPLE[sample]}/NISTv4.2.1/GRCh38/{sample}_GRCh38_1_22_v4.2.1_benchmark"


def reference(store: Store) -> pathlib.Path:
    """GRCh38 without ALT contigs as a FASTA with its index, fetched where it is missing."""
    packed = store.get(REFERENCE)
    # The public file is gzipped, not bgzipped.
    plain = packed.with_suffix("")
    if not plain.exists():
        project.say(store.command, f"unpacking {packed.name}")
        part = plain.with_name(plain.name + ".part")
        with open(part, "wb") as out:
            subprocess.run(["gzip", "-dc", packed], stdout=out, check=True)
        part.rename(plain)
    if not plain.with_name(plain.name + ".fai").exists():
        subprocess.run(["samtools", "faidx", plain], check=True)
    return plain


def fetch(store: Store, args: argparse.Namespace) -> None:
    """Fills in the paths of a benchmark that were not given: ref, reads, truth and confident."""
    if all((args.ref, args.reads, args.truth, args.confident)):
        return
    if args.sample not in IN_CASE_STUDY:
        which = ", ".join(IN_CASE_STUDY)
        project.fail(store.command, f"--sample {args.sample}: only {which} can be fetched; give --ref, --reads, --truth and --confident")
    if not args.ref:
        args.ref = reference(store)
    if not args.reads:
        chrom = ".chr20" if args.chrom == "chr20" else ""
        args.reads = store.get(*reads(f"{args.sample}.novaseq.pcr-free.35x.dedup.grch38_no_alt{chrom}.bam"))
    if not args.truth:
        args.truth = store.get(*truth(args.sample))
    if not args.confident:
        args.confident = store.get(confident(args.sample))

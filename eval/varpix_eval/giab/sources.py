"""Where the public files of a sample lie: reads of DeepVariant's case study, truth of Genome in a Bottle, the reference."""

from __future__ import annotations

import argparse
import subprocess

from .. import project
from .downloads import NAME, download, known_sums

GIAB = "https://ftp-trace.ncbi.nlm.nih.gov/giab/ftp/release/AshkenazimTrio"
PEOPLE = {"HG002": "HG002_NA24385_son", "HG003": "HG003_NA24149_father", "HG004": "HG004_NA24143_mother"}
CASE_STUDY = "https://storage.googleapis.com/deepvariant/case-study-testdata"
REFERENCE = "https://storage.googleapis.com/genomics-public-data/references/GRCh38/GCA_000001405.15_GRCh38_no_alt_analysis_set.fna.gz"


def fetch(args: argparse.Namespace) -> None:
    """Fills in the paths that were not given."""
    wanted = {}
    if not args.ref:
        wanted["ref"] = [REFERENCE]
    if not args.reads:
        chrom = ".chr20" if args.chrom == "chr20" else ""
        reads = f"{CASE_STUDY}/{args.sample}.novaseq.pcr-free.35x.dedup.grch38_no_alt{chrom}.bam"
        wanted["reads"] = [reads, reads + ".bai"]
    release = f"{GIAB}/{PEOPLE.get(args.sample)}/NISTv4.2.1/GRCh38/{args.sample}_GRCh38_1_22_v4.2.1_benchmark"
    if not args.truth:
        wanted["truth"] = [release + ".vcf.gz", release + ".vcf.gz.tbi"]
    if not args.confident:
        wanted["confident"] = [release + "_noinconsistent.bed"]
    if not wanted:
        return
    if args.sample not in PEOPLE:
        project.fail(NAME, f"--sample {args.sample}: only {', '.join(PEOPLE)} can be fetched; give --ref, --reads, --truth and --confident")
    args.data.mkdir(parents=True, exist_ok=True)
    known = known_sums(args.checksums) if args.checksums else {}
    for what, urls in wanted.items():
        for url in urls:
            if args.mirror:
                url = f"{args.mirror.rstrip('/')}/{url.rsplit('/', 1)[-1]}"
            download(url, args.data / url.rsplit("/", 1)[-1], known)
        setattr(args, what, args.data / urls[0].rsplit("/", 1)[-1])
    if "ref" in wanted:
        # The public file is gzipped, not bgzipped.
        plain = args.ref.with_suffix("")
        if not plain.exists():
            project.say(NAME, f"unpacking {args.ref.name}")
            with open(plain.with_name(plain.name + ".part"), "wb") as out:
                subprocess.run(["gzip", "-dc", args.ref], stdout=out, check=True)
            plain.with_name(plain.name + ".part").rename(plain)
        if not plain.with_name(plain.name + ".fai").exists():
            subprocess.run(["samtools", "faidx", plain], check=True)
        args.ref = plain

"""Calls a Genome in a Bottle sample and judges the calls, in one command.

  scripts/eval benchmark-giab --sample HG003 --chrom chr20 --threads 16
  scripts/eval benchmark-giab --sample HG001 --ref ref.fa --reads a.bam --truth truth.vcf.gz --confident confident.bed --strata homopolymer=hp.bed

In:  the sample. What is not given as a path is fetched into --data, once: the 35x NovaSeq PCR-free reads of DeepVariant's case study, GIAB's
     v4.2.1 truth and confident regions, the GRCh38 no-alt analysis set. Whole genome: about 50 GB; --chrom chr20: about 5 GB.
Out: in --out: calls.vcf.gz; results.md, a table by type and stratum beside DeepVariant's published figures, with run time, CPU time and
     memory; results.json, the same for programs; precision-recall.png, precision against recall as QUAL falls.

Evaluated with aardvark as scripts/eval evaluate does, and with hap.py where that is installed. Strata: --strata NAME=BED, as many as wanted, for
example GIAB's homopolymers, tandem repeats, or bins of depth; variants are counted in all strata that they lie in.

Downloads go on where they were cut off. They are checked against the checksums that the server tells (Google's storage: MD5 or CRC32C), and
against --checksums, a file as sha256sum writes it. Where neither knows a file its SHA-256 is kept beside it in SHA256SUMS, told in a
warning, and checked the next time. --mirror URL fetches all files from there by their names.

Installs matplotlib and google-crc32c from PyPI into .cache/benchmark. Needs Debian's samtools, bcftools and tabix.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time
from collections.abc import Sequence

from .. import aardvark, environments, project
from ..giab.downloads import Store, add_options
from ..giab.figures import NAME, curve, happy, judge
from ..giab.report import PUBLISHED, draw, report
from ..giab.sources import fetch


def call(args: argparse.Namespace) -> dict[str, float]:
    """Calls, and what that took: wall and CPU seconds, most memory in MB."""
    command = [
        args.varpix,
        "call",
        "--ref",
        args.ref,
        "--reads",
        args.reads,
        "--output-vcf",
        args.out / "calls.vcf.gz",
        "--model",
        args.model,
        "--device",
        args.device,
    ]
    if args.threads:
        command += ["--threads", str(args.threads)]
    if args.chrom:
        command += ["--regions", args.chrom]
    project.say(NAME, "calling (its log: calls.log)")
    started = time.monotonic()
    with open(args.out / "calls.log", "w") as log:
        process = subprocess.Popen([str(word) for word in command], stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        project.fail(NAME, "varpix failed: " + ((args.out / "calls.log").read_text().strip().splitlines() or ["no word"])[-1])
    return {
        "wall_s": round(time.monotonic() - started, 1),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "memory_mb": round(usage.ru_maxrss / 1024),
        "threads": args.threads or os.cpu_count() or 1,
    }


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--sample", required=True, help="HG002, HG003 or HG004; with four paths any name")
    parser.add_argument("--chrom", help="only this contig; chr20 has reads of its own to fetch")
    parser.add_argument("--threads", type=int, help="of varpix [default: all cores]")
    parser.add_argument("--model", default="wgs", help="a model's name or folder")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--ref", type=pathlib.Path, help="FASTA with its .fai")
    parser.add_argument("--reads", type=pathlib.Path, help="BAM or CRAM with its index")
    parser.add_argument("--truth", type=pathlib.Path, help="VCF")
    parser.add_argument("--confident", type=pathlib.Path, help="BED of the regions where the truth is complete")
    parser.add_argument(
        "--strata", action="append", default=[], metavar="NAME=BED", help="also count in these regions; may be given several times"
    )
    add_options(parser, pathlib.Path("giab-data"), "giab-data")
    parser.add_argument("--download-only", action="store_true", help="fetch and check, and nothing else")
    parser.add_argument("--varpix", type=pathlib.Path, default=project.VARPIX, help="the program [default: this checkout's]")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("giab-results"), help="[default: giab-results]")
    args = parser.parse_args(argv)
    for spec in args.strata:
        name, _, bed = spec.partition("=")
        if not name or not pathlib.Path(bed).is_file():
            project.fail(NAME, f"--strata {spec}: expected NAME=BED with a file that is there")
    for what in ("ref", "reads", "truth", "confident", "checksums"):
        path = getattr(args, what)
        if path and not pathlib.Path(path).is_file():
            project.fail(NAME, f"--{what} {path} is not there")
    return args


def main(argv: Sequence[str]) -> None:
    args = arguments(argv)
    environments.enter("benchmark", NAME, argv)
    project.need(NAME, aardvark.TOOLS)
    fetch(Store.of(NAME, args), args)
    if args.download_only:
        return
    if not args.varpix.exists():
        project.build()
    aardvark.install(NAME)
    args.out.mkdir(parents=True, exist_ok=True)
    version = project.output(args.varpix, "-V").strip()
    cost = call(args)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tables, judged = judge(args, folder)
        of_happy = happy(args, folder)
    published = PUBLISHED.get((args.sample, args.chrom))
    curves = {kind: curve(judged[kind], tables["ALL"][kind].recall or 0) for kind in judged if judged[kind]}
    if not curves:
        project.fail(NAME, "not one call lies in the confident regions; are reads, reference and truth of one genome?")
    draw(curves, published, f"{args.sample}, {args.chrom or 'all contigs'}", args.out / "precision-recall.png")
    table = report(args, version, tables, of_happy, published, cost)
    (args.out / "results.md").write_text(table)
    results = {
        "sample": args.sample,
        "chrom": args.chrom,
        "version": version,
        "aardvark": {stratum: {kind: row.json() for kind, row in rows.items()} for stratum, rows in tables.items()},
        "hap.py": None if of_happy is None else {kind: row.figures() for kind, row in of_happy.items()},
        "cost": cost,
        "curve": {kind: [{"recall": r, "precision": p, "qual": q} for r, p, q in points] for kind, points in curves.items()},
    }
    (args.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    print(table, end="")
    project.say(NAME, f"written: {args.out}/results.md, results.json, precision-recall.png, calls.vcf.gz")

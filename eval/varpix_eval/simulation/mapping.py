"""From FASTQ files to a sorted BAM, with qualities as asked for and primers clipped."""

from __future__ import annotations

import pathlib
import subprocess

from . import finish
from .known import write_bed
from .options import Options
from .plan import Plan


def align(options: Options, plan: Plan, fastq: list[pathlib.Path], prefix: str) -> None:
    """Two files of mates, or one with mates behind each other and single reads."""
    if options.aligner == "bwa" and not pathlib.Path(f"{options.ref}.bwt").exists():
        subprocess.run(["bwa", "index", options.ref], check=True, stderr=subprocess.DEVNULL)
    platform = "PACBIO\\tDS:READTYPE=CCS" if options.hifi else "ILLUMINA"
    group = f"@RG\\tID:{options.sample}\\tSM:{options.sample}\\tPL:{platform}"
    if options.aligner == "bwa":
        command: list[object] = ["bwa", "mem", "-t", options.threads, "-K", 10000000, "-v", 1, *(["-p"] if len(fastq) == 1 else [])]
    else:
        preset = "map-hifi" if options.hifi else "sr"
        command = ["minimap2", "-ax", preset, "-t", options.threads, "-K", "10M", "--secondary=no"]
    command += ["-R", group, options.ref, *fastq]
    with (
        subprocess.Popen([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as source,
        subprocess.Popen(
            ["samtools", "sort", "--no-PG", "-@", "1", "-m", "1G", "-o", f"{prefix}.bam", "-"],
            text=True,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as target,
    ):
        assert source.stdout, "it was asked for a pipe"
        assert target.stdin, "it was asked for a pipe"
        target.stdin.writelines(finish.finished(source.stdout, options.qualities, options.mapq, plan.most_mapq if plan.templates else None))
    if source.returncode or target.returncode:
        raise SystemExit(
            f"simulate: {prefix}: the reads cannot be aligned ({options.aligner} ended with {source.returncode}, samtools with {target.returncode})"
        )


def clip_primers(options: Options, plan: Plan, prefix: str, folder: pathlib.Path) -> None:
    """Out of the alignments, as pipelines for amplicons do."""
    rows = [
        (contig, *span, f"{i}{side}", 60, strand)
        for key, tiles in plan.tiles.items()
        for contig in [plan.regions[key][0]]
        for i, t in enumerate(tiles)
        for side, strand, span in (("L", "+", (t.start, t.start + t.left)), ("R", "-", (t.end - t.right, t.end)))
    ]
    write_bed(f"{prefix}.primers.bed", rows)
    if options.primers == "keep":
        return
    kept, whole = f"{prefix}.bam", folder / "whole.bam"
    pathlib.Path(kept).rename(whole)
    clip = f"samtools ampliconclip --no-PG --both-ends --strand --{options.primers}-clip -b '{prefix}.primers.bed' -u '{whole}' 2>/dev/null"
    fix = "samtools sort --no-PG -n -u - 2>/dev/null | samtools fixmate --no-PG -u - -"
    subprocess.run(["bash", "-o", "pipefail", "-c", f"{clip} | {fix} | samtools sort --no-PG -m 1G -o '{kept}' - 2>/dev/null"], check=True)

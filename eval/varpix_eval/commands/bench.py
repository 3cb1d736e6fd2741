"""Wall time, CPU time and memory of `varpix call` beside bcftools, freebayes and what reading alone costs, in one run.

  scripts/eval bench [--ref FASTA --reads BAM --regions REGION] [--threads N] [--runs N] [--against PROGRAM] [--option OPTION]...

Default: testdata/. Every program runs once unmeasured, then all in turn, --runs times. The table gives medians, and ratios to
varpix with their range: quote the ratios, the machine may be shared. --against adds another build of varpix, for example that of
the commit before; --option hands an option to varpix (and to that build), for example --option=--no-small-model.

bcftools is `mpileup | call -mv`, whose two processes may use two cores; CPU time is the sum of both. freebayes has one thread. The
floor is `samtools view -c` and `samtools depth`. What is not installed is left out, and said. After the table: where varpix' time
went, and how much faster --threads are than one, each on a core of its own and no other (taskset).
"""

from __future__ import annotations

import argparse
import pathlib
import shutil
import statistics
import tempfile
from collections.abc import Sequence

from .. import project
from ..timing import Cost, timed

NAME = "bench"
Runs = dict[str, list[Cost]]


def commands(args: argparse.Namespace, folder: str) -> dict[str, str]:
    """Lines of a shell, by the name of what they measure."""

    def call(program: project.Path, threads: int) -> str:
        where = f"--regions '{args.regions}'" if args.regions else ""
        # As many cores as threads, the network's included.
        return (
            f"taskset -c 0-{threads - 1} '{program}' call --ref '{args.ref}' --reads '{args.reads}' {where} --threads {threads} "
            f"--output-vcf '{folder}/a.vcf.gz' {' '.join(args.option)}"
        )

    region = f"-r '{args.regions}'" if args.regions else ""
    found = {"varpix": call(project.VARPIX, args.threads)}
    if args.against:
        found["other varpix"] = call(args.against, args.threads)
    if args.threads > 1:
        found["varpix, 1 core"] = call(project.VARPIX, 1)
    found["bcftools"] = f"bcftools mpileup -f '{args.ref}' {region} '{args.reads}' | bcftools call -mv -Oz -o '{folder}/b.vcf.gz'"
    if shutil.which("freebayes") and not args.ref.endswith(".gz"):
        # freebayes counts regions from 0, the end left out.
        zero = "-r '{}:{}-{}'".format(*project.interval(args.regions)) if args.regions else ""
        found["freebayes"] = f"freebayes -f '{args.ref}' {zero} '{args.reads}' > '{folder}/f.vcf'"
    else:
        project.say(NAME, "freebayes is left out (not installed, or the FASTA is compressed)")
    if shutil.which("samtools"):
        where = f"'{args.regions}'" if args.regions else ""
        found["samtools view -c"] = f"samtools view -c --reference '{args.ref}' '{args.reads}' {where}"
        found["samtools depth"] = f"samtools depth --reference '{args.ref}' {region} '{args.reads}' > '{folder}/depth'"
    return found


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Median and range of the ratios of runs that were made in turn."""
    each = sorted(a / max(b, 1e-9) for a, b in zip(ours, theirs))
    return f"{statistics.median(each):.2f} ({each[0]:.2f}-{each[-1]:.2f})"


def table(results: Runs) -> str:
    lines = ["| program | wall (s) | CPU (s) | peak memory (MiB) | varpix' wall / its | varpix' CPU / its |", "|---|---|---|---|---|---|"]
    ours = results["varpix"]
    for name, runs in results.items():
        wall, cpu, memory = (statistics.median(values) for values in zip(*((r.wall, r.cpu, r.memory) for r in runs)))
        ratios = [ratio([r.wall for r in ours], [r.wall for r in runs]), ratio([r.cpu for r in ours], [r.cpu for r in runs])]
        lines.append(f"| {name} | {wall:.2f} | {cpu:.2f} | {memory:.0f} | {ratios[0]} | {ratios[1]} |")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--ref", default=str(project.ROOT / "testdata/ref.fa"), help="FASTA; freebayes needs a plain one")
    parser.add_argument("--reads", default=str(project.ROOT / "testdata/reads.bam"), help="BAM or CRAM")
    parser.add_argument("--regions", help="contig:start-end, 1-based; all without")
    parser.add_argument("--threads", type=int, default=2, help="of varpix")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--against", help="another varpix program")
    parser.add_argument("--option", action="append", default=[], help="given to varpix")
    args = parser.parse_args(argv)
    project.need(NAME, {"bcftools": "bcftools"})
    project.build()
    with tempfile.TemporaryDirectory() as folder:
        lines = commands(args, folder)
        for line in lines.values():
            timed(NAME, line)
        results: Runs = {name: [] for name in lines}
        for _ in range(args.runs):
            for name, line in lines.items():
                results[name].append(timed(NAME, line))
        print(table(results))
        print(f"\n{args.runs} runs, {args.threads} threads")
        if args.threads > 1:
            pairs = zip(results["varpix, 1 core"], results["varpix"])
            speedup = statistics.median(one.wall / all_.wall for one, all_ in pairs)
            print(f"parallel efficiency, 1 to {args.threads} cores: {speedup / args.threads:.2f}")
        log = pathlib.Path(folder) / "log"
        timed(NAME, lines["varpix"], log)
        print(
            "\n" + "".join(line[8:] for line in log.read_text().splitlines(True) if line.startswith("varpix: ") and "written:" not in line)
        )

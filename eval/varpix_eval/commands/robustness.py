"""Calls of the same reads as other pipelines would have written them: what says nothing about the sample should change little.

In:  sets of eval/sets/judging.tsv, made where they are missing; alterations (default: all).
Out: a Markdown table on stdout: the reads as they are, then each alteration.

  scripts/eval robustness real
  scripts/eval robustness real hard-30 --alter tlen-0 --alter mapq-255

Alterations: single-end (no mates), tlen-0 (template lengths of 0), mapq-255 and mapq-42 (mapping qualities unknown, or at most 42),
quality-40 (one base quality for all), quality-90 (twice as high, up to 90), quality-bins (three levels, 23 at most), 4-times, 20-times and 60-times (so many copies of each read: great depth with the same alleles).
Needs Debian's samtools, bcftools and tabix.
"""

from __future__ import annotations

import pathlib
import subprocess
import tempfile
from collections.abc import Sequence

from .. import aardvark, project, sets
from ..reads.altered import ALTERATIONS, Alteration, altered
from . import evaluate
from .accuracy import prepared

NAME = "robustness"


def write(one: sets.ReadSet, alteration: Alteration, target: pathlib.Path) -> None:
    """The set's reads of its region, altered, as an indexed BAM."""
    view = subprocess.Popen(["samtools", "view", "-h", one.reads, one.region], text=True, stdout=subprocess.PIPE)
    pack = subprocess.Popen(["samtools", "view", "-b", "-o", target, "-"], text=True, stdin=subprocess.PIPE)
    assert view.stdout
    assert pack.stdin
    pack.stdin.writelines(altered(view.stdout, alteration))
    pack.stdin.close()
    if view.wait() or pack.wait():
        project.fail(NAME, f"samtools cannot alter {one.reads}")
    project.checked(NAME, "samtools", "index", target)


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="sets of judging.tsv")
    parser.add_argument("--alter", action="append", choices=ALTERATIONS, help="this alteration only; may be given several times")
    parser.add_argument("--model", default="wgs", help="a model's name or folder")
    args = parser.parse_args(argv)
    chosen = sets.judged(NAME, args.names)
    print("\n".join(["| set " + aardvark.HEAD[0], "|---" + aardvark.HEAD[1]]), flush=True)
    for one in chosen:
        prepared(one)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for kind in ["as they are", *(args.alter or ALTERATIONS)]:
                reads = pathlib.Path(one.reads)
                if kind in ALTERATIONS:
                    reads = folder / "reads.bam"
                    write(one, ALTERATIONS[kind], reads)
                calls = folder / "calls.vcf.gz"
                command = [project.VARPIX, "call", "--ref", one.reference, "--reads", reads, "--regions", one.region]
                project.checked(NAME, *command, "--model", args.model, "--output-vcf", calls)
                truth = evaluate.Truth(one.reference, one.known, one.confident)
                for line in evaluate.lines(evaluate.evaluate(truth, {kind: str(calls)})):
                    print(f"| {one.name} {line}", flush=True)

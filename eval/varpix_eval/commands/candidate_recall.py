"""How many truth alleles are among the candidates, with and without local realignment: `varpix explain` on simulated and on real reads.

In:  the sets clean-30, hard-30 and real of eval/sets/judging.tsv, made into .cache/sim the first time (5 minutes on 2 cores).
Out: a table, and every missed allele with its reason; fails under the targets with realignment on simulated reads.

Needs VARPIX_DATA (default ../shared/data) and what `scripts/eval training-data` needs.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

from .. import project, sets

NAME = "candidate-recall"
TITLES = {"clean-30": "simulated clean", "hard-30": "simulated hard", "real": "HG001"}
TARGETS = {"SNPs": 0.995, "indels": 0.99}  # on simulated reads, realigned
SUMMARY = re.compile(r"(SNPs|indels): (\d+) of (\d+) .*\(([0-9.]+)\)")
Found = dict[str, tuple[int, int, str]]  # by type: alleles found, all, and their share as it was printed


def parsed(log: str) -> Found:
    """What `varpix explain` says of all alleles."""
    return {m[1]: (int(m[2]), int(m[3]), m[4]) for m in SUMMARY.finditer(log)}


def explained(one: sets.ReadSet, *options: str) -> tuple[Found, list[str]]:
    """Counts by type, and lines on the missed alleles."""
    command: list[project.Path] = [project.VARPIX, "explain", "--ref", one.reference, "--reads", one.reads, "--variants", one.known]
    command += ["--confident", one.confident, "--regions", one.region, *options]
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode:
        project.fail(NAME, done.stderr.strip().splitlines()[-1])
    return parsed(done.stderr), done.stdout.splitlines()[1:]


def under(found: Found) -> list[str]:
    """The types that are under their target."""
    return [kind for kind, least in TARGETS.items() if float(found[kind][2]) < least]


def main(argv: Sequence[str]) -> None:
    project.parser(NAME, __doc__).parse_args(argv)
    chosen = sets.chosen(NAME, sets.load("judging"), TITLES)
    sets.references(NAME, sets.sources())
    sets.make(NAME, chosen)
    project.build()
    print("| reads | realigned | SNPs | | indels | |")
    print("|---|---|---|---|---|---|")
    missed = []
    for one in chosen:
        for realigned, options in (("no", ["--no-realign"]), ("yes", [])):
            found, lines = explained(one, *options)
            cells = " | ".join(f"{n} of {all_} | {share}" for n, all_, share in found.values())
            print(f"| {TITLES[one.name]} | {realigned} | {cells} |", flush=True)
            missed += [f"{TITLES[one.name]}, {realigned}: {line}" for line in lines]
        if not one.real and under(found):
            project.fail(NAME, f"{TITLES[one.name]} is under the target (SNPs {TARGETS['SNPs']}, indels {TARGETS['indels']})")
    print("\nMissed alleles (contig, position, REF, ALT, reads that show it, depth, reason, candidates close by):")
    print("\n".join(missed))

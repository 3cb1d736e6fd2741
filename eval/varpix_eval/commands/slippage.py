"""How often repeats have a false length in the reads of a BAM: by unit, copies and direction, and curves fitted to that.

In:  NAME=BAM,REF,REGION[+REGION...][,TRUTH.vcf.gz,CONFIDENT.bed] one or more. With a truth, tracts in the confident regions without a variant within
     10 bp are used, and the sample's length is the reference's; without one it is the one or two lengths that explain the fragments best.
Out: Markdown tables on stdout; with --json FILE the fitted libraries, as eval/varpix_eval/reads/libraries.json has them; with --plot FILE an SVG.

  scripts/eval slippage real=hg002.bam,20.fa,20:18783982-18855722 simulated=a.bam,20.fa,20:1-2000000,a.truth.vcf.gz,a.confident.bed

Each fragment votes once for the length of a tract (homopolymers of 5 bp and more; units of 2, 3, 4 bp from 8, 9, 12 bp) that a read of it
spans by 5 bp on both sides. Reads are of MAPQ 10 and more, primary, no duplicates. "Excess" is by how much the
false shares of tracts of the same kind differ beyond chance, as the standard deviation of a factor of the rate; "jackpots" are tracts of whose
fragments 15 % or more carry one false length where the curve makes that a chance of under 1 in 10,000. Needs samtools and bcftools; --plot installs
matplotlib from PyPI into .cache/benchmark.
"""

from __future__ import annotations

import collections
import json
import math
import pathlib
import subprocess
from collections.abc import Sequence

from .. import environments, project
from ..reads import libraries
from ..reads.libraries import FEWER, MORE
from ..reads.slippage import Measured, measure

NAME = "slippage"


def report(sets: list[Measured]) -> None:
    """Prints the tables."""
    columns = {1: (5, 6, 8, 10, 12, 14, 16, 18), 2: (4, 6, 8, 10, 12), 3: (3, 4, 6, 8), 4: (3, 4, 5, 6)}
    for unit, shown in columns.items():
        print(f"\n**Unit of {unit} bp**: share of fragments with fewer / more copies, fitted (A/T for one base)\n")
        print("| library |", " | ".join(f"{c} copies" for c in shown), "| tracts | fragments |")
        print("|---" * (len(shown) + 3) + "|")
        for one in sets:
            cells = [" / ".join(f"{one.library.curves[unit][way].rate(c, unit):.4f}" for way in (FEWER, MORE)) for c in shown]
            rows = [row for (u, strong, _), row in one.table.counts.items() if u == unit and not strong]
            number = sum(s.tract.unit == unit for s in one.seen)
            print(f"| {one.name} |", " | ".join(cells), f"| {number:,} | {sum(r[0] for r in rows):,} |")
    print(
        "\n| library | G/C against A/T, factor of odds: fewer / more (fragments) | one unit among slips | excess (SD of a factor) | jackpots | mates that agree |"
    )
    print("|---|---|---|---|---|---|")
    for one in sets:
        strong = sum(row[0] for (_, gc, _), row in one.table.counts.items() if gc)
        both = one.mates.agree + one.mates.differ
        print(
            f"| {one.name} | {math.exp(one.library.strong[0]):.2f} / {math.exp(one.library.strong[1]):.2f} ({strong:,}) | {one.library.step:.3f} | "
            f"{one.library.tract_sd:.2f} | {one.jackpots[0]} of {one.jackpots[1]:,} | {f'{one.mates.agree} of {both}' if both else ''} |"
        )


def plot(sets: list[Measured], path: str) -> None:
    """Units of 1 and 2 bp; points: shares seen, with Wilson intervals of 95 %; lines: fitted."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "varpix", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(2, 2, figsize=(8, 5.6), sharey=True)
    for column, unit in enumerate((1, 2)):
        for way in (FEWER, MORE):
            axes = grid[way][column]
            for i, one in enumerate(sets):
                sums: dict[int, list[int]] = collections.defaultdict(lambda: [0, 0])
                for (u, strong, c), row in one.table.counts.items():
                    if u == unit and not strong and c <= 24:
                        sums[c][0] += row[1 + way]
                        sums[c][1] += row[0]
                points = [(c, k, n) for c, (k, n) in sorted(sums.items()) if n >= 60 and k]
                if not points:
                    continue
                x = [c + 0.12 * (i - len(sets) / 2) for c, _, _ in points]
                y = [k / n for _, k, n in points]
                half = [1.96 * math.sqrt(p * (1 - p) / n + 0.96 / n / n) for p, (_, _, n) in zip(y, points)]
                axes.errorbar(
                    x, y, yerr=[[min(h, 0.9 * p) for h, p in zip(half, y)], half], fmt="o", ms=2.5, lw=0.6, color=f"C{i}", label=one.name
                )
                line = range(points[0][0], points[-1][0] + 1)
                axes.plot(line, [one.library.curves[unit][way].rate(c, unit) for c in line], lw=1, color=f"C{i}")
            axes.set(yscale="log", ylim=(2e-4, 0.5), title=f"unit of {unit} bp, {'fewer' if way == FEWER else 'more'} copies")
            axes.set_xlabel("copies in the sample" if way == MORE else "")
    grid[0][0].set_ylabel("share of fragments")
    grid[1][0].set_ylabel("share of fragments")
    grid[0][0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("sets", nargs="+", metavar="NAME=BAM,REF,REGIONS[,TRUTH,CONFIDENT]")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--plot", metavar="FILE")
    args = parser.parse_args(argv)
    if args.plot:
        environments.enter("benchmark", NAME, argv)
    try:
        sets = [measure(spec) for spec in args.sets]
    except (ValueError, OSError, subprocess.CalledProcessError) as error:
        project.fail(NAME, str(error))
    report(sets)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({one.name: libraries.to_json(one.library) for one in sets}, indent=1) + "\n")
    if args.plot:
        plot(sets, args.plot)

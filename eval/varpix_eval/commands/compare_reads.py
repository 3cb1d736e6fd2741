"""What reads look like, set beside set: to see how far simulated reads are from real ones.

In:  one or more NAME=BAM,REF,REGION[+REGION...][,VCF[,BED]] (known variants, the VCF's, and what lies outside the BED are left out; without
     a VCF, "-" or nothing in its place, positions where a fifth of the reads or more differ from the reference count as variants).
Out: Markdown tables on stdout and, with --plots PREFIX, PREFIX-{quality,cycle,homopolymer,mapq,insert,false-snps}.svg.

  scripts/eval compare-reads real=hg001.bam,hg19.fa.gz,chr20:10000001-10100000,truth.vcf.gz simulated=train-b.bam,20.fa,20:11000001-11200000,t.vcf.gz

Rates are of aligned bases of usable primary reads (MAPQ over 0, not duplicates). A false SNP allele is a base that two reads or more of MAPQ 10 and
base quality 10 and more show where the sample has none; without a VCF those of a fifth or more are not seen. Needs Debian's samtools and bcftools; --plots
installs matplotlib from PyPI into .cache/benchmark.
"""

from __future__ import annotations

import collections
import subprocess
from collections.abc import Callable, Sequence

from .. import environments, project
from ..reads.profile import SHARES, Profile, Table

NAME = "compare-reads"
SHOWN = [
    ("reads", "reads"),
    ("length", "mean read length"),
    ("mismatch", "mismatches per base"),
    ("high", "... at base quality 30 and more"),
    ("low", "bases of quality under 15"),
    ("n", "N per base"),
    ("clipped", "reads with a soft clip"),
    ("clip", "clipped bases"),
    ("insertion", "reads with an insertion"),
    ("deletion", "reads with a deletion"),
    ("dirty", "reads with 3 mismatches or more"),
    ("both", "mismatches that both mates show, per base that both read"),
    ("low_mapq", "reads of MAPQ under 50"),
    ("zero_mapq", "reads of MAPQ 0"),
    ("duplicate", "duplicates"),
    ("improper", "not properly paired"),
]


def plots(sets: list[Profile], prefix: str) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "varpix", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    def draw(what: str, title: str, x: str, y: str, curve: Callable[[Profile], dict[int, float]], log: bool) -> None:
        figure, axes = plt.subplots(figsize=(6, 3.2))
        for one in sets:
            points = sorted(curve(one).items())
            axes.plot([p for p, _ in points], [v for _, v in points], label=one.name, linewidth=1)
        axes.set(title=title, xlabel=x, ylabel=y, **({"yscale": "log"} if log else {}))
        axes.legend(fontsize=8)
        figure.tight_layout()
        figure.savefig(f"{prefix}-{what}.svg", metadata={"Date": None})
        plt.close(figure)

    figure, axes = plt.subplots(figsize=(6, 3.2))
    for i, one in enumerate(sets):
        at = [n + (i - len(sets) / 2 + 0.5) * 0.8 / len(sets) for n in range(len(SHARES))]
        axes.bar(at, [one.per_mb(share)[0] or 0.5 for share in SHARES], 0.8 / len(sets), label=one.name)
    axes.set(
        title="False SNP alleles",
        xlabel="share of the reads, up to",
        ylabel="per Mb",
        yscale="log",
        xticks=range(len(SHARES)),
        xticklabels=[f"{min(1, share):.0%}" for share in SHARES],
    )
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(f"{prefix}-false-snps.svg", metadata={"Date": None})
    plt.close(figure)

    def rate(table: Table, least: int) -> dict[int, float]:
        return {k: bad / seen for k, (seen, bad) in table.items() if seen >= least and bad}

    def share(table: collections.Counter[int]) -> dict[int, float]:
        return {k: v / table.total() for k, v in table.items()}

    draw("quality", "Mismatches by base quality", "base quality (Phred)", "share of bases", lambda s: rate(s.quality, 500), True)
    draw("cycle", "Mismatches by cycle", "cycle of the read", "share of bases", lambda s: rate(s.cycle, 500), True)
    draw(
        "homopolymer",
        "Indels at homopolymers",
        "length of the run (bp)",
        "indels per read over it",
        lambda s: rate(s.homopolymer, 200),
        True,
    )
    draw("mapq", "Mapping quality", "MAPQ", "share of reads", lambda s: share(s.mapq), True)
    draw("insert", "Template length", "bp (1,000: and more)", "share of reads", lambda s: share(s.insert), False)


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("sets", nargs="+", metavar="NAME=BAM,REF,REGION[,VCF]")
    parser.add_argument("--plots", metavar="PREFIX")
    args = parser.parse_args(argv)
    if args.plots:
        environments.enter("benchmark", NAME, argv)
    try:
        sets = [Profile(spec) for spec in args.sets]
    except (ValueError, subprocess.CalledProcessError) as error:
        project.fail(NAME, str(error))
    print("| |", " | ".join(s.name for s in sets), "|")
    print("|---" * (len(sets) + 1) + "|")
    rates = [s.rates() for s in sets]
    for key, title in SHOWN:
        form = {"reads": ",.0f", "length": ".1f"}.get(key, ".2g")
        print(f"| {title} |", " | ".join(format(r[key], form) for r in rates), "|")
    print(
        "\n| false SNP alleles per Mb (on one strand alone; mean base quality; mean distance to the read's end) |",
        " | ".join(s.name for s in sets),
        "|",
    )
    print("|---" * (len(sets) + 1) + "|")
    for low, share in zip((0, *SHARES), SHARES):
        cells = ["{:,.0f} ({:.0%}; {:.0f}; {:.0f})".format(*s.per_mb(share)) for s in sets]
        print(f"| {low:.0%} to {min(1, share):.0%} of the reads |", " | ".join(cells), "|")
    if args.plots:
        plots(sets, args.plots)

"""The report of a benchmark: a Markdown table beside DeepVariant's published figures, and a picture of precision against recall."""

from __future__ import annotations

import argparse
import dataclasses
import pathlib

from ..aardvark import Row, Rows, shown
from .figures import Point


@dataclasses.dataclass(frozen=True)
class Published:
    """Figures of DeepVariant's for these reads and this truth; hap.py's, --engine=vcfeval."""

    name: str
    source: str
    rows: Rows


def published_row(tp: int, fn: int, fp: int, recall: float, precision: float, f1: float) -> Row:
    return Row(tp=tp, fn=fn, fp=fp, recall=recall, precision=precision, f1=f1)


# By sample and contig.
PUBLISHED: dict[tuple[str, str | None], Published] = {
    ("HG003", "chr20"): Published(
        "DeepVariant 1.6.0",
        "hap.py, PASS; google/deepvariant docs/deepvariant-case-study.md, commit 276dde9",
        {
            "SNP": published_row(69917, 249, 59, 0.996451, 0.999157, 0.997802),
            "INDEL": published_row(10588, 40, 19, 0.996236, 0.998283, 0.997258),
        },
    ),
    ("HG003", None): Published(
        "DeepVariant 1.6.1",
        "hap.py, PASS; google/deepvariant docs/metrics.md, commit 9d0e752; 326 minutes on 64 vCPUs",
        {
            "SNP": published_row(3306788, 20708, 4274, 0.993777, 0.99871, 0.996237),
            "INDEL": published_row(501683, 2818, 1265, 0.994414, 0.997586, 0.995998),
        },
    ),
}


def draw(curves: dict[str, list[Point]], published: Published | None, title: str, path: pathlib.Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(curves), figsize=(5 * len(curves), 4.2), layout="constrained")
    for axis, (kind, points) in zip(axes, curves.items()):
        axis.plot([p[0] for p in points], [p[1] for p in points], drawstyle="steps-post", label="varpix, by QUAL")
        axis.plot(*points[-1][:2], "o", color="C0", label="varpix, all that pass")
        if published:
            axis.plot(published.rows[kind].recall, published.rows[kind].precision, "s", color="C1", label=f"{published.name} (hap.py)")
        low_recall = min([points[-1][0]] + ([published.rows[kind].recall or 0] if published else []))
        low_precision = min(p[1] for p in points)
        axis.set(
            title=kind,
            xlabel="recall",
            ylabel="precision",
            xlim=(max(0, 1 - 3 * (1 - low_recall) - 0.05), 1.0005),
            ylim=(max(0, 1 - 1.2 * (1 - low_precision) - 0.002), 1.0005),
        )
        axis.grid(alpha=0.3)
        axis.legend(loc="lower left", fontsize="small")
    figure.suptitle(title)
    figure.savefig(path, dpi=120, metadata={"Software": None})


def row(caller: str, stratum: str, kind: str, figures: Row) -> str:
    """A line of the table; a stratum without variants has no figures."""
    scores = " | ".join(shown(value, 6) for value in (figures.recall, figures.precision, figures.f1))
    return f"| {caller} | {stratum} | {kind} | {figures.tp} | {figures.fn} | {figures.fp} | {scores} |"


def report(
    args: argparse.Namespace,
    version: str,
    tables: dict[str, Rows],
    of_happy: Rows | None,
    published: Published | None,
    cost: dict[str, float],
) -> str:
    """results.md."""
    lines = [
        f"# {args.sample}, {args.chrom or 'all contigs'}",
        "",
        f"{version}, model {args.model}. Reads: `{pathlib.Path(args.reads).name}`; truth: `{pathlib.Path(args.truth).name}`.",
        "",
        "| caller, evaluated with | stratum | type | TP | FN | FP | recall | precision | F1 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for stratum, table in tables.items():
        lines += [row("varpix, aardvark", stratum, kind, figures) for kind, figures in table.items()]
    lines += [row("varpix, hap.py", "ALL", kind, figures) for kind, figures in (of_happy or {}).items()]
    if published:
        lines += [row(f"{published.name}, hap.py", "ALL", kind, figures) for kind, figures in published.rows.items()]
    lines += ["", "aardvark's figures: comparison GT, see `scripts/eval evaluate --help`."]
    if published:
        lines.append(f"Published, not run here: {published.name}, {published.source}.")
        if not of_happy:
            lines.append(
                "aardvark and hap.py count genotype errors and complex variants differently: compare hap.py with hap.py (install it, and run this again)."
            )
    else:
        lines.append("DeepVariant publishes no figures for these reads and regions (it does for HG003, chr20 and whole).")
    lines += [
        "",
        "![Precision against recall as QUAL falls](precision-recall.png)",
        "",
        "Recall at a QUAL is the final recall times the share of right calls at or above it.",
        "",
        "| run time | CPU time | most memory | threads |",
        "|---|---|---|---|",
        f"| {cost['wall_s']} s | {cost['cpu_s']} s | {cost['memory_mb']} MB | {cost['threads']} |",
        "",
    ]
    return "\n".join(lines)

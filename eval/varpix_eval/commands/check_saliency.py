"""Checks that the maps of `varpix explain` tell what counts for the CNN, by masking reads and by shuffling weights (benches/saliency.rs).

In:  a model; a sample's reads and their reference, by default testdata/.
Out: tables on stdout. Fails unless, over the candidates called het,
       - without the reads of the variant the probability of a variant (het or hom-alt) falls further than without as many others,
       - without the rows that the map ranks highest the odds of het fall further than without as many at random, and least without those that
         it ranks lowest; and the relevance of a row goes with what its loss alone changes,
       - what is shown (the map of pixels, its sums by read, by column and by channel) has no rank correlation with that of networks with shuffled
         weights, in either direction, beyond what chance gives; and a high one with that of the same weights and one read fewer.

Other maps are compared, too, and judged by nothing: sizes without the sign, the same by the value of the pixel, less the averages of rows and columns,
and summed by column; and the steepest slope of any channel (saliency). They say why sizes are not shown.

The features that the CNN takes beside an image are left as they are, but for the three rows of numbers where it gets the image alone.
"""

from __future__ import annotations

import argparse
import csv
import math
import pathlib
import statistics
import subprocess
from collections.abc import Mapping, Sequence

from .. import project

NAME = "check-saliency"
# Most that maps of shuffled networks may correlate with the model's, in either direction, beyond chance: 0.2 is 4 % of the variance of ranks.
MOST_CORRELATED = 0.2
# What users see, then what is only compared.
SHOWN = {"pixels": "pixels", "reads": "sums by read", "columns": "sums by column", "channels": "sums by channel"}
COMPARED = {
    "size": "sizes without the sign",
    "size_by_value": "sizes, by the value of the pixel",
    "size_levelled": "sizes, less the averages of rows and columns",
    "size_of_columns": "sizes, summed by column",
    "saliency": "saliency",
}
Sites = Sequence[Mapping[str, str]]


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--model", type=pathlib.Path, default=project.ROOT / "models/wgs", metavar="DIR")
    parser.add_argument("--ref", type=pathlib.Path, default=project.ROOT / "testdata/ref.fa", metavar="FASTA")
    parser.add_argument("--reads", type=pathlib.Path, default=project.ROOT / "testdata/reads.bam", metavar="BAM")
    parser.add_argument("--sites", type=int, default=150, metavar="N", help="candidates called het [default: %(default)s]")
    parser.add_argument("--keep", type=pathlib.Path, metavar="TSV", help="write the numbers of each site to this file")
    parser.add_argument("--judge", type=pathlib.Path, nargs="+", metavar="TSV", help="judge the numbers of these files of --keep, together")
    args = parser.parse_args(argv)
    sites = [site for kept in args.judge for site in read(kept.read_text())] if args.judge else measured(args)
    print("\n".join(table(sites)))
    if faults := wrong(sites):
        project.fail(NAME, "; ".join(faults))


def read(text: str) -> list[dict[str, str]]:
    """The numbers of each site."""
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


def measured(args: argparse.Namespace) -> list[dict[str, str]]:
    """The numbers of the sites of a sample, by the example."""
    words = ["cargo", "run", "--locked", "--quiet", "--example", "saliency", "--", args.model, args.ref, args.reads, args.sites]
    done = subprocess.run([str(word) for word in words], cwd=project.ROOT, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        project.fail(NAME, "the maps could not be made")
    if args.keep:
        args.keep.write_text(done.stdout)
    return read(done.stdout)


def column(sites: Sites, name: str) -> list[float]:
    return [float(site[name]) for site in sites]


def median(sites: Sites, name: str) -> float:
    return statistics.median(column(sites, name))


def mean(sites: Sites, name: str) -> float:
    return statistics.fmean(column(sites, name))


def share(sites: Sites, lower: str, higher: str) -> float:
    """Of the sites where one probability is lower than another."""
    return statistics.fmean(a < b for a, b in zip(column(sites, lower), column(sites, higher), strict=True))


def table(sites: Sites) -> list[str]:
    """What is printed."""
    masks = [
        ("nothing", "p"),
        ("the reads of the variant", "p_variant"),
        ("as many other reads", "p_others"),
        ("the rows ranked highest", "p_highest"),
        ("as many rows at random", "p_random"),
        ("the rows ranked lowest", "p_lowest"),
        ("nothing, image alone", "image"),
        ("the reads of the variant, image alone", "image_variant"),
        ("as many other reads, image alone", "image_others"),
    ]
    lines = [f"{len(sites)} sites called het, {mean(sites, 'masked'):.1f} rows masked on average", ""]
    lines += ["| masked | mean probability of het | median | mean log odds | lower than with nothing |", "|---|---|---|---|---|"]
    for title, name in masks:
        whole = "image" if name.startswith("image") else "p"
        falls = "" if name == whole else f"{100 * share(sites, name, whole):.0f} %"
        lines.append(f"| {title} | {mean(sites, name):.4f} | {median(sites, name):.4f} | {odds(sites, name):.2f} | {falls} |")
    any_variant = [mean(sites, "any_variant"), mean(sites, "any_others"), share(sites, "any_variant", "any_others")]
    lines += [
        "",
        "probability of any variant (het or hom-alt): {:.4f} without its reads, {:.4f} without as many others; lower at {:.0%} of the sites".format(
            *any_variant
        ),
    ]
    lines += [
        "",
        "| rank correlation with | one read fewer | shuffled weights | the same, without its sign | by chance |",
        "|---|---|---|---|---|",
    ]
    for name, title in (SHOWN | COMPARED).items():
        cells = [mean(sites, f"same:{name}"), mean(sites, f"whole:{name}:mean"), mean(sites, f"whole:{name}:size"), chance(sites, name)]
        lines.append(f"| {title} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    stages = [name.split(":")[0] for name in sites[0] if name.startswith("to_") and name.endswith(":pixels:size")]
    if stages:
        names = ["pixels", "size", "saliency"]
        lines += [
            "",
            f"| weights shuffled from the head to | {' | '.join((SHOWN | COMPARED)[name] for name in names)} |",
            "|---|---|---|---|",
        ]
        for stage in stages:
            rhos = [f"{mean(sites, f'{stage}:{name}:size'):.2f}" for name in names]
            lines.append(f"| {stage.removeprefix('to_')} | {' | '.join(rhos)} |")
    lines += [
        "",
        f"relevance of a row and what its loss changes: rank correlation {mean(sites, 'rows'):.3f} (median {median(sites, 'rows'):.3f})",
    ]
    return lines


def chance(sites: Sites, name: str) -> float:
    """What the size of a rank correlation is on average for maps that have nothing to do with each other: rho is nearly normal, with variance 1 / (n - 1)."""
    return statistics.fmean(math.sqrt(2 / math.pi / (n - 1)) for n in column(sites, f"n:{name}"))


def odds(sites: Sites, name: str) -> float:
    """Mean of the logarithms of the odds: probabilities near 1 differ as much as others."""
    return statistics.fmean(math.log(max(p, 1e-6) / max(1 - p, 1e-6)) for p in column(sites, name))


def wrong(sites: Sites) -> list[str]:
    """What the check demands and does not find."""
    faults = []
    if not mean(sites, "any_variant") < mean(sites, "any_others") or share(sites, "any_variant", "any_others") < 0.9:
        faults.append("the reads of the variant do not count for more than others")
    if not odds(sites, "p_highest") < odds(sites, "p_random") < odds(sites, "p_lowest") or mean(sites, "rows") < 0.3:
        faults.append("the rows that the map ranks highest are not those that count")
    for name, title in SHOWN.items():
        # Not less than the size of the mean: correlations of either sign do not make up for each other.
        if (apart := mean(sites, f"whole:{name}:size") - chance(sites, name)) > MOST_CORRELATED:
            faults.append(f"{title}: maps of shuffled weights correlate ({apart:.2f} beyond chance)")
        if (same := mean(sites, f"same:{name}")) < 3 * MOST_CORRELATED:
            faults.append(f"{title}: maps of the same weights do not correlate ({same:.2f})")
    return faults

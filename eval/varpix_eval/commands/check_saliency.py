"""Checks that the maps of `varpix explain` tell what counts for the CNN, by masking reads and by shuffling weights (benches/saliency.rs).

In:  a model; a sample's reads and their reference, by default testdata/.
Out: a table on stdout. Fails unless, over the candidates called het,
       - the probability of het falls further without the reads of the variant than without as many others,
       - it falls further without the rows that the maps of input-masked gradients rank highest than without as many at random, and least without
         those that they rank lowest; and the relevance of a row goes with what its loss alone changes,
       - maps of networks with shuffled weights do not correlate with the model's, by rank, over all pixels that hold a base.

The features that the CNN takes beside an image are left as they are, but for the three rows of numbers where it gets the image alone.
"""

from __future__ import annotations

import csv
import pathlib
import statistics
import subprocess
from collections.abc import Mapping, Sequence

from .. import project

NAME = "check-saliency"
# Most that maps of shuffled networks may correlate with the model's: |rho| of 0.2 is 4 % of the variance of ranks.
MOST_CORRELATED = 0.2
Sites = Sequence[Mapping[str, str]]


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--model", type=pathlib.Path, default=project.ROOT / "models/wgs", metavar="DIR")
    parser.add_argument("--ref", type=pathlib.Path, default=project.ROOT / "testdata/ref.fa", metavar="FASTA")
    parser.add_argument("--reads", type=pathlib.Path, default=project.ROOT / "testdata/reads.bam", metavar="BAM")
    parser.add_argument("--sites", type=int, default=100, metavar="N", help="candidates called het [default: %(default)s]")
    parser.add_argument("--keep", type=pathlib.Path, metavar="TSV", help="write the numbers of each site to this file")
    args = parser.parse_args(argv)
    words = ["cargo", "run", "--locked", "--quiet", "--example", "saliency", "--", args.model, args.ref, args.reads, args.sites]
    done = subprocess.run([str(word) for word in words], cwd=project.ROOT, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        project.fail(NAME, "the maps could not be made")
    if args.keep:
        args.keep.write_text(done.stdout)
    sites = list(csv.DictReader(done.stdout.splitlines(), delimiter="\t"))
    print("\n".join(table(sites)))
    if faults := wrong(sites):
        project.fail(NAME, "; ".join(faults))


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
    lines += ["| masked | mean probability of het | median | lower than with nothing |", "|---|---|---|---|"]
    for title, name in masks:
        whole = "image" if name.startswith("image") else "p"
        falls = "" if name == whole else f"{100 * share(sites, name, whole):.0f} %"
        lines.append(f"| {title} | {mean(sites, name):.4f} | {median(sites, name):.4f} | {falls} |")
    lines += ["", "| rank correlation of maps | signed | without sign | saliency |", "|---|---|---|---|"]
    for title, group in [("with shuffled weights", "shuffled"), ("same weights, one read fewer", "same")]:
        found = [f"{mean(sites, f'{group}_{kind}'):+.3f}" for kind in ("signed", "size", "saliency")]
        lines.append(f"| {title} | {' | '.join(found)} |")
    lines += [
        "",
        f"relevance of a row and what its loss changes: rank correlation {mean(sites, 'rows'):.3f} (median {median(sites, 'rows'):.3f})",
    ]
    return lines


def wrong(sites: Sites) -> list[str]:
    """What the check demands and does not find."""
    faults = []
    if not mean(sites, "p_variant") < mean(sites, "p_others") or share(sites, "p_variant", "p_others") < 0.9:
        faults.append("the reads of the variant do not count for more than others")
    if not mean(sites, "p_highest") < mean(sites, "p_random") < mean(sites, "p_lowest") or mean(sites, "rows") < 0.3:
        faults.append("the rows that the maps rank highest are not those that count")
    for kind in ("signed", "size", "saliency"):
        apart, same = abs(mean(sites, f"shuffled_{kind}")), mean(sites, f"same_{kind}")
        if apart > MOST_CORRELATED:
            faults.append(f"maps of shuffled weights correlate ({kind}: {apart:.2f})")
        if same < 3 * MOST_CORRELATED:
            faults.append(f"maps of the same weights do not correlate ({kind}: {same:.2f})")
    return faults

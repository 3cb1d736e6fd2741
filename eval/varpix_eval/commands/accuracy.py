"""Accuracy of varpix beside bcftools and freebayes on every set for judging, eval/sets/judging.tsv: one Markdown table on stdout.

  clean, hard       plain ART, and all artefacts of `scripts/eval simulate`; the number is the depth
  real              the HG001 slice; real-agreed: without the sites where another truth set has a variant that this one lacks

Sets are made into .cache/sim the first time (about an hour and a half on 2 cores). None of them is learned from or tuned on.
Needs VARPIX_DATA (default ../shared/data), and what `scripts/eval training-data` and `scripts/eval compare-callers` need.

  scripts/eval accuracy [--by-class] [NAME...]    only these sets, for example clean-30 real; with a row for each class of variant
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from .. import project, sets
from .agreed_regions import agreed
from .compare_callers import Comparison, compared

NAME = "accuracy"


def prepared(one: sets.ReadSet) -> None:
    """Makes the set where it is missing; of real reads with options the confident regions."""
    if not (one.real and one.options):
        sets.make(NAME, [one])
    else:
        others = [word for word in one.options if word != "--other"]
        contig, left, said = agreed(one.truth, one.real[1], one.region, others)
        pathlib.Path(one.confident).write_text("".join(f"{contig}\t{low}\t{high}\n" for low, high in left))
        project.say("agreed-regions", said)


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="these sets only")
    parser.add_argument("--by-class", action="store_true", help="also a row for each class of variant")
    args = parser.parse_args(argv)
    chosen = sets.judged(NAME, args.names)
    print("| set | caller | type | TP | FN | FP | recall | precision | F1 |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for one in chosen:
        prepared(one)
        model, config = ("hifi", "pacbio-ccs") if one.hifi else ("wgs", "illumina")
        comparison = Comparison(one.reference, one.reads, one.known, one.confident, one.region, model, config, args.by_class)
        for line in compared(comparison):
            print(f"| {one.name} {line}", flush=True)

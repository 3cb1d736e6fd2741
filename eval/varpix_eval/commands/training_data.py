"""Makes the simulated sets that models are trained and tuned on, in .cache/sim, and the manifest that names them for training.

In:  the tables of eval/sets (wgs: what models/wgs has learned from; kinds: further kinds of reads; hifi: long reads), VARPIX_DATA (default ../shared/data;
     its README gives the split) and b37 chr20 of Debian's package vt-examples.
Out: reads, truth and confident regions of each set; with --manifest a TSV of those to learn from and to tune on:
     reads, reference, truth, confident, weight, role, with paths relative to its folder

  scripts/eval training-data --sets wgs --manifest .cache/sim/wgs.tsv

All sets take two to three hours of CPU and 3.5 GB. Sets that are there are kept.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from .. import project, sets

NAME = "training-data"
TABLES = ("wgs", "kinds", "hifi")


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="these sets only")
    parser.add_argument("--sets", action="append", choices=TABLES, help="of this table only; may be given twice")
    parser.add_argument("--reference-only", action="store_true", help="make the references with their indexes, and no reads")
    parser.add_argument("--list", action="store_true", help="make nothing; print NAME, reference, reads, truth, confident regions, by tabs")
    parser.add_argument("--manifest", type=pathlib.Path, metavar="OUT.tsv", help="write the manifest of these sets")
    args = parser.parse_args(argv)
    try:
        chosen = sets.chosen(NAME, sets.load(*(args.sets or TABLES)), args.names)
        values = sets.sources()
    except sets.SetError as error:
        project.fail(NAME, str(error))
    if args.list:
        print("".join(f"{one.name}\t{one.reference}\t{one.reads}\t{one.known}\t{one.confident}\n" for one in chosen), end="")
        return
    sets.references(NAME, values)
    if args.reference_only:
        return
    sets.make(NAME, chosen)
    if args.manifest:
        sets.write_manifest(chosen, args.manifest)

"""Fetches reads and truth of Genome in a Bottle samples, to train a model on them with `varpix train --data eval/giab-wgs.tsv`.

  scripts/eval giab-training-data
  scripts/eval giab-training-data --samples HG001,HG005 --pcr-free --manifest two.tsv
  scripts/eval giab-training-data --list

In:  eval/giab-wgs.tsv, which names the files, by sample and role.
Out: in --data: reads, truth, the GRCh38 no-alt analysis set, and confident regions by role: chr1 to chr18 to learn from, chr19 to tune on.
     chr20 to chr22 and all of HG003 are held out. With --manifest a TSV of the chosen lines with the paths of their files; paths in
     eval/giab-wgs.tsv are those of .cache/giab.

All of it takes about 400 GB: 40 to 60 GB for each of eight BAMs. All servers are asked for all files first: where one is missing, or the disk
is too small, nothing is fetched. Downloads, --mirror and --checksums are as in scripts/eval benchmark-giab; files that are there are kept.

Installs google-crc32c and matplotlib from PyPI into .cache/benchmark. Needs Debian's samtools.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence

from .. import environments, project
from ..giab import training
from ..giab.downloads import Store, add_options

NAME = "giab-training-data"


def chosen(args: argparse.Namespace) -> list[training.Line]:
    """The lines of the ready manifest that the options leave."""
    lines = list(training.lines())
    known = sorted({line.sample for line in lines})
    wanted = args.samples.split(",") if args.samples else known
    for sample in wanted:
        if sample == training.HELD_OUT_SAMPLE:
            project.fail(NAME, f"--samples {sample}: it is held out, to judge models with (scripts/eval benchmark-giab --sample {sample})")
        if sample not in known:
            project.fail(NAME, f"--samples {sample}: expected some of {', '.join(known)}, with commas between them")
    tuned = sorted({line.sample for line in lines if line.role == "tune"})
    if not set(wanted) & set(tuned):
        project.fail(NAME, f"--samples {args.samples}: one of {' and '.join(tuned)} is needed, to tune on its chr19")
    return [line for line in lines if line.sample in wanted and (training.PCR_FREE in line.reads or not args.pcr_free)]


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--samples", metavar="NAME,...", help="these only; with --manifest")
    parser.add_argument("--pcr-free", action="store_true", help="without the reads of amplified libraries; with --manifest")
    parser.add_argument("--manifest", type=pathlib.Path, metavar="OUT.tsv", help="write the manifest of what is chosen")
    parser.add_argument("--list", action="store_true", help="fetch nothing; print the files to fetch and their addresses, by tabs")
    add_options(parser, training.FOLDER, ".cache/giab")
    args = parser.parse_args(argv)
    other = args.samples or args.pcr_free or args.data.resolve() != training.FOLDER.resolve()
    if other and not (args.manifest or args.list):
        project.fail(NAME, "--samples, --pcr-free and --data need --manifest OUT.tsv: eval/giab-wgs.tsv names all files, in .cache/giab")
    return args


def main(argv: Sequence[str]) -> None:
    args = arguments(argv)
    lines = chosen(args)
    store = Store.of(NAME, args)
    if args.list:
        print("".join(f"{store.path(url)}\t{store.address(url)}\n" for url in training.addresses(lines)), end="")
        return
    environments.enter("benchmark", NAME, argv)
    project.need(NAME, {"samtools": "samtools"})
    training.prepare(store, lines)
    if args.manifest:
        training.write(lines, store.folder, args.manifest)
    manifest = args.manifest or training.READY
    lacking = training.lacking(manifest)
    if lacking:
        project.fail(NAME, f"{manifest} names files that are not there: {', '.join(lacking)}")
    project.say(NAME, f"all files are there; train with: varpix train --data {manifest} --out my-model")

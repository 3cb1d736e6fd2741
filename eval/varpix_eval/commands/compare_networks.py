"""Networks and image sizes against each other: each learns from the same reads with the same seed, from nothing, and is measured on the
tune sets. About 35 minutes on 2 cores.

In:  HEIGHTxWIDTH:NETWORK[:SEED], one or more; by default the sizes and networks in docs/results.md, seed 31. Sets of `scripts/eval training-data`.
Out: one Markdown table on stdout.

  scripts/eval compare-networks 64x221:pileup_net 100x221:pileup_net:32

F1 is of images, not of calls: the share of classes a network gets right where one is not the reference. Images per second are those
of one call without the small model, so that the rows are comparable with each other and with nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
from collections.abc import Sequence

from .. import project, sets

NAME = "compare-networks"
DEFAULT = ("64x221:pileup_net", "64x221:pileup_net_wide", "100x221:pileup_net", "64x147:pileup_net", "40x221:pileup_net")
TRAIN = ("train-3", "train-6", "train-9", "train-10")
TUNE = ("tune-1", "tune-2", "tune-3")


@dataclasses.dataclass(frozen=True)
class Variant:
    """A network on an image of a size, rows by columns."""

    height: int
    width: int
    network: str
    seed: int = 31

    @classmethod
    def parse(cls, text: str) -> Variant:
        size, network, *seed = text.split(":")
        height, width = size.split("x")
        return cls(int(height), int(width), network, *map(int, seed))


def train(program: pathlib.Path, variant: Variant, folder: pathlib.Path, manifest: pathlib.Path) -> None:
    """Trains into the folder, unless that has been done."""
    if (folder / "complete").exists():
        return
    command: list[project.Path] = [program, "train", "--data", manifest, "--name", "compare"]
    command += ["--network", variant.network, "--image-height", str(variant.height), "--image-width", str(variant.width)]
    command += ["--learn", "network", "--epochs", "1", "--evaluations", "1", "--tune-images", "10000", "--seed", str(variant.seed)]
    with open(f"{folder}.log", "w") as log:
        subprocess.run([*command, "--out", folder], check=True, stderr=log)
    (folder / "complete").touch()


def line(variant: Variant, config: dict[str, dict[str, float]], parameters: float, log: str) -> str:
    """A row of the table, of model.json and of what a call said."""

    def said(pattern: str) -> float:
        match = re.search(pattern, log)
        if not match:
            project.fail(NAME, f"varpix does not say {pattern}")
        return float(match[1])

    measured = config["measured"]
    rate = said(r"images +(\d+) ") / said(r"classifier: run +([\d.]+)s")
    scores = " | ".join(f"{measured[key]:.4f}" for key in ("image_f1_snp", "image_f1_indel", "image_f1", "tune_loss"))
    size = f"{variant.height}x{variant.width}"
    kept = config["training"]["kept_images"]
    return f"| {size} | {variant.network} | {variant.seed} | {parameters / 1e6:.1f} M | {kept} | {scores} | {rate:.0f} |"


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("variants", nargs="*", default=DEFAULT, metavar="HEIGHTxWIDTH:NETWORK[:SEED]")
    variants = parser.parse_args(argv).variants
    by_name = {one.name: one for one in sets.chosen(NAME, sets.load("wgs"), [*TRAIN, *TUNE])}
    sets.references(NAME, sets.sources())
    sets.make(NAME, by_name.values())
    project.build()
    out = project.CACHE / "train/compare"
    out.mkdir(parents=True, exist_ok=True)
    # A copy, so that a later build does not pull the program from under the run.
    program = pathlib.Path(shutil.copy(project.VARPIX, out / "varpix"))
    manifest = out / "sets.tsv"
    sets.write_manifest([by_name[name] for name in (*TRAIN, *TUNE)], manifest)
    print("| image | network | seed | parameters | images learned from | F1 SNP | F1 indel | F1 | loss | images/s |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for text in variants:
        variant, folder = Variant.parse(text), out / text.replace(":", "-")
        train(program, variant, folder, manifest)
        tune = by_name[TUNE[0]]
        call = [program, "call", "--model", folder, "--ref", tune.reference, "--reads", tune.reads, "--output-vcf", folder / "calls.vcf.gz"]
        log = subprocess.run(call, check=True, text=True, stderr=subprocess.PIPE).stderr
        parameters = (folder / "weights.safetensors").stat().st_size / 4
        print(line(variant, json.loads((folder / "model.json").read_text()), parameters, log), flush=True)

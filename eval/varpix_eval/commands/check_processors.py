"""The same calls on processors of other kinds: runs with libtorch and oneDNN held to fewer instructions, compared with one that may use all.

  scripts/eval check-processors                                   testdata/
  scripts/eval check-processors --ref ref.fa --reads a.bam --regions chr20:10000001-10100000
  scripts/eval check-processors --qemu Haswell Nehalem --regions chrA:1-3000      also under qemu-user (Debian's qemu-user-static), slowly

In:  testdata/, or a reference and reads of your own.
Out: a Markdown table on stdout: for each kind of processor, calls by the small model and the network, and by the network alone (--no-small-model):
     records whose alleles, genotype or filter differ, the largest difference of QUAL, GQ and PL (Phred), and of a probability of an image (`varpix show
     --classify`, which prints five digits). Exit status 1 where a call differs, or a probability by more than --bound.

libtorch chooses its own kernels by ATEN_CPU_CAPABILITY, and those of oneDNN and MKL by ONEDNN_MAX_CPU_ISA and MKL_ENABLE_INSTRUCTIONS. That of the precision is left out: all runs
have --precision f32, since bf16 is used where a processor has AMX.

Needs target/release/varpix (or $VARPIX), with libtorch.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence

from .. import project

NAME = "check-processors"
PROGRAM = pathlib.Path(os.environ.get("VARPIX", project.VARPIX)).resolve()
BOUND = 1e-3
LIMITED = {
    "all instructions": {},
    "AVX-512, no VNNI or bf16": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "no AVX2": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
}


@dataclasses.dataclass(frozen=True)
class Record:
    """A call: what must not differ, and what may a little (Phred)."""

    call: tuple[str, ...]
    values: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Result:
    """What a kind of processor gives: calls with and without the small model, and the probabilities of images by their names."""

    calls: list[Record]
    network: list[Record]
    images: dict[str, tuple[float, ...]]


def records(lines: Sequence[str]) -> list[Record]:
    found = []
    for line in lines:
        if line.startswith("#"):
            continue
        contig, position, _, ref, alts, quality, filters, _, names, values = line.split("\t")
        of = dict(zip(names.split(":"), values.split(":"), strict=True))
        phred = [quality, of["GQ"], *of["PL"].split(",")]
        found.append(Record((contig, position, ref, alts, filters, of["GT"]), tuple(float(value) for value in phred if value != ".")))
    return found


def differing(found: Sequence[Record], expected: Sequence[Record]) -> int:
    """Calls that are in one of them only."""
    return len({record.call for record in found} ^ {record.call for record in expected})


def largest(found: Sequence[Record], expected: Sequence[Record]) -> float:
    """The largest difference of a value, of the calls that are in both."""
    others = {record.call: record.values for record in expected}
    pairs = [(record.values, others[record.call]) for record in found if record.call in others]
    return max((abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True)), default=0.0)


def probability(found: Result, expected: Result) -> float:
    """The largest difference of a probability."""
    shared = found.images.keys() & expected.images.keys()
    return max((abs(a - b) for name in shared for a, b in zip(found.images[name], expected.images[name], strict=True)), default=0.0)


def images(lines: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Of the lines of `varpix show --classify`: file, three probabilities, model."""
    rows = [line.split("\t") for line in lines]
    return {f"{row[0].rpartition('/')[2]} {row[4]}": tuple(map(float, row[1:4])) for row in rows if len(row) >= 5}


def result(inputs: list[str], regions: list[str], environment: dict[str, str], before: list[str]) -> Result:
    """Runs on a kind of processor; `before` is what the program is started with."""

    def said(*words: str) -> list[str]:
        done = subprocess.run([*before, str(PROGRAM), *words], env=os.environ | environment, text=True, capture_output=True)
        if done.returncode:
            project.fail(NAME, f"exit status {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
        return done.stdout.splitlines()

    call = ["call", *inputs, "--quiet", "--threads", "1", "--precision", "f32", "--output-vcf", "-", "--emit-ref-calls"]
    call += ["--regions", *regions] if regions else []
    shown = regions or [line.split("\t")[0] for line in pathlib.Path(f"{inputs[1]}.fai").read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        show = said("show", *inputs, "--quiet", "--classify", "--out", folder, "--region", *shown)
    return Result(records(said(*call)), records(said(*call, "--no-small-model")), images(show))


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--ref", type=pathlib.Path, default=project.ROOT / "testdata/ref.fa")
    parser.add_argument("--reads", type=pathlib.Path, default=project.ROOT / "testdata/reads.bam")
    parser.add_argument("--regions", nargs="+", default=[], help="what to call")
    parser.add_argument("--bound", type=float, default=BOUND, help="of the difference of a probability [%(default)s]")
    parser.add_argument("--qemu", nargs="+", default=[], metavar="CPU", help="also emulate these models of processors")
    args = parser.parse_args(argv)
    if not PROGRAM.is_file():
        project.fail(NAME, f"{PROGRAM} is missing; run cargo build --release")
    inputs = ["--ref", str(args.ref), "--reads", str(args.reads)]
    runs: list[tuple[str, dict[str, str], list[str]]] = [(name, environment, []) for name, environment in LIMITED.items()]
    if args.qemu:
        emulator = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")
        if not emulator:
            project.fail(NAME, "qemu-x86_64 is missing; install Debian's qemu-user-static")
        runs += [(f"qemu, {cpu}", {}, [emulator, "-cpu", cpu]) for cpu in args.qemu]
    print("| processor | calls | that differ | QUAL, GQ, PL by | network alone: calls | that differ | by | images | probability by |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    expected, bad = None, False
    for name, environment, before in runs:
        found = result(inputs, args.regions, environment, before)
        expected = expected or found
        row: list[object] = [name]
        for one, other in ((found.calls, expected.calls), (found.network, expected.network)):
            row += [len(one), differing(one, other), f"{largest(one, other):.1f}"]
            bad |= differing(one, other) > 0
        off = probability(found, expected)
        bad |= off > args.bound or found.images.keys() != expected.images.keys()
        print(f"| {' | '.join(map(str, row))} | {len(found.images)} | {off:.5f} |", flush=True)
    if bad:
        project.fail(NAME, f"calls differ, or probabilities by more than {args.bound}")

"""Counts what `--summary`, `--multiqc` and `--report` cost a run, in instructions, so that what else the machine does counts for nothing.

In:  reads and their reference, by default testdata/; the program, by default a release build.
Out: a table on stdout: instructions of a run of one thread with each of the options, and how many more than without them. Those of the CNN are left
     out: a batch that has waited for images runs with empty ones, so that the number of batches depends on timing. With --profile, what
     `callgrind_annotate` says of each run, in that folder: where instructions are spent.

Fails where --summary or --multiqc cost more than 1 % or --report more than 5 %. What --report costs does not grow with the run, but for a part of the
counts: on 60 kb of testdata most of a run is its start, so give a Mb or more to learn what the limits mean for users.

Needs valgrind. A run under it takes some fifty times as long: a minute or two for each of the five of testdata, ten for 1 Mb. Its processor has no AVX-512,
so that libtorch is told to do without.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import tempfile
from collections.abc import Sequence

from .. import project

NAME = "report-cost"
OPTIONS: dict[str, list[str]] = {
    "plain": [],
    "summary": ["--summary", "{}/summary.json"],
    "multiqc": ["--multiqc", "{}/multiqc"],
    "report": ["--report", "{}/report.html"],
    "all": ["--summary", "{}/summary.json", "--multiqc", "{}/multiqc", "--report", "{}/report.html"],
}
# Of the instructions without them.
MOST = {"summary": 0.01, "multiqc": 0.01, "report": 0.05}
WITHOUT_AVX512 = {"ATEN_CPU_CAPABILITY": "avx2", "DNNL_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "OMP_NUM_THREADS": "1"}
COUNTED = re.compile(r"(?:Collected|I\s+refs:)\s*:?\s*([\d,]+)")
# In the list of functions, with what they call.
OF_CNN = re.compile(r"^\s*([\d,]+) .*TorchClassifier as .*Classifier>::classify", re.MULTILINE)


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--program", type=pathlib.Path, metavar="VARPIX", help="[default: a release build]")
    parser.add_argument("--ref", type=pathlib.Path, default=project.ROOT / "testdata/ref.fa", metavar="FASTA")
    parser.add_argument("--reads", type=pathlib.Path, default=project.ROOT / "testdata/reads.bam", metavar="BAM")
    parser.add_argument("--regions", nargs="+", default=[], metavar="REGION", help="[default: all]")
    parser.add_argument(
        "--only", nargs="+", default=list(OPTIONS), choices=list(OPTIONS)[1:], metavar="OPTION", help="[default: each, and all]"
    )
    parser.add_argument("--profile", type=pathlib.Path, metavar="DIR")
    args = parser.parse_args(argv)
    project.need(NAME, {"valgrind": "valgrind"})
    if not args.program:
        project.build()
    words = [
        args.program or project.VARPIX,
        "call",
        "--quiet",
        "--threads",
        "1",
        "--device",
        "cpu",
        "--ref",
        args.ref,
        "--reads",
        args.reads,
    ]
    words += ["--regions", *args.regions] if args.regions else []
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in dict.fromkeys(["plain", *args.only]):
            options = [word.format(folder) for word in OPTIONS[name]]
            run = [*words, "--output-vcf", f"{folder}/calls.vcf.gz", *options]
            counts[name] = instructions(run, args.profile / f"{name}.txt" if args.profile else None)
            print(f"{NAME}: {name}: {counts[name]:,} instructions", flush=True)
    print("\n" + "\n".join(table(counts)))
    if faults := wrong(counts):
        project.fail(NAME, "; ".join(faults))


def instructions(run: Sequence[object], profile: pathlib.Path | None) -> int:
    """Instructions of a run, those of the CNN left out."""
    with tempfile.NamedTemporaryFile() as kept:
        words = [str(word) for word in ["valgrind", "--tool=callgrind", f"--callgrind-out-file={kept.name}", *run]]
        done = subprocess.run(words, capture_output=True, text=True, env=os.environ | WITHOUT_AVX512)
        if done.returncode:
            project.fail(NAME, f"valgrind fails: {done.stderr[-2000:]}")
        functions = subprocess.run(["callgrind_annotate", "--inclusive=yes", kept.name], capture_output=True, text=True).stdout
    if profile:
        profile.parent.mkdir(parents=True, exist_ok=True)
        profile.write_text(functions)
    counted = COUNTED.search(done.stderr)
    if not counted:
        project.fail(NAME, f"valgrind counts nothing: {done.stderr[-2000:]}")
    of_cnn = OF_CNN.search(functions)
    return number(counted[1]) - (number(of_cnn[1]) if of_cnn else 0)


def number(text: str) -> int:
    """A number with commas between its digits."""
    return int(text.replace(",", ""))


def more(counts: dict[str, int], name: str) -> float:
    """By what share a run with these options is dearer than without."""
    return counts[name] / counts["plain"] - 1


def table(counts: dict[str, int]) -> list[str]:
    """What is printed."""
    lines = ["| | instructions (millions) | more than plain (millions) | |", "|---|---|---|---|"]
    for name, count in counts.items():
        cells = ("", "") if name == "plain" else (f"{(count - counts['plain']) / 1e6:.1f}", f"{100 * more(counts, name):+.2f} %")
        lines.append(f"| {name} | {count / 1e6:,.0f} | {cells[0]} | {cells[1]} |")
    return lines


def wrong(counts: dict[str, int]) -> list[str]:
    """The options that cost too much."""
    dear = [name for name in counts if name in MOST and more(counts, name) > MOST[name]]
    return [f"--{name} costs {100 * more(counts, name):.2f} %, more than {100 * MOST[name]:.0f} %" for name in dear]

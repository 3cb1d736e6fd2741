"""Calls testdata/ with the release build and the committed model; fails unless every variant of the bundled truth is found with its
genotype and nothing else, as aardvark compares them.

In:  testdata/. Out: the table of `scripts/eval evaluate` on stdout.
"""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Sequence

from .. import aardvark, project
from . import evaluate

NAME = "check-accuracy"
EXPECTED = {"SNP": (211, 0, 0), "INDEL": (57, 0, 0)}  # TP, FN, FP


def main(argv: Sequence[str]) -> None:
    project.parser(NAME, __doc__).parse_args(argv)
    project.build()
    data = project.ROOT / "testdata"
    with tempfile.TemporaryDirectory() as name:
        calls = pathlib.Path(name) / "calls.vcf.gz"
        project.checked(NAME, project.VARPIX, "call", "--ref", data / "ref.fa", "--reads", data / "reads.bam", "--output-vcf", calls)
        truth = evaluate.Truth(str(data / "ref.fa"), str(data / "truth.vcf.gz"), str(data / "confident.bed"))
        results = evaluate.evaluate(truth, {"varpix": str(calls)})
    print("\n".join([*aardvark.HEAD, *evaluate.lines(results)]))
    for kind, numbers in EXPECTED.items():
        row = results["varpix"][kind]
        if (row.tp, row.fn, row.fp) != numbers:
            project.fail(NAME, f"{kind} TP, FN, FP are {row.tp}, {row.fn}, {row.fp}, not {numbers}")

"""Compares what varpix makes of reads with DeepVariant's own outputs for them: candidates, counts, images.

In:  the data of VARPIX_DATA (default ../shared/data), which is not part of the project.
Out: tables; fails under the figures in tests/integration/conformance.rs. docs/conformance.md says what is compared and how.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from .. import project

NAME = "conformance"


def main(argv: Sequence[str]) -> None:
    project.parser(NAME, __doc__).parse_args(argv)
    golden = project.DATA / "golden"
    if not golden.is_dir():
        project.fail(NAME, f"{golden} is not there; set VARPIX_DATA")
    test = ["cargo", "test", "--locked", "--test", "integration", NAME, "--", "--ignored", "--nocapture", "--test-threads", "1"]
    done = subprocess.run(test, cwd=project.ROOT)
    if done.returncode:
        raise SystemExit(done.returncode)

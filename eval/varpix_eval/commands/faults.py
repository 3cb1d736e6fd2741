"""Plants faults in inputs, outputs and arguments, and checks how varpix answers each.

  scripts/eval faults            every fault; exit status 1 where one is answered badly
  scripts/eval faults ID...      these only; a prefix names all that begin with it
  scripts/eval faults --write    also write the table to docs/faults.md

Every fault is planted in a copy of testdata/ in a folder of its own. An answer is good where
  * the exit code is the one expected (0 done, 2 usage, 3 bad input, 4 output or space, 128 + N on signal N);
  * a refusal is one sentence on stderr, with the words expected, no panic, and no output under the final or a temporary name;
  * a run that ends with 0 writes the calls that it writes without the fault;
  * it ends within LIMIT seconds, and not by a signal of its own making.

Needs target/release/varpix (or $VARPIX), and Debian's samtools, bcftools and tabix.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from .. import project
from ..faults import catalogue, runner
from ..faults.table import table

NAME = "faults"


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("ids", nargs="*", help="faults to plant, by id or the beginning of one; default: all")
    parser.add_argument("--write", action="store_true", help="write the table to docs/faults.md")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="faults planted at once [%(default)s]")
    args = parser.parse_args(argv)
    if not runner.PROGRAM.is_file():
        project.fail(NAME, f"{runner.PROGRAM} is missing; run cargo build --release")
    chosen = [f for f in catalogue.faults() if not args.ids or f.id.startswith(tuple(args.ids))]
    if not chosen:
        project.fail(NAME, "no fault of that name")
    expected = runner.baseline()
    unmountable = [f for f in chosen if f.id.startswith("output-disk")] if os.geteuid() else []
    chosen = [f for f in chosen if f not in unmountable]
    with ThreadPoolExecutor(args.jobs) as pool:
        answers = list(pool.map(lambda f: runner.answered(f, expected), chosen))
    bad = [answer for answer in answers if answer.problems]
    for answer in bad:
        print(f"{answer.fault.id}: {'; '.join(answer.problems)} [{answer.code}: {answer.said}]")
    if args.write and not bad:
        (project.ROOT / "docs/faults.md").write_text(table(answers))
    not_run = f"; NOT RUN: {len(unmountable)} with small disks, which need root" if unmountable else ""
    print(f"faults: {len(answers)} faults, {len(bad)} answered badly{not_run}")
    if bad:
        raise SystemExit(1)

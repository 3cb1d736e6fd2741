"""Whether varpix answered a fault well: from what was observed to problems, and to the sentence for the table."""

from __future__ import annotations

import dataclasses
import re

from .area import Fault

HUNG = -999  # in place of an exit code
DIED = (101, 134, 139)  # exit codes of a panic, SIGABRT and SIGSEGV


@dataclasses.dataclass
class Observed:
    """A run on a planted fault."""

    code: int
    said: str = ""  # stderr
    calls: list[str] = dataclasses.field(default_factory=list)  # lines of its VCF
    left: list[str] = dataclasses.field(default_factory=list)  # files that were not there before
    changed: list[str] = dataclasses.field(default_factory=list)  # inputs that are gone or other than before
    output: str = ""  # the path of the VCF
    disk: str = ""  # what is left on a small disk beside the VCF and its index

    @property
    def lines(self) -> list[str]:
        return [line for line in self.said.splitlines() if line.strip()]


@dataclasses.dataclass
class Answer:
    """How varpix answered a fault."""

    fault: Fault
    code: int
    said: str
    left: list[str] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)


def genotypes(lines: list[str]) -> list[list[str]]:
    """Contig, position, alleles, filter and genotype: an index of another kind, say, moves where the survey of the sample looks, and so digits
    of qualities."""
    rows = [line.split("\t") for line in lines]
    # A record cut short is compared as it is.
    return [[*row[:2], *row[3:5], row[6], row[9].split(":")[0]] if len(row) > 9 else row for row in rows]


def sentence(seen: Observed) -> str:
    """The refusal: the last line, or of a usage error that with `error:`."""
    usage = [line for line in seen.lines if "error:" in line]
    if seen.code == 2 and usage:
        return usage[-1]
    return seen.lines[-1] if seen.lines else ""


def problems(fault: Fault, seen: Observed, expected: list[str] | None) -> list[str]:
    """What is bad about an answer; `expected` are the calls that a run which ends with 0 must have, None where they do not matter."""
    found = []
    if seen.code not in fault.codes:
        found.append(f"exit code {seen.code}, not {' or '.join(map(str, fault.codes))}")
    if seen.code < 0 or seen.code in DIED or "panicked" in seen.said:
        found.append("hung" if seen.code == HUNG else "died")
    # A run that is done may replace what had its output's name before, but never a file that it reads.
    found += [f"{path} was changed" for path in seen.changed if path != seen.output or seen.code != 0 or path == "sites.vcf.gz"]
    if seen.code == 0:
        if expected is not None and genotypes(seen.calls) != genotypes(expected):
            found.append(f"{len(seen.calls)} calls, {len(expected)} without the fault")
        return found + [
            f"no warning with '{word}'" for word in fault.warns if not any("warn" in line and word in line for line in seen.lines)
        ]
    where = seen.said if seen.code == 2 else sentence(seen)
    found += [f"'{word}' is not said" for word in fault.words if word not in where]
    # Pictures that were listed are whole and stay.
    if seen.left and not fault.id.startswith(("signal-show", "full-show")):
        found.append(f"left behind: {', '.join(seen.left)}")
    if seen.disk:
        found.append(f"left behind: {seen.disk.split()}")
    if not fault.id.startswith(("full-stderr", "closed-stderr")) and not seen.lines and seen.code not in (141, 143):
        found.append("nothing was said")
    return found


def shown(fault: Fault, seen: Observed, folder: str, root: str) -> str:
    """What the table shows of an answer, without the paths of this run."""
    if seen.code:
        return re.sub(r"^varpix: ", "", sentence(seen).replace(f"{folder}/", "").replace(f"{root}/", ""))
    warnings = [re.sub(r"^varpix: ", "", line) for line in seen.lines if re.match(r"varpix: warn", line)]
    return "; ".join(["the calls without the fault"] * fault.same + warnings).replace(f"{folder}/", "")

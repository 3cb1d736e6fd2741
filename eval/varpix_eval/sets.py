"""Sets of reads: from the tables in eval/sets to files, made where they are missing, and to the manifest that training reads."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator

from . import project

FOLDER = project.ROOT / "eval/sets"
ROLES = ("train", "tune", "judge")
ROOTS = ("data", "sim")  # sources that are relative to the checkout
REPLACED = {"data": "VARPIX_DATA", "windows": "VARPIX_WINDOWS"}  # sources that a variable can name instead
MANIFEST = ("reads", "reference", "truth", "confident", "weight", "role")


class SetError(Exception):
    """A table that cannot be used, in one sentence."""


def rows(path: pathlib.Path) -> Iterator[dict[str, str]]:
    """The rows of a table with a header; lines that begin with # are comments."""
    with open(path) as table:
        lines = (line for line in table if not line.startswith("#"))
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def sources(path: pathlib.Path = FOLDER / "sources.tsv", environment: dict[str, str] | None = None) -> dict[str, str]:
    """The values by name, with those that they name in place."""
    found: dict[str, str] = {}
    for row in rows(path):
        name = row["name"]
        value = (os.environ if environment is None else environment).get(REPLACED.get(name, ""), row["value"])
        if name in ROOTS:
            value = os.path.normpath(project.ROOT / value)
        found[name] = filled(value, found)
    return found


def filled(text: str, values: dict[str, str]) -> str:
    """The text with the values of {NAME} in place."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise SetError(f"eval/sets: nothing is named {match[1]}")
        return values[match[1]]

    return re.sub(r"\{([^{}]*)\}", value, text)


@dataclasses.dataclass(frozen=True)
class ReadSet:
    """A set with its paths resolved. Simulated reads have options of the simulation, real ones the paths of reads and confident regions."""

    name: str
    role: str
    reference: str
    truth: str
    region: str
    weight: float
    options: list[str]
    real: tuple[str, str] | None
    folder: str  # where files are made

    @property
    def hifi(self) -> bool:
        """Its reads are PacBio HiFi, for models/hifi and not models/wgs."""
        return self.name.startswith("hifi-")

    def made(self, suffix: str) -> str:
        return f"{self.folder}/{self.name}{suffix}"

    @property
    def reads(self) -> str:
        return self.real[0] if self.real else self.made(".bam")

    @property
    def known(self) -> str:
        """VCF of the variants that are in the reads."""
        return self.truth if self.real else self.made(".truth.vcf.gz")

    @property
    def confident(self) -> str:
        return self.made(".confident.bed")

    def simulation(self) -> list[str]:
        """Arguments of `scripts/eval simulate`."""
        return ["--ref", self.reference, "--truth", self.truth, "--region", self.region, "--out", self.made(""), *self.options]


def load(*names: str, values: dict[str, str] | None = None, folder: pathlib.Path = FOLDER) -> list[ReadSet]:
    """The sets of some tables, in order."""
    values = sources() if values is None else values
    found: dict[str, ReadSet] = {}
    for table in names:
        path = folder / f"{table}.tsv"
        if not path.is_file():
            raise SetError(f"{path} is not there")
        for row in rows(path):
            one = parsed(row, values)
            if one.name in found:
                raise SetError(f"{path}: {one.name} is there twice")
            found[one.name] = one
    return list(found.values())


def parsed(row: dict[str, str], values: dict[str, str]) -> ReadSet:
    """A row of a table; checked, since a slip would make another set."""
    name, role, weight = row["name"], row["role"], float(row["weight"])
    if role not in ROLES:
        raise SetError(f"{name}: role {role} (known: {', '.join(ROLES)})")
    if weight <= 0:
        raise SetError(f"{name}: its weight is {row['weight']}; it must be positive")
    reference, truth = (filled(f"{{{row[key]}}}", values) for key in ("reference", "truth"))
    real = None
    if row["reads"] != "-":
        reads, confident = (filled(f"{{{row[key]}}}", values) for key in ("reads", "confident"))
        real = (reads, confident)
    options = shlex.split(filled(row["options"] or "", values))
    return ReadSet(name, role, reference, truth, row["region"], weight, options, real, values["sim"])


def chosen(command: str, sets: list[ReadSet], names: Iterable[str]) -> list[ReadSet]:
    """Those that are named, or all."""
    wanted = set(names)
    unknown = wanted - {one.name for one in sets}
    if unknown:
        project.fail(command, f"no set is named {', '.join(sorted(unknown))}")
    return [one for one in sets if not wanted or one.name in wanted]


def judged(command: str, names: Iterable[str]) -> list[ReadSet]:
    """The sets to judge by that are named, or all; with their references."""
    try:
        found = chosen(command, load("judging"), names)
        references(command, sources())
    except SetError as error:
        project.fail(command, str(error))
    return found


def references(command: str, values: dict[str, str]) -> None:
    """Makes the references with their indexes, where they are missing."""
    origins = {
        "b37": ("/usr/share/doc/vt/examples/ref/20.fa.gz", "install Debian's vt-examples"),
        "grch38": (f"{values['data']}/reference/grch38.chr20_chr21_first10Mb.fa.gz", "set VARPIX_DATA"),
    }
    for name, (origin, hint) in (origins | {"grch38-long": (values["grch38"], "")}).items():
        target = pathlib.Path(values[name])
        if pathlib.Path(f"{target}.fai").exists():
            continue
        if not pathlib.Path(origin).exists():
            project.fail(command, f"{origin} is missing; {hint}")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        if name == "grch38-long":
            lengthened(pathlib.Path(origin), part)
        else:
            with gzip.open(origin) as packed, open(part, "wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
        part.rename(target)
        project.checked(command, "samtools", "faidx", target)


GRCH38 = {"chr20": 64444167, "chr21": 46709983}


def lengthened(origin: pathlib.Path, target: pathlib.Path) -> None:
    """Contigs that are cut short, filled with N to the length that alignments to the whole genome know."""
    text = origin.read_text().split(">")[1:]
    with open(target, "w") as out:
        for record in text:
            name, bases = record.split("\n", 1)
            sequence = bases.replace("\n", "").ljust(GRCH38[name.split()[0]], "N")
            out.write(f">{name}\n" + "\n".join(sequence[i : i + 60] for i in range(0, len(sequence), 60)) + "\n")


def make(command: str, sets: Iterable[ReadSet]) -> None:
    """Simulates the reads that are missing; a BAM's index is written last. Of real ones only the confident regions are made."""
    for one in sets:
        if one.real:
            if not one.options:
                cut_confident(one)
            continue
        if pathlib.Path(f"{one.reads}.bai").exists():
            continue
        # stdout is for the command's own table.
        done = subprocess.run([sys.executable, "-m", "varpix_eval", "simulate", *one.simulation()], stdout=sys.stderr)
        if done.returncode:
            project.fail(command, f"{one.name} cannot be made")


def cut_confident(one: ReadSet) -> None:
    """Writes the part of a real set's confident regions that lies in its region."""
    assert one.real
    contig, first, last = project.interval(one.region)
    lines = []
    for line in pathlib.Path(one.real[1]).read_text().splitlines():
        name, start, end = line.split("\t")[:3]
        begin, stop = max(int(start), first), min(int(end), last)
        if name == contig and begin < stop:
            lines.append(f"{name}\t{begin}\t{stop}\n")
    target = pathlib.Path(one.confident)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(lines))


def write_manifest(sets: Iterable[ReadSet], path: pathlib.Path) -> None:
    """The sets to learn from and to tune on, for `varpix train`; paths are relative to the manifest's folder."""
    folder = path.resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(MANIFEST)]
    for one in sets:
        if one.role != "judge":
            reads = ",".join(os.path.relpath(file, folder) for file in one.reads.split(","))
            paths = [reads, *(os.path.relpath(file, folder) for file in (one.reference, one.known, one.confident))]
            lines.append("\t".join([*paths, f"{one.weight:g}", one.role]))
    path.write_text("\n".join(lines) + "\n")

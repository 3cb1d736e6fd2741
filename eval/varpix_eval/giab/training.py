"""A manifest of training on Genome in a Bottle (eval/giab-wgs.tsv) to its lines, the public files that they need, and regions by role."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

from .. import project, sets
from . import sources
from .downloads import Store
from .regions import restricted

READY = project.ROOT / "eval/giab-wgs.tsv"
FOLDER = project.CACHE / "giab"  # where the ready manifest expects the files
# chr20 to chr22 have no role: they are for judging, as is all of HG003.
CONTIGS = {"train": tuple(f"chr{number}" for number in range(1, 19)), "tune": ("chr19",)}
HELD_OUT_SAMPLE = "HG003"
PCR_FREE = ".pcr-free."
HEAD = "# Written by scripts/eval giab-training-data. Held out: chr20 to chr22 of all samples, and all of HG003."


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of the manifest: names of files, which lie in one folder."""

    reads: str
    reference: str
    truth: str
    confident: str
    weight: str
    role: str

    @property
    def sample(self) -> str:
        return self.reads.split(".", 1)[0]

    @property
    def files(self) -> list[str]:
        """What training opens: the files with their indexes."""
        return [self.reads, f"{self.reads}.bai", self.reference, f"{self.reference}.fai", self.truth, self.confident]

    def addresses(self) -> list[str]:
        """Where what it needs lies: reads, truth, both indexes, confident regions of all contigs, and the reference."""
        return [
            *sources.reads(self.reads),
            *sources.truth(self.sample),
            sources.confident(self.sample),
            sources.REFERENCE,
        ]


def lines(path: pathlib.Path = READY) -> Iterator[Line]:
    """The lines of a manifest, without the folders."""
    for row in sets.rows(path):
        reads, reference, truth, confident = (pathlib.PurePath(row[column]).name for column in sets.MANIFEST[:4])
        yield Line(reads, reference, truth, confident, row["weight"], row["role"])


def addresses(chosen: Iterable[Line]) -> list[str]:
    """What all lines need, each address once."""
    return list(dict.fromkeys(url for line in chosen for url in line.addresses()))


def prepare(store: Store, chosen: Sequence[Line]) -> None:
    """Fetches what the lines need, and cuts the confident regions by role."""
    store.ask(addresses(chosen))
    sources.reference(store)
    for line in chosen:
        store.get(*line.addresses())
        restricted(store.command, store.path(sources.confident(line.sample)), CONTIGS[line.role], store.folder / line.confident)


def write(chosen: Iterable[Line], folder: pathlib.Path, path: pathlib.Path) -> None:
    """A manifest of files in a folder; paths are relative to the manifest's own folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    start = os.path.relpath(folder.resolve(), path.resolve().parent)
    written = [HEAD, "\t".join(sets.MANIFEST)]
    for line in chosen:
        names = (line.reads, line.reference, line.truth, line.confident)
        written.append("\t".join([*(os.path.join(start, name) for name in names), line.weight, line.role]))
    path.write_text("\n".join(written) + "\n")


def lacking(path: pathlib.Path) -> list[str]:
    """The files that a manifest needs and that are not where it says; those of a line share a folder."""
    found = []
    for row, line in zip(sets.rows(path), lines(path), strict=True):
        folder = path.parent / pathlib.PurePath(row["reads"]).parent
        found += [str(folder / name) for name in line.files if not (folder / name).is_file()]
    return list(dict.fromkeys(found))

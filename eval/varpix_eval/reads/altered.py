"""Aligned reads as another pipeline would have written them, of the same molecules: lines of SAM in, lines of SAM out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

from ..simulation.finish import CONSTANT

PAIRED = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80  # what flags say of mates


def without_mates(fields: list[str], _: int) -> None:
    """Single-end: no mate, no template length."""
    fields[0] += f"/{1 if int(fields[1]) & 0x40 else 2}"
    fields[1] = str(int(fields[1]) & ~PAIRED)
    fields[6:9] = ["*", "0", "0"]


def without_template_lengths(fields: list[str], _: int) -> None:
    fields[8] = "0"


def unknown_mapping_quality(fields: list[str], _: int) -> None:
    fields[4] = "255"


def capped_mapping_quality(fields: list[str], _: int) -> None:
    fields[4] = str(min(int(fields[4]), 42))


def constant_quality(fields: list[str], _: int) -> None:
    fields[10] = CONSTANT * len(fields[10])


def consensus_quality(fields: list[str], _: int) -> None:
    """Twice as high, up to 90, as of consensus reads of several sequenced copies."""
    fields[10] = "".join(chr(33 + min(90, 2 * (ord(letter) - 33))) for letter in fields[10])


def binned_quality(fields: list[str], _: int) -> None:
    """Three levels: 2, 12 and 23."""
    fields[10] = "".join("#" if letter < "0" else "-" if letter < "?" else "8" for letter in fields[10])


def copied(fields: list[str], copy: int) -> None:
    """Another name for each copy, so that none is its mate's or a duplicate's."""
    if copy:
        fields[0] += f".{copy}"


@dataclasses.dataclass(frozen=True)
class Alteration:
    """A change to each read, of which so many copies are made."""

    change: Callable[[list[str], int], None]
    copies: int = 1


ALTERATIONS = {
    "single-end": Alteration(without_mates),
    "tlen-0": Alteration(without_template_lengths),
    "mapq-255": Alteration(unknown_mapping_quality),
    "mapq-42": Alteration(capped_mapping_quality),
    "quality-40": Alteration(constant_quality),
    "quality-90": Alteration(consensus_quality),
    "quality-bins": Alteration(binned_quality),
    "4-times": Alteration(copied, 4),
    "20-times": Alteration(copied, 20),
    "60-times": Alteration(copied, 60),
}


def altered(lines: Iterable[str], alteration: Alteration) -> Iterator[str]:
    """Sorted as they were; copies follow each other."""
    for line in lines:
        if line.startswith("@"):
            yield line
            continue
        for copy in range(alteration.copies):
            fields = line.rstrip("\n").split("\t")
            alteration.change(fields, copy)
            yield "\t".join(fields) + "\n"

"""Regions of a BED on some contigs."""

from __future__ import annotations

import gzip
import pathlib
from collections.abc import Collection

from .. import project


def restricted(command: str, bed: project.Path, contigs: Collection[str] | None, target: pathlib.Path) -> pathlib.Path:
    """A copy of a BED, plain or gzipped, with the lines of some contigs or of all; it is at target when it is whole."""
    raw = pathlib.Path(bed).read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    lines = [line for line in raw.decode().splitlines() if line.count("\t") >= 2 and not line.startswith(("#", "track", "browser"))]
    kept = [line for line in lines if contigs is None or line.split("\t", 1)[0] in contigs]
    if not kept:
        project.fail(command, f"{bed} holds nothing on {'any contig' if contigs is None else ', '.join(contigs)}")
    part = target.with_name(target.name + ".part")
    part.write_text("\n".join(kept) + "\n")
    return part.rename(target)

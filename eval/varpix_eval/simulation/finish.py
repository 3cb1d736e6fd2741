"""The last changes to aligned reads: qualities and mapping qualities as other programs write them; lines of SAM in, lines of SAM out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

QUALITIES = ("made", "binned", "constant", "missing")
MAPQS = ("made", "bowtie2", "dragen", "255")

# Four levels.
BINNED = {q: "#" if q < 43 else "0" if q < 58 else ":" if q < 66 else "F" for q in range(33, 127)}
CONSTANT = "I"  # 40


def mapping_quality(quality: int, differences: int, scale: str) -> int:
    """bwa's (0 to 60) on another program's scale, as alike as one number allows. bowtie2's falls with differences (NM) too."""
    if scale == "255":
        return 255
    if scale == "dragen":
        return round(quality * 250 / 60)
    if scale == "bowtie2":
        if quality >= 55:
            return 42 if differences < 2 else 40 if differences < 4 else 24 if differences < 7 else 11
        return 30 if quality >= 40 else 23 if quality >= 25 else 8 if quality >= 10 else 3 if quality else 1
    return quality


def finished(lines: Iterable[str], qualities: str, mapq: str, most: Callable[[str, int], int] | None = None) -> Iterator[str]:
    """Without the lines that name programs, paths and threads; binned without tags but RG, to save space.

    `most` tells the highest mapping quality of a read by its name and flags, where there is one.
    """
    for line in lines:
        if line.startswith("@"):
            if not line.startswith("@PG"):
                yield line
            continue
        if qualities == "made" and mapq == "made" and not most:
            yield line
            continue
        fields = line.rstrip("\n").split("\t")
        if most:
            fields[4] = str(min(int(fields[4]), most(fields[0], int(fields[1]))))
        if mapq != "made" and not int(fields[1]) & 4:
            differences = next((int(tag[5:]) for tag in fields[11:] if tag.startswith("NM:i:")), 0)
            fields[4] = str(mapping_quality(int(fields[4]), differences, mapq))
        if qualities == "binned":
            fields[10] = fields[10].translate(BINNED)
            fields[11:] = [tag for tag in fields[11:] if tag.startswith("RG:")]
        elif qualities == "constant":
            fields[10] = CONSTANT * len(fields[10])
        elif qualities == "missing":
            fields[10] = "*"
        yield "\t".join(fields) + "\n"

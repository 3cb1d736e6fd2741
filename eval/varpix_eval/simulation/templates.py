"""Templates of reads: from the pairs of a real BAM to what can be laid on another sequence: lengths, base qualities, and errors by cycle.

Errors are what differs from the sample: known variants are masked, and without a truth, positions where a fifth of the reads differ. Slips of repeats are
not among them, since they belong to a molecule's own sequence (molecules.py).
"""

from __future__ import annotations

import dataclasses

from ..project import output
from ..reads import alignments, tracts
from .molecules import reverse_complement

MAPQ = 1  # least, of both mates
WRONG = 0.12  # a read with a greater share of wrong bases is from elsewhere
CLIPPED = 0.5  # most of a read that may be clipped
NEAR = 10  # bp from a variant or a tract, within which indels and clips are not taken for errors

# (cycle, bases of the haplotype that it replaces, the base that was there, bases of the read)
Edit = tuple[int, int, str, str]


@dataclasses.dataclass(frozen=True)
class Read:
    """Qualities (Phred + 33) and errors by cycle."""

    quality: str
    edits: tuple[Edit, ...]


@dataclasses.dataclass(frozen=True)
class Template:
    """A pair: its position in its window, its fragment's length (bp), whether read 1 is the reverse one, reads 1 and 2 and their MAPQ."""

    position: int
    length: int
    reverse: bool
    reads: tuple[Read, Read]
    mapq: tuple[int, int]

    @property
    def bases(self) -> int:
        return sum(len(read.quality) for read in self.reads)


@dataclasses.dataclass(frozen=True)
class Window:
    """Templates of a region of so many bp; `first` is the number of the first of them."""

    first: int
    span: int
    templates: tuple[Template, ...]


def load(spec: str) -> list[Window]:
    """Of BAM,REF,REGION[+REGION...][,TRUTH.vcf.gz,CONFIDENT.bed]."""
    bam, ref, regions, *truth = spec.split(",")
    windows, first = [], 0
    for region in regions.split("+"):
        found = _window(bam, ref, region, truth)
        windows.append(Window(first, found[0], tuple(found[1])))
        first += len(found[1])
    return windows


def _window(bam: str, ref: str, region: str, truth: list[str]) -> tuple[int, list[Template]]:
    contig, ends = region.rsplit(":", 1)
    start, end = (int(n) for n in ends.split("-"))
    offset = max(0, start - 1001)
    bases = alignments.reference(ref, contig, offset, end + 1000)
    if truth:
        variants, outside = _known(region, *truth)
    else:
        variants, outside = alignments.differing(bam, region, bases, offset), set()
    # Where an indel or a clip is no error of the sequencer's.
    loose = {p + i for p in variants for i in range(-NEAR, NEAR + 1)}
    for tract in tracts.find(bases):
        loose.update(range(tract.start + offset - NEAR, tract.end + offset + NEAR))
    waiting: dict[str, list[str]] = {}
    found = []
    for fields in alignments.view(bam, region, "-f", "3", "-F", "0xF0C", "-q", str(MAPQ)):
        mate = waiting.pop(fields[0], None)
        if mate is None:
            waiting[fields[0]] = fields
            continue
        left, right = (mate, fields) if not int(mate[1]) & 16 else (fields, mate)
        if int(left[1]) & 16 or not int(right[1]) & 16:
            continue
        low, high = int(left[3]) - 1, int(right[3]) - 1 + sum(n for kind, _, _, n in alignments.parts(0, right[5]) if kind in "MDN")
        if not 30 <= high - low <= 1500 or low < start - 1 or high > end or (outside and (low in outside or high in outside)):
            continue
        reads = [read for one in (left, right) if (read := _read(one, bases, offset, variants, loose))]
        if len(reads) < 2:
            continue
        reverse = bool(int(left[1]) & 128)
        first, second = (1, 0) if reverse else (0, 1)
        mapq = (int(left[4]), int(right[4]))
        found.append(Template(low - start + 1, high - low, reverse, (reads[first], reads[second]), (mapq[first], mapq[second])))
    return end - start + 1, sorted(found, key=lambda t: (t.position, t.length, t.reads[0].quality))


def _known(region: str, vcf: str, bed: str) -> tuple[set[int], set[int]]:
    """Positions of variants, and those outside the confident regions, 0-based."""
    contig, ends = region.rsplit(":", 1)
    start, end = (int(n) for n in ends.split("-"))
    outside = set(range(start - 1, end))
    with open(bed) as lines:
        for line in lines:
            name, low, high = line.split("\t")[:3]
            if name == contig:
                outside.difference_update(range(max(start - 1, int(low)), min(end, int(high))))
    variants = set(outside)
    for line in output("bcftools", "query", "-r", region, "-f", "%POS\t%REF\t%ALT\n", vcf).splitlines():
        position, allele, alts = line.split("\t")
        indel = any(len(alt) != len(allele) for alt in alts.split(","))
        variants.update(range(int(position) - 1, int(position) - 1 + len(allele) + (NEAR if indel else 0)))
    return variants, outside


def _read(fields: list[str], bases: str, offset: int, variants: set[int], loose: set[int]) -> Read | None:
    sequence, quality, reverse = fields[9], fields[10], int(fields[1]) & 16
    if len(quality) != len(sequence):
        return None
    edits: list[Edit] = []
    wrong = clipped = 0
    for kind, there, at, count in alignments.parts(int(fields[3]) - 1, fields[5]):
        if kind == "M":
            for i in range(count):
                own, shown = bases[there + i - offset], sequence[at + i]
                if shown == "N" or (shown != own and own in "ACGT" and there + i not in variants):
                    edits.append((at + i, 1, own, shown))
                    wrong += shown != "N"
        elif kind == "S":
            clipped += count
            if there not in loose:
                edits.append((at, 0, "", sequence[at : at + count]))
        elif kind == "I" and there not in loose:
            edits.append((at, 0, "", sequence[at : at + count]))
        elif kind == "D" and there not in loose:
            edits.append((at, count, "", ""))
    if wrong > WRONG * len(sequence) or clipped > CLIPPED * len(sequence):
        return None
    if reverse:
        turned = []
        for at, replaced, own, shown in reversed(edits):
            turned.append((len(sequence) - at - len(shown), replaced, reverse_complement(own), reverse_complement(shown)))
        edits, quality = turned, quality[::-1]
    return Read(quality, tuple(edits))


def laid(read: Read, source: str) -> str:
    """A read of the template's length with its errors, of a sequence that begins where the read does."""
    made, at, cycle, length = [], 0, 0, len(read.quality)
    for position, replaced, own, shown in read.edits:
        made.append(source[at : at + position - cycle])
        at, cycle = at + position - cycle, position + len(shown)
        if replaced and shown:
            # Where the sequence has the wrong base already, the real read's right one is wrong.
            shown = own if shown == source[at : at + 1] and own else shown
        made.append(shown)
        at += replaced
    made.append(source[at : at + length - cycle])
    return "".join(made)[:length]

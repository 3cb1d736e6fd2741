"""What reads look like: from a BAM to rates of mismatches, indels, clips and false alleles."""

from __future__ import annotations

import collections
import pathlib
import re

from .. import project
from . import alignments

SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 1.01)  # of reads with a false allele, upper bounds
Table = dict[int, list[int]]


def near_variants(vcf: str, region: str) -> set[int]:
    """Positions (0-based) of a VCF's variants, 5 bp before and 6 behind them."""
    found: set[int] = set()
    for line in project.output("bcftools", "query", "-r", region, "-f", "%POS\t%REF\n", vcf).splitlines():
        position, allele = line.split("\t")
        found.update(range(int(position) - 6, int(position) + len(allele) + 5))
    return found


def homopolymers(bases: str) -> list[int]:
    """At the first base of each run its length (2 to 20), elsewhere 0."""
    runs = [0] * len(bases)
    for match in re.finditer(r"([ACGT])\1+", bases):
        runs[match.start()] = min(20, match.end() - match.start())
    return runs


class Profile:
    """What the reads of a BAM look like, of NAME=BAM,REF,REGION[+REGION...][,VCF[,BED]]."""

    def __init__(self, spec: str) -> None:
        self.name, rest = spec.split("=", 1)
        bam, ref, regions, *known = rest.split(",")
        vcf, bed = [*known, None, None][:2]
        self.count: collections.Counter[str] = collections.Counter()
        # Of bases by quality and by cycle, of reads over homopolymers by their length: all, and the wrong ones.
        self.quality: Table = collections.defaultdict(lambda: [0, 0])
        self.cycle: Table = collections.defaultdict(lambda: [0, 0])
        self.homopolymer: Table = collections.defaultdict(lambda: [0, 0])
        self.mapq: collections.Counter[int] = collections.Counter()
        self.insert: collections.Counter[int] = collections.Counter()
        # By share: (on one strand alone, mean quality, mean distance to the read's end)
        self.false: dict[float, list[tuple[bool, float, float]]] = collections.defaultdict(list)
        self.examined = 0
        for region in regions.split("+"):
            self.read(bam, ref, region, vcf if vcf != "-" else None, bed)

    def read(self, bam: str, ref: str, region: str, vcf: str | None, bed: str | None) -> None:
        contig, start, end = project.interval(region)
        offset = max(0, start - 999)
        bases = alignments.reference(ref, contig, offset, end + 1000)
        known = alignments.differing(bam, region, bases, offset) if not vcf else near_variants(vcf, region)
        if bed:
            inside: set[int] = set()
            for line in pathlib.Path(bed).read_text().splitlines():
                name, low, high = line.split("\t")[:3]
                if name == contig:
                    inside.update(range(max(offset, int(low)), min(offset + len(bases), int(high))))
            known.update(set(range(offset, offset + len(bases))) - inside)
        self.run = homopolymers(bases)
        self.depth: collections.Counter[int] = collections.Counter()
        self.alleles: dict[tuple[int, str], list[tuple[bool, int, int]]] = collections.defaultdict(list)
        self.waiting: dict[str, tuple[int, int, dict[int, str]]] = {}
        for fields in alignments.view(bam, region, "-F", "0xB04"):
            self.add(fields, bases, offset, known)
        self.examined += len(set(range(start, end)) - known)
        for (position, _), seen in self.alleles.items():
            if len(seen) >= 2 and self.depth[position] >= 10 and start < position + offset + 1 <= end:
                share = next(bound for bound in SHARES if len(seen) / self.depth[position] < bound)
                quality, distance = (sum(values) / len(seen) for values in list(zip(*seen))[1:])
                self.false[share].append((len({one[0] for one in seen}) == 1, quality, distance))

    def add(self, fields: list[str], bases: str, offset: int, known: set[int]) -> None:
        count, flag, mapq = self.count, int(fields[1]), int(fields[4])
        count["reads"] += 1
        self.mapq[mapq] += 1
        count["duplicate"] += flag >> 10 & 1
        count["improper"] += not flag & 2
        count["low_mapq"] += mapq < 50
        count["zero_mapq"] += mapq == 0
        self.insert[min(1000, abs(int(fields[8])) // 10 * 10)] += 1
        if flag & 1024 or mapq == 0:
            return
        count["used"] += 1
        sequence, quality = fields[9], fields[10]
        length, reverse = len(sequence), bool(flag & 16)
        count["length"] += length
        count["n"] += sequence.count("N")
        position, at, mismatches = int(fields[3]) - 1 - offset, 0, 0
        seen: set[str] = set()
        wrongs: dict[int, str] = {}
        first = position
        for number, kind in alignments.CIGAR.findall(fields[5]):
            n = int(number)
            if kind in "M=X":
                for i in range(n):
                    base, p = sequence[at + i], position + i
                    if not 0 <= p < len(bases) or p + offset in known or base == "N" or bases[p] == "N":
                        continue
                    wrong, q = base != bases[p], ord(quality[at + i]) - 33
                    count["bases"] += 1
                    self.quality[q][0] += 1
                    cycle = length - 1 - at - i if reverse else at + i
                    self.cycle[cycle][0] += 1
                    count["lowq"] += q < 15
                    count["highq"] += q >= 30
                    if q >= 10 and mapq >= 10:
                        self.depth[p] += 1
                        if wrong:
                            self.alleles[p, base].append((reverse, q, min(at + i, length - 1 - at - i)))
                    if wrong:
                        mismatches += 1
                        wrongs[p] = base
                        count["wrong"] += 1
                        count["highwrong"] += q >= 30
                        self.quality[q][1] += 1
                        self.cycle[cycle][1] += 1
                    if i and i < n - 1 and self.run[p]:
                        self.homopolymer[self.run[p]][0] += 1
                position, at = position + n, at + n
            elif kind == "I":
                seen.add("insertion" if position + offset not in known else "")
                self.near(position, offset, known)
                at += n
            elif kind in "DN":
                seen.add("deletion" if position + offset not in known else "")
                self.near(position, offset, known)
                position += n
            elif kind == "S":
                seen.add("clipped")
                count["clip"] += n
                at += n
        for what in seen:
            count[what] += 1
        count["dirty"] += mismatches >= 3
        mate = self.waiting.pop(fields[0], None)
        if mate:
            overlap = min(mate[1], position) - max(mate[0], first)
            count["overlap"] += max(0, overlap)
            count["agree"] += sum(mate[2].get(p) == base for p, base in wrongs.items())
        elif int(fields[1]) & 1:
            self.waiting[fields[0]] = first, position, wrongs

    def near(self, position: int, offset: int, known: set[int]) -> None:
        """An indel beside a homopolymer."""
        for p in (position, position + 1):
            if 0 <= p < len(self.run) and self.run[p] and p + offset not in known:
                self.homopolymer[self.run[p]][1] += 1
                return

    def per_mb(self, share: float) -> tuple[float, float, float, float]:
        """False SNP alleles up to that share: per Mb, and of them on one strand alone, mean base quality, mean distance to the read's end."""
        found = self.false[share]
        one_strand, quality, distance = (sum(values) / len(found) for values in zip(*found)) if found else (0.0, 0.0, 0.0)
        return len(found) / self.examined * 1e6, one_strand, quality, distance

    def rates(self) -> dict[str, float]:
        c = self.count

        def n(a: int, b: int) -> float:
            return a / b if b else 0.0

        used, reads = c["used"], c["reads"]
        return {
            "reads": reads,
            "length": n(c["length"], used),
            "mismatch": n(c["wrong"], c["bases"]),
            "high": n(c["highwrong"], c["highq"]),
            "both": n(c["agree"], c["overlap"]),
            "low": n(c["lowq"], c["bases"]),
            "n": n(c["n"], c["length"]),
            "clip": n(c["clip"], c["length"]),
            **{k: n(c[k], used) for k in ("clipped", "insertion", "deletion", "dirty")},
            **{k: n(c[k], reads) for k in ("low_mapq", "zero_mapq", "duplicate", "improper")},
        }

"""Sequencers: from molecules, as both reads of a pair see them, to reads with errors and base qualities.

Each takes (name, fragment, read 1's sequence, read 2's) and yields (name, fragment's length, ((bases, qualities), (bases, qualities))), in order.
"""

from __future__ import annotations

import math
import pathlib
import random
import re
import subprocess
from collections.abc import Iterable, Iterator

from ..reads.libraries import Library
from .molecules import OTHER, Fragment, reverse_complement
from .templates import Template, laid

ADAPTERS = ("AGATCGGAAGAGCACACGTCTGAACTCCAGTCAC" + "A" * 500, "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGTAG" + "A" * 500)
MARGIN = 20  # bases beyond a read's length that deletions can use
Named = tuple[str, Fragment, str, str]
Reads = tuple[tuple[str, str], tuple[str, str]]
Sequenced = tuple[str, int, Reads]


def art(pairs: Iterable[Named], profile: str, length: int, stem: pathlib.Path, seed: int) -> Iterator[Sequenced]:
    """ART's qualities and errors. Each pair is an amplicon of its own, of both reads' templates end to end, so fragments may be of any length."""
    fasta = f"{stem}.fa"
    names: list[tuple[str, int]] = []
    with open(fasta, "w") as out:
        for name, _, *mates in pairs:
            first, second = ((mate + adapter)[: length + MARGIN] for mate, adapter in zip(mates, ADAPTERS))
            out.write(f">{len(names)}\n{first}{reverse_complement(second)}\n")
            names.append((name, len(mates[0])))
    if not names:
        return
    run = subprocess.run(
        [
            "art_illumina",
            "-ss",
            profile,
            "-amp",
            "-p",
            "-l",
            str(length),
            "-f",
            "1",
            "-na",
            "-q",
            "-nf",
            "0",
            "-rs",
            str(seed),
            "-i",
            fasta,
            "-o",
            f"{stem}.",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    pathlib.Path(fasta).unlink()
    if run.returncode:
        raise SystemExit(f"simulate: art_illumina cannot make reads of {length} bp with {profile}: {run.stdout.strip().splitlines()[-1:]}")
    with open(f"{stem}.1.fq") as one, open(f"{stem}.2.fq") as two:
        for (header, *read), (_, *mate) in zip(zip(*[one] * 4), zip(*[two] * 4)):
            name, size = names[int(header[1:].split("-", 1)[0])]
            yield name, size, ((read[0].rstrip("\n"), read[2].rstrip("\n")), (mate[0].rstrip("\n"), mate[2].rstrip("\n")))
    for number in (1, 2):
        pathlib.Path(f"{stem}.{number}.fq").unlink()


RATES = ((0.0005, 0.012), (0.001, 0.02))  # wrong bases at the first and the last cycle, of reads 1 and 2
STRINGS = 2000  # quality strings that reads draw from


def dwgsim(pairs: Iterable[Named], length: int, seed: int) -> Iterator[Sequenced]:
    """As dwgsim makes them: errors that grow along the read, qualities that tell the cycle's rate and no more, SD 3. Any length."""
    rng = random.Random(f"dwgsim {seed}")
    grown = [[low + (high - low) * i / max(1, length - 1) for i in range(length)] for low, high in RATES]
    strings = [
        ["".join(chr(33 + max(2, min(41, round(rng.gauss(-10 * math.log10(rate), 3))))) for rate in rates) for _ in range(STRINGS)]
        for rates in grown
    ]
    for name, _, *mates in pairs:
        made = []
        for mate, bases in enumerate(mates):
            top, read = RATES[mate][1], list((bases + ADAPTERS[mate])[:length])
            at = int(rng.expovariate(top))
            while at < length:
                if rng.random() < grown[mate][at] / top:
                    read[at] = rng.choice(OTHER[read[at]])
                at += 1 + int(rng.expovariate(top))
            made.append(("".join(read), strings[mate][rng.randrange(STRINGS)]))
        yield name, len(mates[0]), (made[0], made[1])


def transplanted(pairs: Iterable[Named], templates: list[Template]) -> Iterator[Sequenced]:
    """Qualities and errors of real pairs."""
    for name, fragment, *mates in pairs:
        template = templates[fragment.template]
        made = [(laid(read, bases + adapter), read.quality) for read, bases, adapter in zip(template.reads, mates, ADAPTERS)]
        yield name, len(mates[0]), (made[0], made[1])


# After these, in the direction of sequencing, some contexts are misread again and again.
MOTIF = re.compile("GG[CT]|CCG|ACGG")
MISREAD = (0.06, 0.06, 0.08, 0.1, 0.12, 0.16, 0.25, 0.4)  # shares of the reads


def dirty(reads: Iterable[Sequenced], library: Library, seed: int, stream: str) -> Iterator[Sequenced]:
    """With what sequencers add: tails of low quality, stretches of N, chimeras, and errors after certain motifs."""
    rng, salt = random.Random(f"dirt {seed} {stream}"), random.Random(f"context {seed}").getrandbits(30)
    before = ["", ""]
    for name, size, pair in reads:
        chimera, made = rng.random() < library.chimeras, []
        for mate, (bases, quality) in enumerate(pair):
            bases, quality = _motifs(bases, quality, salt, rng)
            bases, quality = _tail(bases, quality, library.tails, rng)
            if chimera and before[mate]:
                start = int(len(bases) * rng.uniform(0.2, 0.8))
                bases = (bases[:start] + before[mate][start:])[: len(bases)].ljust(len(bases), "N")
            before[mate] = bases
            made.append((bases, quality))
        yield name, size, (made[0], made[1])


def _motifs(bases: str, quality: str, salt: int, rng: random.Random) -> tuple[str, str]:
    """Of the contexts of a motif and 5 bases before it, one in 100 is bad, most of them in few reads of one strand."""
    for match in MOTIF.finditer(bases, 5, len(bases) - 1):
        at = match.end()
        context = salt
        for letter in bases[match.start() - 5 : at]:  # the same number in every run, unlike Python's own hash
            context = (context * 1000003 ^ ord(letter)) & 0x7FFFFFFF
        if context % 100 == 0 and bases[at] != "G" and rng.random() < MISREAD[context // 100 % len(MISREAD)]:
            bases = bases[:at] + "G" + bases[at + 1 :]
            quality = quality[:at] + chr(33 + rng.choice((12, 20, 27, 32))) + quality[at + 1 :]
    return bases, quality


def _tail(bases: str, quality: str, share: float, rng: random.Random) -> tuple[str, str]:
    kind, length = rng.random(), len(bases)
    if kind < share:
        # It gets worse; bases are wrong as often as their quality says.
        start = int(length * rng.uniform(0.3, 0.97))
        tail, qualities, level = [], [], rng.uniform(3, 15)
        for base in bases[start:]:
            q = max(2, min(35, int(rng.gauss(level, 3))))
            level = max(3.0, level - rng.random() * 0.4)
            if base != "N" and rng.random() < 10 ** (-q / 10):
                base = rng.choice(OTHER[base])
            tail.append(base)
            qualities.append(chr(33 + q))
        return bases[:start] + "".join(tail), quality[:start] + "".join(qualities)
    if kind < share + 0.002:
        start = int(length * rng.random())
        n = min(length - start, rng.choice((1, 1, 2, 20, 60)))
        return bases[:start] + "N" * n + bases[start + n :], quality[:start] + "#" * n + quality[start + n :]
    return bases, quality


def trimmed(reads: Iterable[Sequenced]) -> Iterator[Sequenced]:
    """Without the adapter behind a short fragment."""
    for name, size, pair in reads:
        yield name, size, ((pair[0][0][:size], pair[0][1][:size]), (pair[1][0][:size], pair[1][1][:size]))


def fastq(reads: Iterable[Sequenced], mates: int, merge: bool) -> Iterator[str]:
    """Records, mates behind each other with the same name. Merged, pairs that overlap by 10 bp or more become one read of the fragment."""
    for name, size, pair in reads:
        shown = pair[:mates]
        if merge and mates == 2 and len(pair[0][0]) + len(pair[1][0]) >= size + 10:
            shown = (merged(size, pair),)
        for bases, quality in shown:
            yield f"@{name}\n{bases}\n+\n{quality}\n"


def merged(size: int, pair: Reads) -> tuple[str, str]:
    """One read of a fragment: the base of the better quality wins, and equal ones add up to 41."""
    (one, q1), (two, q2) = ((bases[:size], quality[:size]) for bases, quality in pair)
    two, q2 = reverse_complement(two), q2[::-1]
    start = size - len(two)
    bases, quality = [], []
    for i in range(start, min(size, len(one))):
        better = one[i] if q1[i] >= q2[i - start] else two[i - start]
        same = one[i] == two[i - start]
        total = ord(q1[i]) + ord(q2[i - start]) - 66
        bases.append(better)
        quality.append(chr(33 + min(41, total if same else max(2, abs(ord(q1[i]) - ord(q2[i - start]))))))
    return one[:start] + "".join(bases) + two[min(size, len(one)) - start :], q1[:start] + "".join(quality) + q2[
        min(size, len(one)) - start :
    ]

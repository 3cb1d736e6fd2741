"""PacBio HiFi reads: from molecules to consensus reads with their errors and base qualities.

Rates and qualities are those of HG002's Sequel II reads in VARPIX_DATA (`scripts/eval slippage`; docs/long-reads.md): a read's passes decide how
often it errs, from 4 times the mean to a twentieth; most errors are false lengths of homopolymers. Those of 5 bp and more are slips of the
molecule (`molecules`), as are those of longer units; shorter ones are drawn here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator

from .molecules import OTHER, Fragment

# Thirteen equal parts of the reads by mean base quality: how often they err by the mean of all, and that mean quality.
ERRORS = (3.9, 2.55, 2.1, 1.1, 0.74, 0.85, 0.43, 0.37, 0.27, 0.21, 0.21, 0.13, 0.05)
MEAN_QUALITY = (49.7, 60.5, 73.0, 78.0, 81.1, 83.9, 86.9, 89.7, 90.8, 91.6, 92.0, 92.3, 92.7)
HIGHEST = 93
WRONG = 1.5e-4  # wrong bases by base
# Inserted and lost bases by base, where no homopolymer or one of so many bp is; from 5 bp on the molecule slips.
INSERTED = (0.0, 2.5e-4, 5e-4, 9e-4, 1.6e-3)
LOST = (0.0, 1.6e-4, 8e-4, 2.0e-3, 2.5e-3)
POOL = 60000  # bases of quality that reads of a class draw from
RUN = re.compile(r"A{3,}|C{3,}|G{3,}|T{3,}")
DOUBTED = 0.06  # share of homopolymers whose quality is low, for each bp and a mean read


def drawn_class(rng: random.Random) -> int:
    """The class of a read."""
    return rng.randrange(len(ERRORS))


def qualities(mean: float, rng: random.Random) -> str:
    """A pool of base qualities (Phred + 33) of that mean: the highest, and others with their mode at 60."""
    others = (3 + HIGHEST + 60) / 3
    highest = max(0.03, (mean - others) / (HIGHEST - others))
    return "".join(chr(33 + (HIGHEST if rng.random() < highest else int(rng.triangular(3, 92, 60)))) for _ in range(POOL))


class Sequencer:
    """Draws errors and qualities; one for each stream of reads."""

    def __init__(self, seed: int, stream: str) -> None:
        self.rng = random.Random(f"hifi {seed} {stream}")
        self.pools = [qualities(mean, self.rng) for mean in MEAN_QUALITY]

    def read(self, bases: str, of_class: int) -> tuple[str, str]:
        """The bases of a molecule as they are read, in the direction of the read, and their qualities."""
        rng, factor = self.rng, ERRORS[of_class]
        bases, doubtful = self.with_errors(bases, factor)
        start, pool = rng.randrange(POOL), self.pools[of_class]
        quality = list((pool * (2 + (start + len(bases)) // POOL))[start : start + len(bases)])
        for run in RUN.finditer(bases):
            length = run.end() - run.start()
            if rng.random() < min(0.9, DOUBTED * length * factor**0.5):
                quality[run.start()] = chr(33 + rng.randrange(3, 45))
        for at in doubtful:
            quality[at] = chr(33 + rng.randrange(2, 25))
        return bases, "".join(quality)

    def with_errors(self, bases: str, factor: float) -> tuple[str, list[int]]:
        """With wrong, inserted and lost bases, and the places of those that the read itself doubts: half of them."""
        rng, edits = self.rng, []
        highest = max(*INSERTED, *LOST)
        for table, rate in ((None, WRONG), (INSERTED, highest), (LOST, highest)):
            at = int(rng.expovariate(rate * factor))
            while at < len(bases):
                if table is None:
                    edits.append((at, 1, rng.choice(OTHER.get(bases[at], "ACGT"))))
                else:
                    run = run_length(bases, at)
                    if run < len(table) and rng.random() < table[run] / highest:
                        same = rng.random() < 0.8
                        edits.append((at, 1, "") if table is LOST else (at, 0, bases[at] if same else rng.choice("ACGT")))
                at += 1 + int(rng.expovariate(rate * factor))
        made, doubtful, last, length = [], [], 0, 0
        for at, replaced, new in sorted(edits):
            if at < last:
                continue
            made += [bases[last:at], new]
            length += at - last
            if rng.random() < 0.5 and length < len(bases):
                doubtful.append(length)
            length += len(new)
            last = at + replaced
        made.append(bases[last:])
        whole = "".join(made)
        return whole, [at for at in doubtful if at < len(whole)]


def run_length(bases: str, at: int) -> int:
    """bp of the homopolymer over a position, at most one more than the longest that is drawn here."""
    most, low, high = len(INSERTED), at, at + 1
    while low and high - low < most and bases[low - 1] == bases[at]:
        low -= 1
    while high < len(bases) and high - low < most and bases[high] == bases[at]:
        high += 1
    return high - low


def sequenced(molecules: Iterable[tuple[str, Fragment, str, str]], seed: int, stream: str) -> Iterator[str]:
    """FASTQ records of molecules: (name, fragment, sequence in the direction of the read, the other one)."""
    sequencer = Sequencer(seed, stream)
    for name, fragment, forward, _ in molecules:
        bases, quality = sequencer.read(forward, fragment.template)
        yield f"@{name}\n{bases}\n+\n{quality}\n"

"""Diverged copies of segments that the reference lacks: from a sequence to copies whose reads map to the wrong position."""

from __future__ import annotations

import random

SHORT_READS = (1000, 4000)
LONG_READS = (20000, 60000)


def paralogs(sequence: str, rng: random.Random, lengths: tuple[int, int] = SHORT_READS) -> list[str]:
    """Diverged copies of segments of such lengths (bp), about 0.3 % of the sequence, between stretches that map nowhere.

    Never closer than 1.5 %: an image must show more than one difference, or nothing tells them from true variants and a
    network learns to doubt every heterozygous SNP.
    """
    result, left = [], int(len(sequence) * 0.003)
    while left > 0:
        length = rng.randrange(*lengths)
        left -= length
        if length >= len(sequence):
            continue
        start = rng.randrange(0, len(sequence) - length)
        divergence = rng.uniform(0.015, 0.05)
        bases = []
        for base in sequence[start : start + length]:
            chance = rng.random()
            if chance < divergence * 0.9:
                base = rng.choice("ACGT")
            elif chance < divergence * 0.95:
                base = ""
            elif chance < divergence:
                base += rng.choice("ACGT")
            bases.append(base)
        flank = ["".join(rng.choice("ACGT") for _ in range(400)) for _ in range(2)]
        result.append(flank[0] + "".join(bases) + flank[1])
    return result

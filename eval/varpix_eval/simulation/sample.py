"""The simulated sample: from options to its variants, the sources that molecules are drawn from, and what is not confident."""

from __future__ import annotations

import dataclasses
import random

from .. import project
from ..reads import alignments
from . import molecules
from .known import Hole, Record, Region
from .molecules import Source
from .options import Options
from .paralogs import LONG_READS, SHORT_READS, paralogs
from .plan import Plan
from .variants import Haplotype, Variant, divergent, natural, planted, without_overlaps

MUCH_SHARED = 0.125  # share of the molecules from which on a wrong base is left out
EDGE = 200  # bp at a region's ends without variants
COPY_DEPTHS = (0.3, 0.5, 0.8, 1.0)  # of diverged copies, in turn, as a share of a haplotype's


@dataclasses.dataclass
class Sample:
    """All regions together, in the order of the options."""

    regions: list[Region] = dataclasses.field(default_factory=list)
    records: list[Record] = dataclasses.field(default_factory=list)
    holes: list[Hole] = dataclasses.field(default_factory=list)
    sources: list[Source] = dataclasses.field(default_factory=list)
    left_out: int = 0  # records of the truth


def drawn(options: Options, plan: Plan) -> Sample:
    """The sample; the plan learns of its regions. One generator draws all, so the order of what follows is part of the bytes."""
    sample, rng = Sample(), random.Random(options.seed)
    for number, spec in enumerate(options.region):
        contig, start, end = project.interval(spec)
        region = Region(contig, start, end, alignments.reference(options.ref, contig, start, end))
        variants, dropped = natural(options.truth, contig, start, end, rng)
        variants = [v for v in variants if start + EDGE < v[0] and v[0] + len(v[1]) < end - EDGE]
        variants, overlapping = without_overlaps(variants, 0)
        sample.holes += [(contig, p - 50, p + 50) for p in dropped + overlapping]
        sample.left_out += len(dropped + overlapping)
        variants = added(options, region, variants, rng)
        sample.records += [(contig, *v) for v in variants]
        sample.regions.append(region)
        plan.add(region)
        if options.hifi:
            # Fewer long reads lie at the ends of a region.
            reach = round(options.fragments[0])
            sample.holes += [(contig, start, start + reach), (contig, end - reach, end)]
        wrong = molecules.shared_errors(region.sequence, start, variants, rng) if options.artefacts and not options.hifi else []
        if options.leave_out_shared:
            sample.holes += [(contig, p, p + 1) for p, _, _, share in wrong if share >= MUCH_SHARED]
        for i, alts in enumerate(([v[2] for v in variants], [v[3] for v in variants]), 1):
            edits = [(v[0], v[1], alt) for v, alt in zip(variants, alts, strict=True)]
            haplotype = Haplotype(contig, start, region.sequence, edits)
            here = [(haplotype.from_reference(p), base, share) for p, _, base, share in wrong]
            sample.sources.append(Source(f"h{number}.{i}", haplotype, options.depth / 2, plan.library, here))
        if options.artefacts and not (options.targets or options.amplicons):
            for i, copy in enumerate(paralogs(region.sequence, rng, LONG_READS if options.hifi else SHORT_READS)):
                depth = options.depth / 2 * COPY_DEPTHS[i % len(COPY_DEPTHS)]
                sample.sources.append(Source(f"p{number}.{i}", Haplotype("", 0, copy, []), depth, plan.library))
    return sample


def added(options: Options, region: Region, variants: list[Variant], rng: random.Random) -> list[Variant]:
    """With those of --divergent and --plant, which keep away from the truth's."""
    if options.divergent:
        variants, _ = without_overlaps(variants + divergent(region.sequence, region.start, rng), 1)
    if options.plant:
        held = [(v[0] - 12 * (rng.random() < 0.9), v) for v in variants]
        blocked: set[int] = set()
        for low, (position, ref, _, _) in held:
            blocked.update(range(low, position + len(ref) + position - low + 1))
        extra = [v for v in planted(region.sequence, region.start, rng) if not blocked.intersection(range(v[0], v[0] + len(v[1]) + 1))]
        variants, _ = without_overlaps(variants + without_overlaps(extra, 1)[0], 0)
    return variants

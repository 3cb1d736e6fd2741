"""How the fragments of each source lie, and their reads: from options and regions to FASTQ files."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import multiprocessing
import pathlib
import random
import shutil
import sys
from collections.abc import Iterator

from ..reads import libraries
from . import hifi, layout, molecules, sequencers, templates
from .known import EDGE, Region
from .molecules import Fragment, Source
from .options import Options

DUPLICATES = 0.008  # share of the molecules, in a library with artefacts


class Plan:
    """What the arguments ask for, resolved; how the fragments of each source lie."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.library = None
        if options.library or options.artefacts:
            known = libraries.load()
            if (options.library or "platinum") not in known:
                sys.exit(f"simulate: no library is named {options.library}; there are {', '.join(known)}")
            spread = options.library_spread if options.library_spread is not None else 0.25 if options.artefacts else 0
            self.library = known[options.library or "platinum"].varied(spread, random.Random(f"library {options.seed}"))
            if options.templates:  # real errors hold them already
                self.library = dataclasses.replace(self.library, substitutions=0)
        self.windows = templates.load(options.templates) if options.templates else []
        self.templates = [t for w in self.windows for t in w.templates]
        if options.templates and not self.templates:
            sys.exit(f"simulate: {options.templates} gives no proper pair whose errors could be taken")
        mean, spread = (float(n) for n in options.insert.split(","))
        real = options.artefacts and options.profile != "real"
        self.lengths = layout.Lengths(
            mean,
            spread,
            options.read_length if not options.hifi else round(mean),
            1 if options.single_end or options.hifi else 2,
            layout.SHORT if real and not (options.amplicons or options.hifi) else 0,
        )
        self.duplicates = options.duplicates if options.duplicates is not None else DUPLICATES if real else 0
        self.weights: dict[str, layout.Weight] = {}
        self.targets: dict[str, list[layout.Target]] = {}
        self.tiles: dict[str, list[layout.Amplicon]] = {}
        self.regions: dict[str, Region] = {}

    def add(self, region: Region) -> None:
        """Draws what lies where in a region."""
        options, (contig, start, end, sequence) = self.options, region
        key, rng = f"{contig}:{start}", random.Random(f"layout {self.options.seed} {region[:3]}")
        self.regions[key] = region
        if options.uneven:
            self.weights[key] = layout.uneven(contig, start, sequence, options.uneven, options.seed)
        if options.targets:
            if options.targets.isdigit():
                found = layout.drawn_targets(start, end, int(options.targets), rng)
            else:
                rows = [
                    line.split("\t")
                    for line in pathlib.Path(options.targets).read_text().splitlines()
                    if line and not line.startswith(("#", "track"))
                ]
                found = [(int(r[1]), int(r[2])) for r in rows if r[0] == contig and int(r[1]) > start + 1000 and int(r[2]) < end - 1000]
            if not found:
                sys.exit(f"simulate: {options.targets}: no target lies within {contig}:{start + 1}-{end}, 1 kb from its ends")
            self.targets[key] = layout.with_factors(found, 0.35, rng)
        if options.amplicons:
            self.tiles[key] = layout.amplicons(start + EDGE, end - EDGE, options.amplicons, rng)

    def covered(self, region: Region) -> list[tuple[int, int]] | None:
        key = f"{region[0]}:{region[1]}"
        if key in self.targets:
            return [(t.start, t.end) for t in self.targets[key]]
        if key in self.tiles:
            return [(t.start + t.left, t.end - t.right) for t in self.tiles[key]]
        return None

    def fragments(self, source: Source, rng: random.Random) -> Iterator[Fragment]:
        options, hap = self.options, source.haplotype
        key = f"{hap.contig}:{hap.offset}"
        if key in self.tiles:
            _, start, _, sequence = self.regions[key]
            return layout.amplified(
                hap, lambda low, high: sequence[low - start : high - start], self.tiles[key], source.depth, self.lengths, rng
            )
        if key in self.targets:
            return layout.capture(hap, self.targets[key], source.depth, options.off_target, self.lengths, rng)
        if self.templates:
            return layout.as_templates(hap, source.depth, self.windows, rng, options.scatter or not hap.contig, self.weights.get(key))
        found = layout.shotgun(hap, source.depth, self.lengths, rng, self.weights.get(key))
        return _as_long_reads(found, rng) if options.hifi else found

    def named(self, source: Source) -> Iterator[sequencers.Named]:
        """Molecules with names, some of them twice."""
        rng = random.Random(f"fragments {self.options.seed} {source.name}")
        source.prepare(self.options.seed)
        for number, (fragment, one, two) in enumerate(molecules.paired(source, self.fragments(source, rng), rng)):
            if self.templates and fragment.template < 0:
                fragment = Fragment(fragment.start, fragment.end, fragment.reverse, rng.randrange(len(self.templates)), fragment.primers)
            name = f"{source.name}:{number}" + (f":{fragment.template}" if self.templates else "")
            yield name, fragment, one, two
            if self.duplicates and rng.random() < self.duplicates:
                yield f"d{name}", fragment, one, two

    def most_mapq(self, name: str, flags: int) -> int:
        """Of a read of a real pair: what the real one was mapped with, since the whole genome is not here to be mistaken for."""
        return self.templates[int(name.rsplit(":", 1)[1])].mapq[bool(flags & 128)]

    def sequence(self, index: int, source: Source, folder: pathlib.Path) -> pathlib.Path:
        """The reads of a source, mates one after the other."""
        options, seed = self.options, self.options.seed * 1000 + index
        pairs, path = self.named(source), folder / f"{index}.fq"
        if options.hifi:
            with open(path, "w") as out:
                out.writelines(hifi.sequenced(pairs, seed, source.name))
            return path
        if options.profile == "real":
            reads = sequencers.transplanted(pairs, self.templates)
        elif options.profile == "dwgsim":
            reads = sequencers.dwgsim(pairs, options.read_length, seed)
        else:
            reads = sequencers.art(pairs, options.profile, options.read_length, folder / f"{index}", seed)
        if options.artefacts and self.library and options.profile != "real":
            reads = sequencers.dirty(reads, self.library, options.seed, source.name)
        if options.trim_adapters or options.merge:
            reads = sequencers.trimmed(reads)
        with open(path, "w") as out:
            out.writelines(sequencers.fastq(reads, self.lengths.mates, options.merge))
        return path


def _as_long_reads(fragments: Iterator[Fragment], rng: random.Random) -> Iterator[Fragment]:
    for fragment in fragments:
        number = hifi.drawn_class(rng)
        yield dataclasses.replace(fragment, template=number, slips=hifi.ERRORS[number])


_made: tuple[Plan, list[Source], pathlib.Path]  # what workers inherit


def _work(index: int) -> pathlib.Path:
    plan, sources, folder = _made
    return plan.sequence(index, sources[index], folder)


def made_reads(plan: Plan, sources: list[Source], folder: pathlib.Path) -> list[pathlib.Path]:
    """One FASTQ, mates one after the other."""
    global _made
    _made = plan, sources, folder
    joined = folder / "all.fq"
    with (
        concurrent.futures.ProcessPoolExecutor(plan.options.threads, multiprocessing.get_context("fork")) as pool,
        open(joined, "wb") as out,
    ):
        for path in pool.map(_work, range(len(sources))):
            with open(path, "rb") as part:
                shutil.copyfileobj(part, out)
            path.unlink()
    return [joined]

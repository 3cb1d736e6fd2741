"""Illumina reads from known haplotypes: a BAM, the truth that is in it, and where that truth holds.

In:  a reference (FASTA with .fai; a bwa index is made beside it) and a VCF of one sample's variants.
Out: PREFIX.bam(+.bai), PREFIX.truth.vcf.gz(+.tbi), PREFIX.confident.bed; PREFIX.targets.bed or PREFIX.primers.bed where there are any

  scripts/eval simulate --ref 20.fa --truth hg001.vcf.gz --region 20:1000001-5000000 --depth 30 --seed 7 --out sim/a

Variants: the truth's. --plant adds variants far beyond natural density: about one in 400 bp, most of them indels, many of them length
changes of homopolymers and tandem repeats, some multi-allelic, some side by side. --divergent adds variants as between
populations or species far apart: stretches of some 20 kb with one in 40 to 400 bp, most of them substitutions.

Library: --artefacts makes reads as dirty as real ones. Repeats slip on each molecule by itself, at the rates of --library (those of
real ones; eval/varpix_eval/reads/libraries.json, docs/reads.md), varied by --library-spread from seed to seed. Molecules carry wrong bases, which both mates show; a few
positions have slips or wrong bases that many molecules share. Diverged copies of some segments, absent from the reference, add reads that map to the wrong position.
Reads get tails of low quality, stretches of N, adapters, chimeras, duplicates, and errors that follow certain motifs on one strand. None of that is in the truth.
--leave-out-shared takes wrong bases that an eighth of the molecules or more share out of the confident regions: they look like
heterozygous SNPs of an uneven sample. --library without --artefacts gives slips and wrong bases of molecules alone.

Layout: all over; --uneven SD makes the depth vary with GC and along the genome (SD of its logarithm, about);
--targets BED|BP captures targets, or some drawn as long as exons, one in so many bp, --off-target of the fragments elsewhere;
--amplicons BP tiles the region with amplicons of about that length, --primers say what becomes of theirs in alignments.
--insert near or below the read length makes short fragments; --trim-adapters and --merge treat them as pipelines do.

Reads: --profile names ART's sequencer, dwgsim (any read length) or pirs (plain reads alone), or real: then lengths, qualities and errors are
those of real pairs (--templates), laid as the real ones lie to each other (--scatter: anywhere), and no read maps better than the real one
did; of --artefacts there are then what molecules share and diverged copies. hifi makes PacBio HiFi reads, as long as --insert says, at the
slips of --library hifi, hifi-clean or hifi-dirty; of --artefacts there are then diverged copies. pIRS' errors, qualities and depth by GC are those of human
genomes sequenced in fact (2 x 100 bp).

The same arguments give the same bytes. Needs Debian's art-nextgen-simulation-tools, bwa, samtools, bcftools, tabix; --profile dwgsim and
--profile pirs need, for plain reads, Debian's packages of that name.
"""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
from collections.abc import Sequence

from .. import project
from ..simulation import finish, known, mapping, plain
from ..simulation.options import Options
from ..simulation.plan import Plan, made_reads
from ..simulation.sample import drawn

TOOLS = {"art_illumina": "art-nextgen-simulation-tools", "bwa": "bwa", "samtools": "samtools", "bcftools": "bcftools", "tabix": "tabix"}


def arguments(argv: Sequence[str]) -> Options:
    parser = project.parser("simulate", __doc__)
    add = parser.add_argument
    add("--ref", required=True, help="FASTA, not compressed, with .fai")
    add("--truth", required=True, help="VCF of the sample's variants, indexed")
    add("--region", required=True, nargs="+", help="contig:start-end, 1-based, both ends included")
    add("--out", required=True, help="prefix of the outputs")
    add("--depth", type=float, default=30, help="bases of reads by bases of the region, of targets or of amplicons")
    add("--read-length", type=int, default=150)
    add("--insert", default="400,60", help="mean,standard deviation of the fragment length")
    add("--profile", default="HS25", help="ART's sequencer profile, dwgsim, pirs, hifi, or real (with --templates)")
    add("--aligner", choices=("bwa", "minimap2"), default="bwa")
    add("--seed", type=int, default=1)
    add("--sample", default="simulated")
    add("--threads", type=int, default=2, help="the outputs do not depend on it")
    add("--plant", action="store_true")
    add("--divergent", action="store_true")
    add("--artefacts", action="store_true")
    add("--leave-out-shared", action="store_true")
    add("--library", metavar="NAME", help="of libraries.json; platinum with --artefacts")
    add("--library-spread", type=float, metavar="SD", help="of the logarithm of the odds that repeats slip; 0.25 with --artefacts, else 0")
    add("--uneven", type=float, default=0, metavar="SD")
    add("--targets", metavar="BED|BP")
    add("--off-target", type=float, default=0.1, metavar="SHARE")
    add("--amplicons", type=int, metavar="BP")
    add("--primers", choices=("keep", "soft", "hard"), default="keep", help="in alignments: unclipped, soft- or hard-clipped")
    add(
        "--duplicates",
        type=float,
        metavar="SHARE",
        help="of molecules that are read twice, unmarked, beyond --depth; 0.008 with --artefacts, else 0",
    )
    add("--single-end", action="store_true")
    add("--trim-adapters", action="store_true")
    add("--merge", action="store_true", help="mates that overlap become one read")
    add("--templates", metavar="BAM,REF,REGION[+REGION...][,TRUTH,CONFIDENT]", help="real pairs for --profile real")
    add("--scatter", action="store_true")
    add(
        "--qualities",
        choices=finish.QUALITIES,
        default="made",
        help="base qualities: as the sequencer's, in four bins (to save space too), all 40, or none",
    )
    add("--bin-qualities", action="store_const", const="binned", dest="qualities", help="the same as --qualities binned")
    add(
        "--mapq",
        choices=finish.MAPQS,
        default="made",
        help="scale of the mapping qualities: the aligner's, bowtie2's (to 42), DRAGEN's (to 250), or all 255",
    )
    options = Options(**vars(parser.parse_args(argv)))
    if options.hifi:
        if options.layouts not in ([], ["uneven"]) or options.merge or options.trim_adapters:
            parser.error("--profile hifi makes reads of whole fragments: no --targets, --amplicons, --merge or --trim-adapters")
        options = dataclasses.replace(options, aligner="minimap2", single_end=True, library=options.library or "hifi")
    if len(options.layouts) > 1:
        parser.error(f"{' and '.join('--' + name for name in options.layouts)} exclude each other")
    if (options.profile == "real") != bool(options.templates):
        parser.error("--profile real and --templates go together")
    if options.profile == "pirs" and options.molecules:
        parser.error("--profile pirs makes plain reads alone")
    return options


def needed(options: Options) -> dict[str, str]:
    """Programs and their Debian packages."""
    more = [tool for tool in ("minimap2",) if tool == options.aligner]
    if not options.molecules:
        more += [tool for tool in ("dwgsim", "pirs") if tool == options.profile]
    return TOOLS | {tool: tool for tool in more}


def main(argv: Sequence[str]) -> None:
    options = arguments(argv)
    project.need("simulate", needed(options))
    plan = Plan(options)
    sample = drawn(options, plan)
    out = pathlib.Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{options.ref}.fai") as index:
        contig_lines = ["##contig=<ID={},length={}>".format(*line.split("\t")[:2]) for line in index]
    known.write_truth(options, sample.records, contig_lines, options.out)
    covered = {region: found for region in sample.regions if (found := plan.covered(region)) is not None}
    rows = [
        (region.contig, low, high) for region in sample.regions for low, high in known.confident(region, sample.holes, covered.get(region))
    ]
    known.write_bed(f"{options.out}.confident.bed", rows)
    if options.targets:
        known.write_bed(
            f"{options.out}.targets.bed", [(region.contig, low, high) for region, found in covered.items() for low, high in found]
        )
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        folder = pathlib.Path(name)
        if options.molecules:
            fastq = made_reads(plan, sample.sources, folder)
        else:
            fastq = plain.reads(options, [source.haplotype.bases for source in sample.sources], folder)
        mapping.align(options, plan, fastq, options.out)
        if options.amplicons:
            mapping.clip_primers(options, plan, options.out, folder)
        project.checked("simulate", "samtools", "index", f"{options.out}.bam")
    print(f"simulate: {options.out}: {len(sample.records)} variants, {sample.left_out} of the truth's records left out")

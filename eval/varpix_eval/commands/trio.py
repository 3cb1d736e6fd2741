"""Mendelian violations in a simulated family of three: called one by one, merged by their gVCFs, compared with what was simulated.

  scripts/eval trio --ref 20.fa --truth hg001.vcf.gz --region 20:45100001-45400000 --out .cache/trio

In:  a reference (FASTA with .fai; a bwa index is made beside it) and a VCF of one sample's variants.
Out: a Markdown table on stdout. In --out: BAM, truth, VCF and gVCF of each of the three, family.ped, and trio.vcf.gz, the merged calls.

The father has the variants of the truth. Each of the mother's haplotypes has at each of these sites one of its alleles or the reference's, drawn
anew; and she has a variant of her own in 1,500 bp. The child has of each parent one haplotype with one crossover, and nothing new: every violation is an error.
Reads are those of `scripts/eval simulate`, whose options can be given behind --.
gVCFs are merged by `bcftools merge --gvcf` and trimmed to what someone has, as workflow/Snakefile does with `merge: gvcf`.

The table: sites with a variant that all three are called at, violations among them, sites not called in one of them; for all genotypes, and for those with
a GQ of 10, 20 and 30 or more in all three. Then of each member the share of the truth's sites whose genotype is right, and genotypes that are not the truth's.

Needs target/release/varpix (or $VARPIX) and what `scripts/eval simulate` needs.
"""

from __future__ import annotations

import os
import pathlib
import random
import subprocess
from collections.abc import Sequence

from .. import project
from ..reads import alignments
from ..simulation import family
from ..simulation.family import MEMBERS
from ..simulation.variants import natural, without_overlaps
from . import simulate

NAME = "trio"
PROGRAM = pathlib.Path(os.environ.get("VARPIX", project.VARPIX)).resolve()
THRESHOLDS = (0, 10, 20, 30)
EDGE = 1000  # bp at the region's ends that are not judged: few reads


def write_truths(ref: str, truth: str, region: str, seed: int, out: pathlib.Path) -> None:
    """A VCF of each member, phased."""
    rng = random.Random(seed)
    contig, start, end = project.interval(region)
    sequence = alignments.reference(ref, contig, start, end)
    found, _ = natural(truth, contig, start, end, rng)
    found, _ = without_overlaps([v for v in found if start + EDGE < v[0] and v[0] + len(v[1]) < end - EDGE], 1)
    sites = family.sites(found, sequence, start, rng)
    inherited = family.child(sites, rng)
    lengths = dict(line.split("\t")[:2] for line in pathlib.Path(f"{ref}.fai").read_text().splitlines())
    head = ["##fileformat=VCFv4.2", f"##contig=<ID={contig},length={lengths[contig]}>"]
    head.append('##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">')
    for member in MEMBERS:
        rows = [*head, f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{member}"]
        for site, offspring in zip(sites, inherited, strict=True):
            alleles = offspring if member == "child" else getattr(site, member)
            if site.variant(alleles) is None:
                continue
            alts = sorted(set(alleles) - {site.ref})
            codes = "|".join(str(0 if allele == site.ref else 1 + alts.index(allele)) for allele in alleles)
            rows.append(f"{contig}\t{site.position + 1}\t.\t{site.ref}\t{','.join(alts)}\t.\tPASS\t.\tGT\t{codes}")
        path = out / f"{member}.given.vcf"
        path.write_text("\n".join(rows) + "\n")
        project.checked(NAME, "bcftools", "view", "--no-version", "-Oz", "-o", f"{path}.gz", path)
        project.checked(NAME, "tabix", "-f", "-p", "vcf", f"{path}.gz")
        path.unlink()


def merged(ref: str, gvcfs: Sequence[pathlib.Path], out: pathlib.Path) -> None:
    """One VCF of all, from their gVCFs, with the alleles that someone has."""
    merge = ["bcftools", "merge", "--no-version", "--gvcf", ref, "-Ou", *map(str, gvcfs)]
    trim = ["bcftools", "view", "--no-version", "--trim-alt-alleles", "--min-ac", "1", "-Oz", "-o", str(out)]
    with subprocess.Popen(merge, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as first:
        if subprocess.run(trim, stdin=first.stdout).returncode or first.wait():
            project.fail(NAME, "bcftools merge failed")
    project.checked(NAME, "tabix", "-f", "-p", "vcf", out)


def genotypes(path: pathlib.Path, region: str, sample: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """The alleles of a sample, sorted, by position and REF, where it has another than the reference's. A REF that another sample's deletion made longer is
    cut to what this one's alleles need."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    query = project.output("bcftools", "query", "-s", sample, "-r", region, "-f", "%POS\t%REF\t%ALT[\t%GT]\n", path)
    for line in query.splitlines():
        position, ref, alts, genotype = line.split("\t")
        codes = genotype.replace("|", "/").split("/")
        if "." in codes:
            continue
        alleles = [ref, *alts.split(",")]
        held = [alleles[int(code)] for code in codes]
        while len(ref) > 1 and all(len(allele) > 1 and allele[-1] == ref[-1] for allele in held):
            ref, held = ref[:-1], [allele[:-1] for allele in held]
        if any(allele != ref for allele in held):
            found[position, ref] = tuple(sorted(held))
    return found


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--ref", required=True, help="FASTA, not compressed, with .fai")
    parser.add_argument("--truth", required=True, help="VCF of one sample's variants, indexed")
    parser.add_argument("--region", required=True, help="contig:start-end, 1-based, both ends included")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder of the outputs")
    parser.add_argument("--depth", type=float, default=30, help="of each [%(default)s]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("more", nargs="*", metavar="-- OPTION", help="more options of scripts/eval simulate")
    args = parser.parse_args(argv)
    if not PROGRAM.is_file():
        project.fail(NAME, f"{PROGRAM} is missing; run cargo build --release")
    project.need(NAME, simulate.TOOLS)
    args.out.mkdir(parents=True, exist_ok=True)
    write_truths(args.ref, args.truth, args.region, args.seed, args.out)
    gvcfs = []
    for number, member in enumerate(MEMBERS):
        prefix = args.out / member
        words = ["--ref", args.ref, "--truth", f"{prefix}.given.vcf.gz", "--region", args.region, "--out", str(prefix), "--sample", member]
        words += ["--depth", str(args.depth), "--seed", str(args.seed * 10 + number), "--threads", str(args.threads)]
        simulate.main([*words, *args.more])
        gvcfs.append(pathlib.Path(f"{prefix}.g.vcf.gz"))
        call = [PROGRAM, "call", "--ref", args.ref, "--reads", f"{prefix}.bam", "--regions", args.region, "--threads", args.threads]
        project.checked(NAME, *call, "--output-vcf", f"{prefix}.vcf.gz", "--output-gvcf", gvcfs[-1], "--quiet")
    (args.out / "family.ped").write_text("f\tfather\t0\t0\t1\t0\nf\tmother\t0\t0\t2\t0\nf\tchild\tfather\tmother\t0\t0\n")
    trio = args.out / "trio.vcf.gz"
    merged(args.ref, gvcfs, trio)
    contig, start, end = project.interval(args.region)
    judged = f"{contig}:{start + 1 + EDGE}-{end - EDGE}"
    query = ["bcftools", "query", "-s", ",".join(MEMBERS), "-r", judged, "-f", "%REF\t%ALT[\t%GT:%GQ]\n", trio]
    tallies = family.tallies(project.output(*query).splitlines(), THRESHOLDS)
    print("| least GQ | sites called in all three | violations | rate | not called in someone |\n|---|---|---|---|---|")
    for threshold, tally in tallies.items():
        print(f"| {threshold} | {tally.called} | {tally.violations} | {100 * tally.rate:.2f} % | {tally.uncalled} |")
    print("\n| member | variants of the truth | right in the merged calls | other variants in the merged calls |\n|---|---|---|---|")
    for member in MEMBERS:
        known = genotypes(args.out / f"{member}.truth.vcf.gz", judged, member)
        found = genotypes(trio, judged, member)
        right = sum(found.get(place) == alleles for place, alleles in known.items())
        print(f"| {member} | {len(known)} | {right} | {sum(known.get(place) != alleles for place, alleles in found.items())} |")

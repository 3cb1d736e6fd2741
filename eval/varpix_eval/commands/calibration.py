"""GQ against observed error: of the genotypes called with a GQ, how many are wrong.

In:  reference, reads, truth VCF, confident BED, region; --name of the set. Or names of sets for judging (eval/sets/judging.tsv), which are
     counted together.
Out: a Markdown table on stdout: genotypes by GQ, their wrong ones, and the Phred of that; --plot FILE.svg draws it.

  scripts/eval calibration --ref 20.fa --reads a.bam --truth a.truth.vcf.gz --confident a.confident.bed --region 20:45000001-46000000
  scripts/eval calibration real real-20

All candidates count, those found to be reference too. A genotype is right where truth has the same alleles at the same position, both
normalised by bcftools norm, the same number of times; other spellings of the truth count as wrong, so errors are
over-stated where variants stand close. Needs Debian's bcftools; --plot installs matplotlib from PyPI into .cache/benchmark.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence

from .. import environments, project, sets

NAME = "calibration"
BINS = [(0, 5), (5, 10), (10, 15), (15, 20), (20, 25), (25, 30), (30, 40), (40, 100)]
Site = tuple[int, str, str]  # 1-based position, REF, ALT
Genotypes = Mapping[Site, tuple[int, int]]  # copies of the allele, GQ


@dataclasses.dataclass
class Bin:
    """Genotypes with a GQ from low to below high."""

    low: int
    high: int
    genotypes: int = 0
    wrong: int = 0
    promised: float = 0.0  # wrong ones, by their GQ

    @property
    def observed(self) -> float:
        """Phred; with none wrong that of half a wrong one."""
        return -10 * math.log10(max(self.wrong, 0.5) / self.genotypes)

    @property
    def mean(self) -> float:
        """GQ of the promised share of wrong ones."""
        return -10 * math.log10(self.promised / self.genotypes)

    def line(self) -> str:
        over = "" if self.wrong else "over "
        return f"| {self.low}-{self.high - 1} | {self.genotypes} | {self.wrong} | {self.promised:.1f} | {over}{self.observed:.1f} |"


def genotypes(ref: str, vcf: project.Path, region: str, out: pathlib.Path) -> dict[Site, tuple[int, int]]:
    """Of the single alleles of a VCF, normalised into the file out."""
    project.pipeline(
        ["bcftools", "view", "-r", region, vcf], ["bcftools", "norm", "-m", "-any", "-f", ref], ["bcftools", "view", "-Oz", "-o", out]
    )
    quality = "%GQ" if "ID=GQ," in project.output("bcftools", "view", "-h", out) else "0"
    return parsed(project.output("bcftools", "query", "-f", f"%POS\t%REF\t%ALT\t[%GT\t{quality}]\n", out))


def parsed(lines: str) -> dict[Site, tuple[int, int]]:
    """Lines of position, REF, ALT, GT and GQ."""
    found = {}
    for line in lines.splitlines():
        position, reference, alternative, genotype, quality = line.split("\t")
        copies = sum(allele == "1" for allele in genotype.replace("|", "/").split("/"))
        found[int(position), reference, alternative] = (copies, int(quality))
    return found


def binned(called: Genotypes, truth: Genotypes, confident: Iterable[tuple[int, int]]) -> list[Bin]:
    """Bins of the calls in confident intervals (0-based, half-open)."""
    intervals, bins = list(confident), [Bin(low, high) for low, high in BINS]
    for site, (copies, quality) in called.items():
        if not any(start < site[0] <= end for start, end in intervals):
            continue
        row = next(row for row in bins if row.low <= quality < row.high)
        row.genotypes += 1
        row.wrong += copies != truth.get(site, (0, 0))[0]
        row.promised += 10 ** (-quality / 10)
    return [row for row in bins if row.genotypes]


def pooled(parts: Iterable[list[Bin]]) -> list[Bin]:
    """Bins of several sets together."""
    sums: dict[int, Bin] = {}
    for row in (row for bins in parts for row in bins):
        sum_ = sums.setdefault(row.low, Bin(row.low, row.high))
        sum_.genotypes += row.genotypes
        sum_.wrong += row.wrong
        sum_.promised += row.promised
    return [sums[low] for low in sorted(sums)]


@dataclasses.dataclass(frozen=True)
class Judged:
    """A set: paths of its files, and its region."""

    ref: str
    reads: str
    truth: str
    confident: str
    region: str


def measured(of: Judged, model: str) -> list[Bin]:
    """Calls a set; its genotypes by GQ."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        calls = folder / "calls.vcf.gz"
        command = [str(project.VARPIX), "call", "--ref", of.ref, "--reads", of.reads, "--regions", of.region, "--model", model]
        done = subprocess.run([*command, "--emit-ref-calls", "--output-vcf", calls], text=True, capture_output=True)
        if done.returncode:
            project.fail(NAME, done.stderr.strip().splitlines()[-1])
        called = genotypes(of.ref, calls, of.region, folder / "called.vcf.gz")
        truth = genotypes(of.ref, of.truth, of.region, folder / "truth.vcf.gz")
    contig = project.interval(of.region)[0]
    rows = [line.split("\t") for line in pathlib.Path(of.confident).read_text().splitlines()]
    return binned(called, truth, [(int(row[1]), int(row[2])) for row in rows if row[0] == contig])


def draw(bins: list[Bin], name: str, path: str) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "varpix"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4, 4))
    axes.plot([0, 45], [0, 45], color="grey", linewidth=0.8)
    axes.plot([row.mean for row in bins], [row.observed for row in bins], marker="o")
    axes.set(xlabel="mean GQ", ylabel="observed, Phred", title=name)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help="sets for judging, counted together")
    one = ("ref", "reads", "truth", "confident", "region")
    for flag in one:
        parser.add_argument(f"--{flag}")
    parser.add_argument("--model", default="wgs")
    parser.add_argument("--name")
    parser.add_argument("--plot", metavar="FILE.svg")
    args = parser.parse_args(argv)
    given = [flag for flag in one if getattr(args, flag)]
    if args.sets and given:
        parser.error(f"--{given[0]} is not used with names of sets")
    if not args.sets and len(given) < len(one):
        parser.error(f"--{next(flag for flag in one if flag not in given)} is missing")
    if args.plot:
        environments.enter("benchmark", NAME, argv)
    if args.sets:
        named = sets.chosen(NAME, sets.load("judging"), args.sets)
        sets.make(NAME, named)
        judged = [Judged(one.reference, one.reads, one.known, one.confident, one.region) for one in named]
    else:
        judged = [Judged(args.ref, args.reads, args.truth, args.confident, args.region)]
    name = args.name or ", ".join(args.sets) or "reads"
    bins = pooled(measured(one, args.model) for one in judged)
    print(f"| GQ ({name}) | genotypes | wrong | promised wrong | observed Phred |")
    print("|---|---|---|---|---|")
    print("\n".join(row.line() for row in bins))
    if args.plot:
        draw(bins, name, args.plot)

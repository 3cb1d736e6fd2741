"""Memory and time of calling whole genomes, with reads made cheaply; whether the run's progress is true and the indexes of its outputs are right.

  scripts/eval bench-genome --log .cache/bench-genome                  all genomes below, with a gVCF and without
  scripts/eval bench-genome --genomes scaffolds --outputs gvcf
  scripts/eval bench-genome --log .cache/bench-genome --picture docs/images/genome.svg      draws what was logged

In:  nothing. Genomes: human, the chromosomes of GRCh38 (3.09 Gb) with 301 contigs beside them, which have reads too and are not called;
     scaffolds, 100,000 contigs of 31 kb; human-tenth and scaffolds-tenth, about a tenth of these; small, 5 Mb, to try the command.
     Reads of 150 bp: one in 5 kb, and 30x over 5 kb in each Mb, or of one in 300 scaffolds; chrM at 10,000x; 2 Mb of N and a pile of 50,000 reads on the first contig.
Out: a Markdown table on stdout: memory at its peak, and by how much the resident part grew between the third tenth of the genome and the last but one, on
     average; by how much the share of the CPU time differs from that of the genome, and from the share of the work that the run says is done, between the
     first and the last progress, at most, chrM aside; with --log, files of memory and progress over time. Exit status 1 where the progress that a run says
     goes back or is more than 10 % off, or where fetching places by an index finds other records than reading the whole file does.

Needs target/release/varpix (or $VARPIX), Debian's samtools, bcftools and tabix, and disk for a reference of that length.
The picture needs matplotlib (`scripts/eval environment benchmark`).
"""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import math
import os
import pathlib
import random
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from .. import environments, genomes, project
from ..genomes import GENOMES, Genome, Places

NAME = "bench-genome"
PROGRAM = pathlib.Path(os.environ.get("VARPIX", project.VARPIX)).resolve()
OUTPUTS = ("vcf", "gvcf")
EVERY = 1.0  # seconds between two looks at the memory
PROGRESS = re.compile(r"([\d.]+) % after \d.*; at (\S+:\d+)$")
LONG = 40.0  # seconds, after which a run must have said something
OFF = 0.1  # most that the share of the work may differ from that of the CPU time
FETCHED = 60  # places by the index


@dataclasses.dataclass(frozen=True)
class Look:
    """At a process: seconds since its start, seconds of CPU, resident and anonymous memory in MiB."""

    after: float
    cpu: float
    resident: float
    anonymous: float


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a run says: seconds since its start, the share of the work that is done, and where it is: the contig, and the share of the genome before it."""

    after: float
    work: float
    contig: str
    genome: float


@dataclasses.dataclass
class Watched:
    """A run as it went."""

    wall: float = 0
    cpu: float = 0
    peak: float = 0  # MiB
    looks: list[Look] = dataclasses.field(default_factory=list)
    progress: list[Progress] = dataclasses.field(default_factory=list)

    def steady(self) -> list[Progress]:
        """Without chrM, which takes long for its length."""
        return [progress for progress in self.progress if progress.contig != "chrM"]

    def spent(self, after: float) -> float:
        """Seconds of CPU by then."""
        return max((look.cpu for look in self.looks if look.after <= after), default=0.0)

    def called(self, after: float) -> float:
        """The share of the genome by then: between two places that the run says, as if it had gone evenly from one to the other."""
        said = self.steady()
        for one, next_one in itertools.pairwise(said):
            if one.after <= after < next_one.after:
                return one.genome + (next_one.genome - one.genome) * (after - one.after) / (next_one.after - one.after)
        return math.nan

    @property
    def growth(self) -> float:
        """MiB of resident memory, from 20 to 30 % of the genome to 80 to 90 %."""

        def mean(low: float, high: float) -> float | None:
            looks = [look.resident for look in self.looks if low <= self.called(look.after) <= high]
            return sum(looks) / len(looks) if looks else None

        early, late = mean(0.2, 0.3), mean(0.8, 0.9)
        return late - early if early is not None and late is not None else math.nan

    def off(self, share: Callable[[Progress], float]) -> float:
        """The largest difference of the share of CPU time from such a share, from the first progress to the last."""
        pace = [(self.spent(progress.after), share(progress)) for progress in self.steady()]
        if len(pace) < 3:
            return math.nan
        (start, done), (end, whole) = pace[0], pace[-1]
        return max(abs((cpu - start) / (end - start) - (share - done) / (whole - done)) for cpu, share in pace)


def cpu_time(pid: int) -> float:
    """Seconds, of user and system."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> tuple[float, float, float]:
    """Resident, anonymous and peak memory, MiB."""
    fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    resident, anonymous, peak = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon", "VmHWM"))
    return resident, anonymous, peak


def watched(words: Sequence[object], places: Places) -> Watched:
    """Runs the program to its end."""
    run, said = Watched(), ""
    before = os.times()
    started = time.monotonic()
    process = subprocess.Popen([str(word) for word in words], stderr=subprocess.PIPE, text=True)

    def look() -> None:
        while process.poll() is None:
            try:
                (resident, anonymous, peak), cpu = memory(process.pid), cpu_time(process.pid)
            except (KeyError, OSError):  # It has just ended.
                return
            run.looks.append(Look(time.monotonic() - started, cpu, resident, anonymous))
            run.peak = max(run.peak, peak)
            time.sleep(EVERY)

    watcher = threading.Thread(target=look)
    watcher.start()
    assert process.stderr
    for line in process.stderr:
        said = line.strip() or said
        match = PROGRESS.search(line.strip())
        if match:
            contig = match[2].rpartition(":")[0]
            run.progress.append(Progress(time.monotonic() - started, float(match[1]) / 100, contig, places.share(match[2])))
    code = process.wait()
    run.wall = time.monotonic() - started
    watcher.join()
    after = os.times()
    run.cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if code:
        project.fail(NAME, f"exit status {code}: {said}")
    return run


def check_progress(run: Watched) -> None:
    """Stops where the progress that a run says is not true, or a long run says none."""
    if not run.progress and run.wall > LONG:
        project.fail(NAME, f"a run of {run.wall:.0f} s says nothing of its progress that is understood here")
    for said in ("work", "genome"):
        shares = [getattr(progress, said) for progress in run.progress]
        if shares != sorted(shares):
            project.fail(NAME, "progress goes back")
    off = run.off(lambda progress: progress.work)
    if off > OFF:
        project.fail(NAME, f"progress is off by {off:.1%} of the run's CPU time")


@dataclasses.dataclass(frozen=True)
class Record:
    """The place of a record, 0-based and half-open, and its line."""

    contig: str
    start: int
    end: int
    line: str


def records(lines: Iterable[str]) -> Iterator[Record]:
    for line in lines:
        if line.startswith("#"):
            continue
        contig, position, _, ref, _, _, _, info, _ = line.split("\t", 8)
        end = re.search(r"(?:^|;)END=(\d+)", info)
        start = int(position) - 1
        yield Record(contig, start, int(end[1]) if end else start + len(ref), line.rstrip("\n"))


def fetched_places(genome: Genome, places: Places) -> list[tuple[str, int, int]]:
    """Where records are fetched: drawn places, the ends of contigs, N, the pile, dense stretches."""
    rng = random.Random(3)
    drawn = [places.at(rng.randrange(places.total)) for _ in range(FETCHED)]
    found = [(contig, at, at + rng.choice((1, 300, 20_000, 2_000_000))) for contig, at in drawn]
    first, last = genome.contigs[0], genome.contigs[-1]
    for contig in (first, last, genome.contigs[len(genome.contigs) // 2]):
        found += [(contig.name, 0, 500), (contig.name, contig.length - 500, contig.length)]
    if genomes.has_unknown(0, first):
        found += [(first.name, at - 200, at + 200) for at in (*genomes.UNKNOWN, genomes.PILED)]
        found.append((first.name, 1_500_000, 1_500_001))
    lengths = {contig.name: contig.length for contig in genome.contigs}
    return sorted({(contig, start, min(end, lengths[contig])) for contig, start, end in found})


def check_index(path: pathlib.Path, wanted: list[tuple[str, int, int]]) -> tuple[int, int]:
    """Compares what an index finds with the whole file; returns the records of the file, and how many were fetched."""
    by_contig: dict[str, list[tuple[str, int, int]]] = {}
    for place in wanted:
        by_contig.setdefault(place[0], []).append(place)
    expected: dict[tuple[str, int, int], list[str]] = {place: [] for place in wanted}
    count = 0
    with gzip.open(path, "rt") as file:
        for record in records(file):
            count += 1
            for place in by_contig.get(record.contig, ()):
                if record.start < place[2] and place[1] < record.end:
                    expected[place].append(record.line)
    indexed = int(project.output("bcftools", "index", "-n", path))
    if indexed != count:
        project.fail(NAME, f"{path.name} has {count} records, and {indexed} by its index")
    for (contig, start, end), lines in expected.items():
        region = f"{contig}:{start + 1}-{end}"
        for command in (("tabix", path, region), ("bcftools", "view", "--no-version", "-H", "-r", region, path)):
            found = project.output(*command).splitlines()
            places, there = ([line.split("\t")[:5] for line in some] for some in (found, lines))
            if places != there:
                project.fail(NAME, f"{path.name}: {command[0]} finds {len(found)} records in {region}, and the file has {len(lines)}")
    return count, sum(map(len, expected.values()))


def log(run: Watched, path: pathlib.Path) -> None:
    """Writes a run as it went."""
    rows = ["what\tseconds\tCPU seconds\tvalue\tanonymous\n"]
    rows += [f"memory\t{look.after:.1f}\t{look.cpu:.2f}\t{look.resident:.1f}\t{look.anonymous:.1f}\n" for look in run.looks]
    rows += [f"progress\t{one.after:.1f}\t{run.spent(one.after):.2f}\t{one.work:.4f}\t\n" for one in run.progress]
    path.write_text("".join(rows))


def measured(genome: Genome, outputs: Sequence[str], threads: int, kept: pathlib.Path | None, logs: pathlib.Path | None) -> Iterator[str]:
    """Rows of the table."""
    with tempfile.TemporaryDirectory(prefix="bench-genome-", dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        folder = pathlib.Path(name)
        inputs = kept / genome.name if kept else folder
        inputs.mkdir(parents=True, exist_ok=True)
        ref, bam, vcf, gvcf = inputs / "ref.fa", inputs / "reads.bam", folder / "a.vcf.gz", folder / "a.g.vcf.gz"
        if not pathlib.Path(f"{bam}.bai").exists():
            bases = genomes.block(1)
            genomes.write_reference(genome, bases, ref)
            genomes.write_reads(genome, bases, bam, NAME)
        count = sum(int(line.split("\t")[2]) for line in project.output("samtools", "idxstats", bam).splitlines())
        places = Places(genome.contigs)
        wanted = fetched_places(genome, places)
        for output in outputs:
            words = [PROGRAM, "call", "--ref", ref, "--reads", bam, "--threads", threads, "--output-vcf", vcf]
            files = [vcf, gvcf] if output == "gvcf" else [vcf]
            run = watched([*words, "--output-gvcf", gvcf] if output == "gvcf" else words, places)
            if logs:
                log(run, logs / f"{genome.name}-{output}.tsv")
            check_progress(run)
            held = [check_index(path, wanted) for path in files]
            sizes = " + ".join(f"{records:,}" for records, _ in held)
            what = [
                genome.name,
                f"{len(genome.contigs):,}",
                f"{places.total / 1e6:,.0f}",
                f"{count:,}",
                "VCF, gVCF" if output == "gvcf" else "VCF",
            ]
            cost = [f"{run.wall:.0f}", f"{run.cpu:.0f}", f"{run.cpu / places.total * 1e9:.0f}", f"{run.peak:.0f}", f"{run.growth:+.1f}"]
            pace = [f"{100 * run.off(share):.1f} %" for share in (lambda progress: progress.genome, lambda progress: progress.work)]
            checks = [*pace, f"{len(run.progress)}", f"{sum(found for _, found in held):,}"]
            yield f"| {' | '.join([*what, sizes, *cost, *checks])} |"
            for path in files:
                path.unlink()


HEAD = (
    "| genome | contigs | Mb | reads | outputs | records | wall, s | CPU, s | CPU s by Gb | peak memory, MiB | growth, MiB | off an even pace "
    "| progress off | progress lines | records fetched |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def draw(logs: pathlib.Path, picture: pathlib.Path) -> None:
    """Memory and progress by CPU time, as a machine that does other things too has no even wall time."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "varpix"
    from matplotlib import pyplot

    figure, (above, below) = pyplot.subplots(2, 1, figsize=(7, 5.6), layout="constrained")
    for path in sorted(logs.glob("*.tsv")):
        rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
        memory, progress = ([(float(row[2]), float(row[3])) for row in rows if row[0] == what] for what in ("memory", "progress"))
        # One in some seconds, so that the picture stays small.
        memory = memory[:: max(1, len(memory) // 150)]
        whole = memory[-1][0]
        (line,) = above.plot(*zip(*((100 * cpu / whole, mib) for cpu, mib in memory), strict=True), label=path.stem, linewidth=1.2)
        below.plot(
            *zip(*((cpu, 100 * share) for cpu, share in [(0.0, 0.0), *progress]), strict=True), color=line.get_color(), linewidth=1.2
        )
    above.set(ylabel="resident memory, MiB", xlabel="CPU time of the run, %", ylim=(0, None), xlim=(0, 100))
    below.set(ylabel="work done, %", xlabel="CPU time, s", ylim=(0, 100), xlim=(0, None))
    above.legend(fontsize=7, ncols=2, loc="lower right")
    for axes in (above, below):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, metadata={"Date": None})


def main(argv: Sequence[str]) -> None:
    parser = project.parser(NAME, __doc__)
    parser.add_argument("--genomes", nargs="+", default=GENOMES[:-1], choices=GENOMES, help="what to call [all but small]")
    parser.add_argument("--outputs", nargs="+", default=OUTPUTS, choices=OUTPUTS, help="one run each [%(default)s]")
    parser.add_argument("--threads", type=int, default=2, help="of the program [%(default)s]")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="make the genomes here, and use those that are there")
    parser.add_argument("--log", type=pathlib.Path, metavar="DIR", help="write memory and progress over time here")
    parser.add_argument("--picture", type=pathlib.Path, metavar="SVG", help="call nothing; draw what is in --log")
    args = parser.parse_args(argv)
    if args.picture:
        if not args.log:
            project.fail(NAME, "--picture draws what is in --log; give both")
        environments.enter("benchmark", NAME, argv)
        draw(args.log, args.picture)
        return
    if not PROGRAM.is_file():
        project.fail(NAME, f"{PROGRAM} is missing; run cargo build --release")
    project.need(NAME, {"samtools": "samtools", "bcftools": "bcftools", "tabix": "tabix"})
    if args.log:
        args.log.mkdir(parents=True, exist_ok=True)
    print(HEAD, flush=True)
    for name in args.genomes:
        for row in measured(genomes.named(name), args.outputs, args.threads, args.keep, args.log):
            print(row, flush=True)

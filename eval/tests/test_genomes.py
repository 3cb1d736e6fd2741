"""Genomes made cheaply: references, reads and places; what is judged of a run on them."""

import dataclasses
import math
import pathlib
import subprocess

import pytest

from varpix_eval import genomes
from varpix_eval.commands import bench_genome
from varpix_eval.commands.bench_genome import Look, Progress, Watched
from varpix_eval.genomes import Contig, Genome, Places


def test_the_index_is_that_of_samtools(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genomes, "BLOCK", 2000)
    monkeypatch.setattr(genomes, "UNKNOWN", (2000, 6000))
    genome = Genome("x", [Contig("a", 12_345), Contig("b", 200), Contig("c", 999)], [Contig("d", 100)])
    path = tmp_path / "ref.fa"
    genomes.write_reference(genome, genomes.block(1), path)
    ours = pathlib.Path(f"{path}.fai").read_text()
    subprocess.run(["samtools", "faidx", path], check=True)
    assert pathlib.Path(f"{path}.fai").read_text() == ours
    unknown = subprocess.run(["samtools", "faidx", path, "a:2001-6000"], text=True, capture_output=True, check=True).stdout
    assert set("".join(unknown.splitlines()[1:])) == {"N"}
    assert genome.bases == 13_544


def test_chromosomes_are_those_of_the_build() -> None:
    human = genomes.named("human")
    assert human.contigs[0] == Contig("chr1", 248_956_422)
    assert human.bases == 3_088_286_401
    assert {contig.name for contig in human.contigs}.isdisjoint(contig.name for contig in human.beside)
    assert genomes.named("scaffolds").bases == 3_100_000_000


def test_reads_are_in_order_and_within_contigs() -> None:
    for number, contig in enumerate([Contig("chr1", 6_000_000), Contig("chrM", 16_569), Contig("s", 31_000)]):
        found = [position for position, _ in genomes.positions(number, contig)]
        assert found == sorted(found)
        assert found[0] >= 0
        assert found[-1] + genomes.READ <= contig.length
        if number == 0:
            low, high = genomes.UNKNOWN
            assert not any(low - genomes.READ < position < high for position in found)
            assert found.count(genomes.PILED) >= genomes.PILE
    depth = len(list(genomes.positions(1, Contig("chrM", 16_569)))) * genomes.READ / 16_569
    assert depth == pytest.approx(10_000, rel=0.02)


def test_places_are_counted_from_the_start() -> None:
    places = Places([Contig("a", 100), Contig("HLA:1", 300)])
    assert (places.share("a:50"), places.share("HLA:1:100")) == (0.125, 0.5)
    assert (places.at(99), places.at(100), places.at(399)) == (("a", 99), ("HLA:1", 0), ("HLA:1", 299))


def run(*progress: tuple[float, float, float], last: str = "a") -> Watched:
    """A run that says such progress: seconds, shares of the work and of the genome, all but the last on contig a."""
    said = [Progress(after, work, "a", genome) for after, work, genome in progress]
    return Watched(wall=100, progress=[*said[:-1], dataclasses.replace(said[-1], contig=last)] if said else [])


def test_progress_is_read() -> None:
    for line in ("[INFO] 4.5 % after 15 s; at HLA:1:100", "[INFO] 12.0 % after 3 min, about 22 min left; at HLA:1:100"):
        match = bench_genome.PROGRESS.search(line)
        assert match
        assert match[2] == "HLA:1:100"


def test_false_progress_is_found() -> None:
    looks = [Look(at, at / 2, 100 + at, 0) for at in range(100)]
    true = run((15, 0.2, 0.1), (30, 0.35, 0.5), (90, 0.95, 0.9))
    true.looks = looks
    bench_genome.check_progress(true)
    for wrong in (
        run((15, 0.5, 0.1), (30, 0.1, 0.5)),
        run((15, 0.1, 0.5), (30, 0.5, 0.1)),
        run((1, 0.0, 0.1), (50, 0.8, 0.5), (99, 1.0, 0.9)),
        run(),
    ):
        wrong.looks = looks
        with pytest.raises(SystemExit):
            bench_genome.check_progress(wrong)


def test_growth_and_pace() -> None:
    even = run(*((10 * i, i / 5, i / 10) for i in range(10)), (99, 0.99, 0.99), last="chrM")
    even.looks = [Look(at, at / 2, 100 + at, 0) for at in range(100)]
    assert even.off(lambda progress: progress.genome) == pytest.approx(0)
    assert even.growth == pytest.approx(59.5)
    late = run((0, 0.0, 0.0), (50, 0.5, 0.9), (99, 1.0, 1.0))
    late.looks = even.looks
    assert late.off(lambda progress: progress.genome) == pytest.approx(0.9 - 50 / 99, abs=0.02)
    assert late.off(lambda progress: progress.work) == pytest.approx(0, abs=0.02)
    assert math.isnan(run().growth)


def test_records_end_where_they_say() -> None:
    lines = ["#x", "c\t11\t.\tA\t<*>\t0\t.\tEND=20\tGT\t0/0", "c\t30\t.\tACG\tA\t9\tPASS\t.\tGT\t0/1"]
    assert [(record.start, record.end) for record in bench_genome.records(lines)] == [(10, 20), (29, 32)]

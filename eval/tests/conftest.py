"""A small genome with known variants, made once for all tests."""

from __future__ import annotations

import dataclasses
import pathlib
import random
import subprocess

import pytest

from varpix_eval.simulation import sequencers


@pytest.fixture(autouse=True)
def _few_quality_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    """dwgsim's qualities are drawn from prepared strings; 2,000 of them take most of a test's time."""
    monkeypatch.setattr(sequencers, "STRINGS", 50)


@dataclasses.dataclass(frozen=True)
class Genome:
    """A contig `c` of 12 kb with repeats; the truth has a heterozygous SNP every 500 bp, on haplotype 2."""

    ref: str
    truth: str
    bases: str
    positions: tuple[int, ...]  # 0-based


@pytest.fixture(scope="session")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    folder = tmp_path_factory.mktemp("genome")
    rng = random.Random(3)
    bases = "".join(rng.choice("ACGT") if rng.random() > 0.01 else rng.choice("AT") * 9 for _ in range(11_000))
    ref, truth = folder / "ref.fa", folder / "truth.vcf"
    ref.write_text(f">c\n{bases}\n")
    positions = tuple(range(1000, 10_000, 500))
    head = f'##fileformat=VCFv4.2\n##contig=<ID=c,length={len(bases)}>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    rows = "".join(f"c\t{p + 1}\t.\t{bases[p]}\t{'A' if bases[p] != 'A' else 'G'}\t.\tPASS\t.\tGT\t0|1\n" for p in positions)
    truth.write_text(f"{head}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n{rows}")
    return Genome(faidx(ref), bgzip(truth), bases, positions)


def faidx(path: pathlib.Path) -> str:
    """Indexes a FASTA."""
    subprocess.run(["samtools", "faidx", path], check=True)
    return str(path)


def bgzip(path: pathlib.Path) -> str:
    """Compresses and indexes a VCF."""
    subprocess.run(["bgzip", "-f", path], check=True)
    subprocess.run(["tabix", "-p", "vcf", f"{path}.gz"], check=True)
    return f"{path}.gz"


def bam(path: pathlib.Path, contigs: dict[str, int], rows: list[str]) -> str:
    """A sorted, indexed BAM of lines of SAM."""
    head = "".join(f"@SQ\tSN:{name}\tLN:{length}\n" for name, length in contigs.items())
    text = head + "".join(f"{row}\n" for row in rows)
    subprocess.run(["samtools", "sort", "--no-PG", "-o", path, "-"], check=True, input=text.encode(), stderr=subprocess.DEVNULL)
    subprocess.run(["samtools", "index", path], check=True)
    return str(path)

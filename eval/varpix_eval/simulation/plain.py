"""Plain reads: ART, dwgsim or pIRS run on whole haplotypes, without anything that a library adds."""

from __future__ import annotations

import concurrent.futures
import pathlib
import shutil
import subprocess

from .options import Options


def reads(options: Options, haplotypes: list[str], folder: pathlib.Path) -> list[pathlib.Path]:
    """Two FASTQ files of mates, from haplotypes 1 and 2 of each region in turn, each at half the depth."""
    sources = [(f"h{i + 1}", haplotypes[i::2]) for i in range(2)]

    def simulated(job: tuple[int, tuple[str, list[str]]]) -> tuple[str, str]:
        index, (name, sequences) = job
        fasta, stem, fold = folder / f"{name}.fa", folder / name, f"{options.depth / 2:.4f}"
        with open(fasta, "w") as out:
            for i, bases in enumerate(sequences):
                out.write(f">{name}.{i}\n{bases}\n")
        size, spread = options.insert.split(",")
        seed = options.seed * 1000 + index
        if options.profile == "dwgsim":
            # No mutations of its own; errors that grow along the read, more of them in the second.
            _run(
                "dwgsim",
                "-H",
                "-r",
                0,
                "-y",
                0.005,
                "-e",
                "0.0005-0.012",
                "-E",
                "0.001-0.02",
                "-Q",
                3,
                "-d",
                size,
                "-s",
                spread,
                "-1",
                options.read_length,
                "-2",
                options.read_length,
                "-C",
                fold,
                "-z",
                seed,
                "-o",
                1,
                "-P",
                name,
                fasta,
                stem,
            )
            packed = [f"{stem}.bwa.read{mate}.fastq.gz" for mate in (1, 2)]
            _run("gzip", "-d", *packed)
            made = [path.removesuffix(".gz") for path in packed]
        elif options.profile == "pirs":
            _run(
                "pirs",
                "simulate",
                "-l",
                options.read_length,
                "-x",
                fold,
                "-m",
                size,
                "-v",
                spread,
                "-S",
                seed,
                "-t",
                1,
                "-c",
                "text",
                "-o",
                stem,
                fasta,
            )
            made = [f"{stem}_{options.read_length}_{size}_{mate}.fq" for mate in (1, 2)]
        else:
            _run(
                "art_illumina",
                "-ss",
                options.profile,
                "-p",
                "-l",
                options.read_length,
                "-f",
                fold,
                "-m",
                size,
                "-s",
                spread,
                "-na",
                "-q",
                "-rs",
                seed,
                "-d",
                f"{name}:",
                "-i",
                fasta,
                "-o",
                f"{stem}.",
            )
            made = [f"{stem}.1.fq", f"{stem}.2.fq"]
        fasta.unlink()
        return made[0], made[1]

    with concurrent.futures.ThreadPoolExecutor(options.threads) as pool:
        found = list(pool.map(simulated, enumerate(sources)))
    joined = []
    for mate in range(2):
        path = folder / f"all.{mate + 1}.fq"
        with open(path, "wb") as out:
            for pair in found:
                with open(pair[mate], "rb") as part:
                    shutil.copyfileobj(part, out)
                pathlib.Path(pair[mate]).unlink()
        joined.append(path)
    return joined


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

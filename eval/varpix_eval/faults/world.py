"""A folder with copies of testdata/, to be broken at will, and the command line that calls it."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

from ..project import ROOT

TESTDATA = ROOT / "testdata"
MODEL = ROOT / "models/wgs"


def tool(*command: object, cwd: pathlib.Path | None = None, stdout: pathlib.Path | None = None) -> bytes:
    """Runs a program of the set-up; returns its stdout, or writes it to a file."""
    words = [str(word) for word in command]
    if stdout:
        with open(stdout, "wb") as sink:
            subprocess.run(words, check=True, cwd=cwd, stdout=sink, stderr=subprocess.PIPE)
        return b""
    return subprocess.run(words, check=True, cwd=cwd, capture_output=True).stdout


class World:
    """A folder with copies of testdata/, to be broken at will, and the command line that calls it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.command: list[str] | None = None  # in place of calling the reads
        self.ref = "ref.fa"
        self.reads = "reads.bam"
        self.vcf = "out.vcf"
        self.regions: list[str] | None = ["chrA:1-30000"]
        self.extra: list[str] = []
        self.shell: str | None = None
        self.signal: int | None = None  # sent when the run has begun to write
        for name in ("ref.fa", "ref.fa.fai", "reads.bam", "reads.bam.bai"):
            shutil.copy(TESTDATA / name, folder / name)
        # An index as old as its file draws no warning.
        os.utime(folder / "reads.bam", (1, 1))

    def __truediv__(self, name: str) -> pathlib.Path:
        return self.folder / name

    @property
    def small_disk(self) -> bool:
        """The program is run on a disk of its own, which its shell mounts."""
        return self.shell is not None and "mount -t" in self.shell

    def arguments(self) -> list[str]:
        if self.command is not None:
            return [*self.command, *self.extra]
        words = ["call", "--ref", self.ref, "--reads", self.reads, "--output-vcf", self.vcf]
        if "--threads" not in self.extra:
            words += ["--threads", "2"]
        if self.regions:
            words += ["--regions", *self.regions]
        return words + self.extra

    def run(self, *command: str, stdout: str | None = None) -> bytes:
        return tool(*command, cwd=self.folder, stdout=self / stdout if stdout else None)

    # What faults are made of.
    def everything(self) -> None:
        """Calls all of testdata, for faults that could lose calls."""
        self.regions = None

    def content(self, name: str) -> bytearray:
        return bytearray((self / name).read_bytes())

    def write(self, name: str, content: bytes | bytearray | str) -> None:
        (self / name).write_bytes(content.encode() if isinstance(content, str) else bytes(content))

    def cut(self, name: str, keep: int) -> None:
        """Keeps the first bytes, or leaves the last -keep ones away."""
        self.write(name, self.content(name)[:keep])

    def patch(self, name: str, at: int, content: bytes) -> None:
        data = self.content(name)
        data[at : at + len(content)] = content
        self.write(name, data)

    def as_cram(self, name: str, *options: str, reads_per_slice: int) -> None:
        """Packs the reads as a CRAM, without an index."""
        slices = ("--output-fmt-option", f"seqs_per_slice={reads_per_slice}")
        self.run("samtools", "view", "--no-PG", "-C", "-T", "ref.fa", *slices, *options, "-o", name, "reads.bam")

    def cram(self, name: str = "reads.cram", *options: str) -> None:
        """The reads as a CRAM of small containers, with its index."""
        self.as_cram(name, *options, reads_per_slice=2000)
        self.run("samtools", "index", name)
        self.reads = name
        self.everything()

    def sam(self, edit: Callable[[list[str]], list[str]], index: bool = True) -> None:
        """Rewrites the reads as SAM lines and makes a BAM of them again."""
        lines = self.run("samtools", "view", "--no-PG", "-h", "reads.bam").decode().splitlines()
        self.write("edited.sam", "\n".join(edit(lines)) + "\n")
        self.run("samtools", "view", "--no-PG", "-b", "-o", "reads.bam", "edited.sam")
        (self / "edited.sam").unlink()
        if index:
            self.run("samtools", "index", "reads.bam")

    def fasta(self, edit: Callable[[str], str], index: bool = True) -> None:
        self.write("ref.fa", edit((self / "ref.fa").read_text()))
        if index:
            self.run("samtools", "faidx", "ref.fa")

    def model(self, edit: Callable[[dict[str, Any]], object] | None = None) -> pathlib.Path:
        """A copy of the model, whose settings can be edited."""
        folder = self / "model"
        shutil.copytree(MODEL, folder)
        if edit:
            config = json.loads((folder / "model.json").read_text())
            edit(config)
            (folder / "model.json").write_text(json.dumps(config))
        self.extra += ["--model", "model"]
        return folder

    def resealed(self, folder: pathlib.Path) -> None:
        """Gives model.json the checksums of its edited files, so that only the content is wrong."""
        path = folder / "model.json"
        config = json.loads(path.read_text())
        for name in config.get("checksums", {}):
            config["checksums"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        path.write_text(json.dumps(config))

    def sites(self, *records: str, name: str = "sites.vcf") -> None:
        head = "##fileformat=VCFv4.2\n##contig=<ID=chrA,length=130000>\n##contig=<ID=chrB,length=70000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        self.write(name, head + "".join(record.replace(" ", "\t") + "\t.\t.\t.\n" for record in records))
        self.extra += ["--genotype-sites", name]

"""Outputs: folders, names, full disks, signals."""

from __future__ import annotations

import os

from .area import Area, Plant
from .world import World

AREA = Area()
edited, shell = AREA.edited, AREA.shell


def output(name: str) -> Plant:
    def plant(w: World) -> None:
        w.vcf = name

    return plant


edited("output-no-folder", "an output in a folder that is not there", 4, output("none/out.vcf.gz"), "none")
edited("output-suffix", "an output of another suffix", 2, output("out.txt"), "out.txt")
edited("output-is-folder", "a folder of the output's name", (2, 4), lambda w: (w / "out.vcf").mkdir(), "out.vcf")
edited("output-is-fifo", "a FIFO of the output's name", (2, 4), lambda w: os.mkfifo(w / "out.vcf"), "out.vcf")
edited("output-long", "an output's name of 250 characters, where 255 are the most", (0, 4), output("o" * 246 + ".vcf"))
edited("output-too-long", "an output's name of 260 characters", (2, 4), output("o" * 256 + ".vcf"), "ooo")
edited("output-long-index", "an output's name of 253 characters, whose index would have 257", (2, 4), output("o" * 246 + ".vcf.gz"), "ooo")
edited(
    "output-index-folder",
    "a folder of the index's name",
    (2, 4),
    lambda w: (setattr(w, "vcf", "out.vcf.gz"), (w / "out.vcf.gz.tbi").mkdir()),
    "tbi",
)
edited("output-gvcf-suffix", "a gVCF of another suffix", 2, lambda w: w.extra.extend(["--output-gvcf", "out.g.txt"]), "out.g.txt")
edited(
    "output-gvcf-folder",
    "a gVCF in a folder that is not there",
    4,
    lambda w: w.extra.extend(["--output-gvcf", "none/out.g.vcf.gz"]),
    "none",
)


shell("output-full", "standard output on a full device", 4, "{} >/dev/full", "output", plant=output("-"))
shell(
    "output-dry-run",
    "a dry run to standard output",
    3,
    "{} --dry-run >left; code=$?; test -s left && exit 1; exit $((code + 3))",
    plant=output("-"),
)
shell("output-closed", "standard output closed", 4, "{} >&-", "output", plant=output("-"))
shell("output-limit", "files limited to 4 kB", 4, "ulimit -f 4; {}", "out.vcf", plant=lambda w: w.everything())
shell(
    "output-limit-gz",
    "files limited to 1 kB, compressed",
    4,
    "ulimit -f 1; {}",
    "out.vcf.gz",
    plant=lambda w: (w.everything(), output("out.vcf.gz")(w)),
)
ON_SMALL_DISK = "{}; code=$?; cp small/out.vcf.gz* . 2>/dev/null; ls -A small | grep -v '^out.vcf.gz' >left; umount small; exit $code"
for kilobytes in (4, 8, 12, 16, 20, 24, 28, 32, 36, 40):
    shell(
        f"output-disk-{kilobytes}k",
        f"a disk of {kilobytes} kB for VCF and index",
        (0, 4),
        f"mkdir small; mount -t tmpfs -o size={kilobytes}k none small; {ON_SMALL_DISK}",
        plant=lambda w: (w.everything(), output("small/out.vcf.gz")(w)),
    )


def signalled(number: int) -> Plant:
    """A signal to a run that has begun to write and takes longer than a moment."""

    def plant(w: World) -> None:
        w.everything()
        w.extra.append("--no-small-model")
        w.signal = number

    return plant


for name, number in (("TERM", 15), ("INT", 2), ("HUP", 1)):
    edited(
        f"signal-{name}",
        f"SIG{name} during the run",
        128 + number,
        signalled(number),
        "SIG" + name,
    )
shell(
    "cwd-removed",
    "the working folder is removed",
    (0, 2, 3, 4),
    "mkdir gone; cd gone; rmdir ../gone; {}",
    plant=lambda w: [setattr(w, name, str(w / getattr(w, name))) for name in ("ref", "reads", "vcf")],
)

"""What reads the program's words: pipes, full devices, closed streams."""

from __future__ import annotations

from .area import Area

AREA = Area()
shell = AREA.shell


def piped(id: str, what: str, codes: int | tuple[int, ...], line: str, *words: str) -> None:
    shell(id, what, codes, line, *words, same=False)


EXPLAIN = "{varpix} explain --ref ref.fa --reads reads.bam --variants {testdata}/truth.vcf.gz --all"
piped("pipe-explain-head", "explain into head", (0, 4, 141), "set -o pipefail; " + EXPLAIN + " 2>/dev/null | head -n 1 >/dev/null")
piped("full-explain", "explain on a full device", 4, EXPLAIN + " >/dev/full")
piped("full-show", "show on a full device", 4, "{varpix} show --ref ref.fa --reads reads.bam --region chrA:11588 --out pictures >/dev/full")
piped(
    "full-regions",
    "regions on a full device",
    (0, 4),
    "{varpix} regions --ref ref.fa --reads reads.bam --chunks 2 --out-dir chunks >/dev/full",
)
piped("full-man", "man on a full device", 4, "{varpix} man >/dev/full")
piped("full-completions", "completions on a full device", 4, "{varpix} completions bash >/dev/full")
piped("full-help", "--help on a full device", (0, 4), "{varpix} --help >/dev/full")
piped("pipe-help", "--help into a closed pipe", (0, 141), "set -o pipefail; {varpix} call --help | true")
piped(
    "full-stderr",
    "an error with stderr on a full device",
    3,
    "{varpix} call --ref none.fa --reads reads.bam --output-vcf out.vcf 2>/dev/full",
)
piped("closed-stderr", "an error with stderr closed", 3, "{varpix} call --ref none.fa --reads reads.bam --output-vcf out.vcf 2>&-")
piped("full-stderr-usage", "a usage error with stderr on a full device", 2, "{varpix} call --nonsense 2>/dev/full")
for name, line in (
    ("explain", EXPLAIN + " 1<>reads.bam"),
    ("regions", "{varpix} regions --ref ref.fa --reads reads.bam --chunks 2 1<>ref.fa"),
    ("show", "{varpix} show --ref ref.fa --reads reads.bam --region chrA:11588 --out pictures 1<>ref.fa"),
    ("call", "{varpix} call --ref ref.fa --reads reads.bam --regions chrA:1-9000 --output-vcf - 1<>reads.bam"),
):
    piped(f"destroy-stdout-{name}", f"standard output of {name} is an input", 2, line)
for name, line in (
    ("explain", EXPLAIN + " >/dev/null"),
    ("show", "{varpix} show --ref ref.fa --reads reads.bam --region chrA --out pictures >/dev/null"),
):
    piped(f"signal-{name}", f"SIGTERM during {name}", (0, 143), f"{line} & sleep 0.3; kill -TERM $!; wait $!")

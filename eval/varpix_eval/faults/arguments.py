"""Arguments of calling, and other commands."""

from __future__ import annotations

import os

from .area import Area

AREA = Area()
argued, command = AREA.argued, AREA.command


argued("args-unknown", "an unknown flag", 2, ["--no-such-flag"], "--no-such-flag")
argued("args-threads-0", "no threads", 2, ["--threads", "0"], "threads")
argued("args-threads-two", "threads in words", 2, ["--threads", "two"], "two")
argued("args-qual-nan", "--min-qual nan", 2, ["--min-qual", "nan"], "nan")
argued("args-qual-inf", "--min-qual inf", 2, ["--min-qual", "inf"], "inf")
argued("args-device", "an unknown device", 2, ["--device", "tpu"], "tpu")
argued("args-precision", "an unknown precision", 2, ["--precision", "f16x"], "f16x")
argued("args-haploid", "a haploid contig that is not there", 2, ["--haploid-contigs", "chrZ"], "chrZ")
argued("args-par", "a PAR file that is not there", 3, ["--haploid-contigs", "chrB", "--par-regions", "none.bed"], "none.bed")
argued("args-model-type", "a model type that is not there", 2, ["--model-type", "SOLID"], "SOLID")
argued("args-gvcf-allele", "a gVCF allele without brackets", 2, ["--gvcf-ref-allele", "X"], "X")
argued("args-gq-bin", "a GQ bin of 0", 2, ["--gvcf-gq-bin", "0"])
argued("args-chunk", "a chunk that is not there", 3, ["--chunk", "none.bed"], "none.bed")
argued("args-chunk-dry", "a dry run with a chunk that is not there", 3, ["--dry-run", "--chunk", "none.bed"], "none.bed")
for name, value in (("tab", "a\tb"), ("newline", "a\nb"), ("empty", "")):
    argued(f"args-sample-{name}", f"a sample name with {name}" if value else "an empty sample name", 2, ["--sample-name", value], "sample")
argued("args-gvcf-alias", "--gvcf for --output-gvcf", (0, 2), ["--gvcf", "out.g.vcf"])
argued("args-intervals", "--intervals", (0, 2), ["--intervals", "chrA:1-30000"])


INPUTS = ["--ref", "ref.fa", "--reads", "reads.bam"]
command("no-command", "no arguments", 2, [])
command("help-call", "varpix help call", 0, ["help", "call"])
command("call-alone", "call without arguments", 2, ["call"], "--ref")
command(
    "verbose-first",
    "--verbose before the command",
    0,
    ["--verbose", "call", *INPUTS, "--output-vcf", "out.vcf", "--regions", "chrA:1-30000"],
)
command("show-region", "show of an unknown contig", 2, ["show", *INPUTS, "--region", "chrZ:5", "--out", "pictures"], "chrZ")
command("show-out-file", "show into a file", 4, ["show", *INPUTS, "--region", "chrA:11588", "--out", "ref.fa/x"])
command("explain-missing", "explain without its VCF", 3, ["explain", *INPUTS, "--variants", "none.vcf"], "none.vcf")
command(
    "explain-fifo",
    "explain with a FIFO as VCF",
    3,
    ["explain", *INPUTS, "--variants", "f.vcf"],
    "f.vcf",
    plant=lambda w: os.mkfifo(w / "f.vcf"),
)
command("regions-0-chunks", "regions in no chunks", 2, ["regions", *INPUTS, "--chunks", "0", "--out-dir", "chunks"])
command("import-missing", "import of a folder that is not there", 3, ["import-deepvariant", "none", "--out", "m"], "none")
command(
    "import-nonsense",
    "import of an index of random bytes",
    3,
    ["import-deepvariant", "m", "--out", "made"],
    plant=lambda w: (
        (w / "m").mkdir(),
        w.write("m/model.ckpt.index", bytes(range(256)) * 40),
        w.write("m/model.ckpt.data-00000-of-00001", b"x" * 100),
        w.write("m/example_info.json", '{"shape":[100,221,7],"channels":[1,2,3,4,5,6,19]}'),
    ),
)

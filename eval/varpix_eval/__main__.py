"""The command line: `python3 -m varpix_eval COMMAND ...`, started by scripts/eval."""

from __future__ import annotations

import importlib
import subprocess
import sys

# Name and what it does; the module in commands/ has the name with _ for -.
COMMANDS = {
    "simulate": "reads from known haplotypes, with their truth",
    "training-data": "the simulated sets of eval/sets, and the manifest for training",
    "make-testdata": "testdata/, always the same bytes",
    "evaluate": "calls against truth: precision, recall, F1",
    "check-accuracy": "calls testdata/ and fails unless all is found and nothing else",
    "accuracy": "varpix, bcftools and freebayes on every set for judging",
    "robustness": "the same reads as other pipelines would have written them",
    "compare-callers": "varpix, bcftools and freebayes on one set",
    "candidate-recall": "truth alleles among the candidates, with and without realignment",
    "calibration": "GQ against observed error",
    "consensus": "sequences that the calls make, against those of the truth",
    "phasing": "phases and haplotypes of reads beside WhatsHap's",
    "agreed-regions": "confident regions without variants that other truth sets add",
    "benchmark-giab": "a Genome in a Bottle sample: fetched, called, judged",
    "giab-training-data": "Genome in a Bottle samples to train on: fetched, divided into roles",
    "compare-networks": "networks and image sizes against each other",
    "compare-reads": "what reads look like, set beside set",
    "slippage": "how often repeats have a false length in reads",
    "bench": "time and memory beside bcftools and freebayes",
    "bench-growth": "cost by length, depth, threads and candidates",
    "bench-genome": "time and memory by length of the genome and number of contigs",
    "progress": "what a run says of its progress, beside what it took",
    "report-cost": "instructions that --summary, --multiqc and --report cost",
    "conformance": "candidates, counts and images beside DeepVariant's",
    "deepvariant-reference": "DeepVariant's network in Keras, for the check of imports",
    "small-model-reference": "networks like DeepVariant's small models in Keras, for the check of imports",
    "check-processors": "calls and probabilities with fewer instructions of the processor",
    "soak": "runs back to back for an hour: memory flat, the same bytes, nothing left",
    "trio": "Mendelian violations in a simulated family of three",
    "faults": "plants faults in inputs, outputs and arguments, and checks the answers",
    "check-resume": "kills runs at random moments, resumes them, and compares the bytes",
    "check-saliency": "maps of what counted for the CNN, by masked reads and shuffled weights",
    "check-pages": "pages of HTML, by a validator and in a browser",
    "crate-licenses": "licence texts of the crates in the program",
    "environment": "installs tools from PyPI into .cache/NAME",
}


def main() -> None:
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        width = max(map(len, COMMANDS))
        print("usage: scripts/eval COMMAND [OPTION...]\n")
        print("\n".join(f"  {command:{width}}  {what}" for command, what in COMMANDS.items()))
        return
    if name not in COMMANDS:
        print(f"eval: unknown command {name}; scripts/eval lists them", file=sys.stderr)
        sys.exit(2)
    try:
        importlib.import_module(f"varpix_eval.commands.{name.replace('-', '_')}").main(arguments)
    except subprocess.CalledProcessError as error:
        words = [error.cmd] if isinstance(error.cmd, str) else [str(word) for word in error.cmd]
        sys.exit(f"{name}: {' '.join(words)[:200]} ended with {error.returncode}")
    except BrokenPipeError:
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

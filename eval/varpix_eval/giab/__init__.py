"""Benchmark on Genome in a Bottle samples: downloads, figures, report."""

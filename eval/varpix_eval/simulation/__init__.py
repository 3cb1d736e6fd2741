"""Simulated reads: from a reference and a truth VCF to a BAM, the truth that is in it, and where that truth holds."""

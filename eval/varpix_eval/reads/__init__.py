"""What is measured on reads: alignments, repeat tracts, slippage rates of libraries."""

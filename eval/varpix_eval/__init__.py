"""What varpix is measured with: simulated reads, comparison with truth and with other callers, planted faults."""

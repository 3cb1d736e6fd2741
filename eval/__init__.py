"""Python code that scripts of this repository share: measuring reads, and simulating them."""

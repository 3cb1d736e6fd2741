"""One module for each command of `scripts/eval`; `main` takes the arguments behind the command's name."""

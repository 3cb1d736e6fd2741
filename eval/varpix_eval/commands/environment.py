"""Installs tools from PyPI, each set into a virtual environment of its own, .cache/NAME. Run again it only looks.

In:  the names of extras in eval/pyproject.toml, which pins their versions.
Out: .cache/NAME, ready to use; nothing on stdout.

  scripts/eval environment dev snakemake
"""

from __future__ import annotations

from collections.abc import Sequence

from .. import environments, project


def main(argv: Sequence[str]) -> None:
    parser = project.parser("environment", __doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", choices=sorted(environments.extras()), help="one of %(choices)s")
    for name in parser.parse_args(argv).names:
        environments.ensure(name)

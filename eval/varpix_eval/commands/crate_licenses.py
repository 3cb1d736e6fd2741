#!/usr/bin/env python3
"""Prints the licence texts of all crates that the program is made of, and of the C libraries that they carry.

In: `cargo metadata --format-version 1` of the default features, on stdin. Out: each text once, below the crates that it stands in.
A crate without such a file is named with its SPDX expression.
"""

from __future__ import annotations

import collections
import json
import pathlib
import re
import sys
from collections.abc import Sequence
from typing import Any

from .. import project

TEXT = re.compile(r"(?i)^(un)?licen[cs]e|^copying|^copyright|^notice")
DEPTH = 3  # htslib lies two folders below its crate


def linked(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """The packages that are reached without dependencies of builds or tests, the program's own aside."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    seen, todo = {root}, [root]
    while todo:
        for dependency in nodes[todo.pop()]["deps"]:
            if dependency["pkg"] not in seen and any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                seen.add(dependency["pkg"])
                todo.append(dependency["pkg"])
    return sorted((p for p in metadata["packages"] if p["id"] in seen - {root}), key=lambda p: (p["name"], p["version"]))


def main(argv: Sequence[str]) -> None:
    project.parser("crate-licenses", __doc__).parse_args(argv)
    texts: dict[str, list[str]] = collections.defaultdict(list)
    bare = []
    packages = linked(json.load(sys.stdin))
    for package in packages:
        folder = pathlib.Path(package["manifest_path"]).parent
        title = f"{package['name']} {package['version']} ({package['license']})"
        files = [f for f in sorted(folder.rglob("*")) if f.is_file() and TEXT.match(f.name) and len(f.relative_to(folder).parts) <= DEPTH]
        for file in files:
            if file.suffix not in (".rs", ".py", ".sh", ".h", ".c"):
                texts[file.read_text(errors="replace").strip()].append(f"{title}: {file.relative_to(folder)}")
        if not files:
            bare.append(title)
    if not packages:
        project.fail("crate-licenses", "no crate was found")
    print(f"The {len(packages)} Rust crates in this program, and the C libraries that they carry.\n")
    if bare:
        print("Without a file of their own:\n" + "".join(f"  {title}\n" for title in bare))
    for text, places in texts.items():
        print("=" * 100 + "\n" + "".join(f"{place}\n" for place in places) + "\n" + text + "\n")

"""Public files, fetched once: downloads that go on where they were cut off, checked against the checksums that are known."""

from __future__ import annotations

import argparse
import base64
import dataclasses
import hashlib
import http.client
import pathlib
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any

from .. import project

CHUNK = 1 << 20
GB = 1e9


class Checksums:
    """Hashes of a file that grows, each fed once."""

    def __init__(self) -> None:
        import google_crc32c

        self.sha256, self.md5 = hashlib.sha256(), hashlib.md5()
        self.crc32c: Any = google_crc32c.Checksum()

    def update(self, block: bytes) -> None:
        for each in (self.sha256, self.md5, self.crc32c):
            each.update(block)

    def of_server(self, kind: str) -> str:
        """As the server writes it."""
        digest: bytes = {"md5": self.md5, "crc32c": self.crc32c}[kind].digest()
        return base64.b64encode(digest).decode()

    @classmethod
    def of_file(cls, path: pathlib.Path) -> Checksums:
        sums = cls()
        if path.exists():
            with open(path, "rb") as file:
                while block := file.read(CHUNK):
                    sums.update(block)
        return sums


def server_sums(response: Any) -> dict[str, str]:
    """{md5 or crc32c: base64} of Google's x-goog-hash headers."""
    found = {}
    for header in response.headers.get_all("x-goog-hash") or []:
        for item in header.split(","):
            kind, _, value = item.strip().partition("=")
            if kind in ("md5", "crc32c"):
                found[kind] = value
    return found


def known_sums(command: str, path: project.Path) -> dict[str, str]:
    """{name: SHA-256} of a file as sha256sum writes it."""
    if not pathlib.Path(path).is_file():
        project.fail(command, f"{path} is not there")
    known = {}
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        value, _, name = line.partition(" ")
        if len(value) != 64 or not name.strip(" *"):
            project.fail(command, f"{path}: line {number} is not as sha256sum writes it")
        known[name.strip(" *")] = value
    return known


def add_options(parser: argparse.ArgumentParser, folder: pathlib.Path, shown: str) -> None:
    """The options that every command with downloads has; folder: where they go by default."""
    parser.add_argument("--data", type=pathlib.Path, default=folder, help=f"where downloads go [default: {shown}]")
    parser.add_argument("--mirror", metavar="URL", help="fetch all files from here")
    parser.add_argument("--checksums", metavar="FILE", help="SHA-256 of the files, as sha256sum writes them")


@dataclasses.dataclass(frozen=True)
class Store:
    """A folder of public files. What it lacks is fetched for a command: from its own address, or by its name from a mirror."""

    command: str
    folder: pathlib.Path
    mirror: str | None = None
    known: dict[str, str] = dataclasses.field(default_factory=dict)  # SHA-256 by name

    @classmethod
    def of(cls, command: str, args: argparse.Namespace) -> Store:
        """As the options say that add_options added."""
        return cls(command, args.data, args.mirror, known_sums(command, args.checksums) if args.checksums else {})

    def path(self, url: str) -> pathlib.Path:
        """Where the file of an address is, or will be."""
        return self.folder / url.rsplit("/", 1)[-1]

    def address(self, url: str) -> str:
        """Where the file is fetched from."""
        return f"{self.mirror.rstrip('/')}/{self.path(url).name}" if self.mirror else url

    def get(self, url: str, *beside: str) -> pathlib.Path:
        """The file of an address; it and those that belong beside it are fetched where they are missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for each in (url, *beside):
            download(self.command, self.address(each), self.path(each), self.known)
        return self.path(url)

    def ask(self, urls: Iterable[str]) -> None:
        """Stops where a server lacks one of the files that are to be fetched, or where they do not fit on the disk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lacking, needed, files = [], 0, 0
        for url in urls:
            if self.path(url).exists():
                continue
            part = self.path(url).with_name(self.path(url).name + ".part")
            request = urllib.request.Request(self.address(url), method="HEAD")
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    size = int(response.headers.get("Content-Length", 0))
            except urllib.error.HTTPError as error:
                error.close()
                lacking.append(f"{self.address(url)}: the server says {error.code} {error.reason}")
                continue
            except (OSError, http.client.HTTPException) as error:
                project.fail(self.command, f"{self.address(url)}: {error}")
            files += 1
            needed += size - min(size, part.stat().st_size if part.exists() else 0)
        if lacking:
            project.fail(self.command, "; ".join(lacking))
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            project.fail(self.command, f"{needed / GB:.0f} GB are to be fetched, but {self.folder} has {free / GB:.0f} GB left")
        if files:
            project.say(self.command, f"{files} files to fetch, {needed / GB:.1f} GB, into {self.folder}")


def download(command: str, url: str, target: pathlib.Path, known: dict[str, str], attempts: int = 5) -> pathlib.Path:
    """Fetches url to target, which is there when whole and checked; known: SHA-256 by name."""
    name = target.name
    store = target.parent / "SHA256SUMS"
    seen = known_sums(command, store) if store.exists() else {}
    if target.exists():
        return target
    part = target.with_name(name + ".part")
    project.say(command, f"fetching {url}")
    for attempt in range(1, attempts + 1):
        sums = Checksums.of_file(part)
        have = part.stat().st_size if part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                if have and response.status != 206:
                    # The server has no ranges: from the start.
                    have, sums = 0, Checksums()
                promised = response.headers.get("Content-Length")
                expected = server_sums(response)
                with open(part, "ab" if have else "wb") as file:
                    while block := response.read(CHUNK):
                        file.write(block)
                        sums.update(block)
            size = part.stat().st_size
            if promised is not None and size < have + int(promised):
                project.say(
                    command, f"{name}: cut off at {size} of {have + int(promised)} bytes; going on (attempt {attempt} of {attempts})"
                )
                continue
            break
        except urllib.error.HTTPError as error:
            if error.code == 416 and have:
                # All of it is there, or more than all.
                with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=60) as response:
                    expected, promised = server_sums(response), int(response.headers.get("Content-Length", -1))
                if promised == have:
                    break
                part.unlink()
                continue
            project.fail(command, f"{url}: the server says {error.code} {error.reason}")
        except (OSError, http.client.HTTPException) as error:
            project.say(command, f"{name}: {error}; going on (attempt {attempt} of {attempts})")
            time.sleep(min(30, 2**attempt) if attempt < attempts else 0)
    else:
        project.fail(command, f"{url}: cannot be fetched; what came is in {part}, run this again to go on")
    wrong = [kind for kind, value in expected.items() if sums.of_server(kind) != value]
    value = sums.sha256.hexdigest()
    for source in (known, seen):
        if name in source and source[name] != value:
            wrong.append("SHA-256")
    if wrong:
        part.unlink()
        project.fail(command, f"{url}: its checksum ({', '.join(wrong)}) is another; the download was removed, run this again")
    if not expected and name not in known and name not in seen:
        project.say(command, f"warning: {name}: no checksum is known; its SHA-256 is {value}, kept in {store}")
    if name not in seen:
        with open(store, "a") as file:
            file.write(f"{value}  {name}\n")
    part.rename(target)
    return target

"""Training data of Genome in a Bottle: the ready manifest, addresses, and the command against a server of tiny files."""

import collections
import functools
import gzip
import http.server
import pathlib
import sys
import threading
import types
from collections.abc import Iterator

import pytest

from varpix_eval import environments, sets
from varpix_eval.commands import giab_training_data
from varpix_eval.giab import sources, training

AUTOSOMES = [f"chr{number}" for number in range(1, 23)]


class NoChecksum:
    """In place of google_crc32c, which is not in the environment of tests."""

    def update(self, block: bytes) -> None:
        pass

    def digest(self) -> bytes:
        return b""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Keeps the requests that it answers."""

    asked: list[tuple[str, str]]

    def log_message(self, *_: object) -> None:
        pass

    def send_head(self):  # type: ignore[no-untyped-def]
        self.asked.append((self.command, self.path.lstrip("/")))
        return super().send_head()


class Mirror:
    """A server of the manifest's files, each of a few bytes."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, str]] = []
        for url in training.addresses(training.lines()):
            (folder / url.rsplit("/", 1)[-1]).write_text(url)
        for line in training.lines():
            bed = "".join(f"{contig}\t{10 * number}\t{10 * number + 5}\n" for number, contig in enumerate([*AUTOSOMES, "chrX"]))
            (folder / sources.confident(line.sample).rsplit("/", 1)[-1]).write_text(f"# {line.sample}\n{bed}")
        fasta = "".join(f">{contig}\nACGT\n" for contig in AUTOSOMES)
        (folder / sources.REFERENCE.rsplit("/", 1)[-1]).write_bytes(gzip.compress(fasta.encode()))
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(type("Asked", (Handler,), {"asked": self.asked}), directory=str(folder))
        )
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def fetched(self) -> list[str]:
        return [name for command, name in self.asked if command == "GET"]

    def run(self, data: pathlib.Path, *words: object) -> None:
        giab_training_data.main(["--mirror", self.url, "--data", str(data), *map(str, words)])


@pytest.fixture
def mirror(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    module = types.ModuleType("google_crc32c")
    monkeypatch.setattr(module, "Checksum", NoChecksum, raising=False)
    monkeypatch.setitem(sys.modules, "google_crc32c", module)
    monkeypatch.setattr(environments, "enter", lambda *_: None)
    (tmp_path / "server").mkdir()
    made = Mirror(tmp_path / "server")
    yield made
    made.server.shutdown()
    made.server.server_close()


def contigs(bed: pathlib.Path) -> list[str]:
    return [line.split("\t")[0] for line in bed.read_text().splitlines()]


def test_the_ready_manifest_keeps_roles_apart() -> None:
    lines = list(training.lines())
    roles = collections.Counter((line.role, line.sample) for line in lines if training.PCR_FREE in line.reads)
    assert set(roles.values()) == {1}
    assert {sample for role, sample in roles if role == "train"} == {"HG001", "HG002", "HG004", "HG005", "HG006", "HG007"}
    assert {sample for role, sample in roles if role == "tune"} == {"HG001", "HG005"}
    for line in lines:
        assert line.truth.startswith(f"{line.sample}_GRCh38_")
        assert line.confident == f"{line.sample}.{'chr1-18' if line.role == 'train' else 'chr19'}.bed"
        assert line.weight == ("1" if training.PCR_FREE in line.reads else "0.5")
        assert line.reference == sources.REFERENCE.rsplit("/", 1)[-1].removesuffix(".gz")


def test_the_ready_manifest_names_the_folder_of_downloads() -> None:
    for row in sets.rows(training.READY):
        assert tuple(row) == sets.MANIFEST
        for column in sets.MANIFEST[:4]:
            assert (training.READY.parent / row[column]).resolve().parent == training.FOLDER.resolve()


def test_contigs_of_roles_leave_three_for_judging() -> None:
    assert [*training.CONTIGS["train"], *training.CONTIGS["tune"]] == AUTOSOMES[:19]


def test_nothing_is_fetched_of_the_sample_that_is_held_out() -> None:
    assert not [url for url in training.addresses(training.lines()) if training.HELD_OUT_SAMPLE in url]


def test_no_two_addresses_have_one_name() -> None:
    urls = training.addresses(training.lines())
    assert len({url.rsplit("/", 1)[-1] for url in urls}) == len(urls)


def test_reads_lie_where_their_names_say() -> None:
    plus = "HG001.novaseq.pcr-plus.30x.dedup.grch38.bam"
    assert sources.reads(plus) == [f"{sources.DATASET}/wgs_pcr_plus/30x/{plus}", f"{sources.DATASET}/wgs_pcr_plus/30x/{plus}.bai"]
    case = "HG003.novaseq.pcr-free.35x.dedup.grch38_no_alt.chr20.bam"
    assert sources.reads(case)[0] == f"{sources.CASE_STUDY}/{case}"
    with pytest.raises(ValueError, match=r"no public reads are named a\.bam"):
        sources.reads("a.bam")


def test_confident_regions_of_a_trio_leave_out_its_inconsistencies() -> None:
    assert sources.confident("HG004").endswith(
        "/HG004_NA24143_mother/NISTv4.2.1/GRCh38/HG004_GRCh38_1_22_v4.2.1_benchmark_noinconsistent.bed"
    )
    assert sources.confident("HG007").endswith("/HG007_NA24695_mother/NISTv4.2.1/GRCh38/HG007_GRCh38_1_22_v4.2.1_benchmark.bed")
    assert sources.truth("HG001")[0].endswith("/release/NA12878_HG001/NISTv4.2.1/GRCh38/HG001_GRCh38_1_22_v4.2.1_benchmark.vcf.gz")


def test_all_is_fetched_cut_and_written(mirror: Mirror, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, manifest = tmp_path / "data", tmp_path / "out/all.tsv"
    mirror.run(data, "--manifest", manifest)
    assert f"varpix train --data {manifest}" in capsys.readouterr().err
    rows = list(sets.rows(manifest))
    assert list(training.lines(manifest)) == list(training.lines())
    for row in rows:
        for column in sets.MANIFEST[:4]:
            assert (manifest.parent / row[column]).is_file(), row[column]
        bed = contigs(manifest.parent / row["confident"])
        assert bed == (AUTOSOMES[:18] if row["role"] == "train" else ["chr19"])
    assert training.lacking(manifest) == []
    # Files are where they belong, whole, with what is beside them.
    for url in training.addresses(training.lines()):
        assert (data / url.rsplit("/", 1)[-1]).read_bytes() == (mirror.folder / url.rsplit("/", 1)[-1]).read_bytes()
    assert (data / f"{next(training.lines()).reference}.fai").read_text().startswith("chr1\t4\t")
    assert not list(data.glob("*.part"))
    assert not list(data.glob("*HG003*"))
    assert "HG003" not in "".join(line for line in manifest.read_text().splitlines() if not line.startswith("#"))
    # Again: nothing is asked for.
    mirror.asked.clear()
    mirror.run(data, "--manifest", manifest)
    assert mirror.asked == []


def test_chosen_samples_and_libraries_only(mirror: Mirror, tmp_path: pathlib.Path) -> None:
    manifest = tmp_path / "some.tsv"
    mirror.run(tmp_path / "data", "--samples", "HG001,HG006", "--pcr-free", "--manifest", manifest)
    lines = [(line.sample, line.role) for line in training.lines(manifest)]
    assert lines == [("HG001", "train"), ("HG006", "train"), ("HG001", "tune")]
    assert {name[:5] for name in mirror.fetched()} == {"HG001", "HG006", "GCA_0"}
    assert not [name for name in mirror.fetched() if "pcr-plus" in name]


def test_a_file_that_a_server_lacks_is_told_before_any_is_fetched(mirror: Mirror, tmp_path: pathlib.Path) -> None:
    for name in ("HG006.novaseq.pcr-free.30x.dedup.grch38.bam", "HG007_GRCh38_1_22_v4.2.1_benchmark.bed"):
        (mirror.folder / name).unlink()
    with pytest.raises(SystemExit, match=r"HG006\.novaseq.*says 404.*; .*HG007_GRCh38.*says 404"):
        mirror.run(tmp_path / "data", "--manifest", tmp_path / "a.tsv")
    assert mirror.fetched() == []
    assert not (tmp_path / "a.tsv").exists()


def test_a_full_disk_is_told_before_any_is_fetched(mirror: Mirror, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: types.SimpleNamespace(free=100))
    with pytest.raises(SystemExit, match=r"giab-training-data: 0 GB are to be fetched, but .* has 0 GB left"):
        mirror.run(tmp_path / "data", "--manifest", tmp_path / "a.tsv")
    assert mirror.fetched() == []


def test_files_that_a_manifest_lacks_are_found(mirror: Mirror, tmp_path: pathlib.Path) -> None:
    manifest = tmp_path / "some.tsv"
    mirror.run(tmp_path / "data", "--samples", "HG005", "--manifest", manifest)
    for name in ("HG005.chr19.bed", "HG005.novaseq.pcr-free.30x.dedup.grch38.bam.bai"):
        (tmp_path / "data" / name).unlink()
    assert [pathlib.Path(path).name for path in training.lacking(manifest)] == [
        "HG005.novaseq.pcr-free.30x.dedup.grch38.bam.bai",
        "HG005.chr19.bed",
    ]


def test_a_list_fetches_nothing(mirror: Mirror, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    giab_training_data.main(["--list", "--samples", "HG005", "--data", str(tmp_path / "data")])
    listed = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    name = "HG005.novaseq.pcr-free.30x.dedup.grch38.bam"
    assert listed[0] == [str(tmp_path / "data" / name), f"{sources.DATASET}/wgs_pcr_free/30x/{name}"]
    assert len(listed) == 6
    mirror.run(tmp_path / "data", "--list")
    assert all(line.split("\t")[1].startswith(f"{mirror.url}/") for line in capsys.readouterr().out.splitlines())
    assert mirror.asked == []
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--samples", "HG001,HG003", "--manifest", "a.tsv"], "HG003: it is held out"),
        (["--samples", "HG008", "--manifest", "a.tsv"], "HG008: expected some of HG001, HG002"),
        (["--samples", "HG002,HG004", "--manifest", "a.tsv"], "one of HG001 and HG005 is needed, to tune"),
        (["--samples", "HG001"], "need --manifest"),
        (["--pcr-free"], "need --manifest"),
        (["--data", "elsewhere"], "need --manifest"),
        (["--list", "--checksums", "none"], "none is not there"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        giab_training_data.main(words)

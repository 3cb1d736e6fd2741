"""Copies of reads, and what a journal tells."""

from __future__ import annotations

import pathlib

from varpix_eval.commands import check_resume


def test_copies_are_on_contigs_of_their_own() -> None:
    sam = [
        "@HD\tVN:1.6",
        "@SQ\tSN:c\tLN:9\tM5:x",
        "@RG\tID:a\tSM:s",
        "r\t0\tc\t5\t60\t2M\t=\t7\t4\tAC\tII",
        "u\t4\t*\t0\t0\t*\t*\t0\t0\tAC\tII",
    ]
    assert list(check_resume.copied(sam, 2)) == [
        "@HD\tVN:1.6\tSO:coordinate",
        "@SQ\tSN:c_0\tLN:9",
        "@SQ\tSN:c_1\tLN:9",
        "@RG\tID:a\tSM:s",
        "r_0\t0\tc_0\t5\t60\t2M\t=\t7\t4\tAC\tII",
        "r_1\t0\tc_1\t5\t60\t2M\t=\t7\t4\tAC\tII",
    ]
    assert check_resume.renamed("c of old\nACGT\n", 3) == "c_3\nACGT\n"


def test_a_journal_tells_what_is_kept(tmp_path: pathlib.Path) -> None:
    def frame(content: bytes) -> bytes:
        return f"{len(content):08x} 00000000\n".encode() + content + b"\n"

    journal = tmp_path / "journal"
    assert check_resume.kept(journal).startswith("nothing")
    first = b"varpix journal 1\n" + frame(b'[["model", "wgs"]]')
    journal.write_bytes(first)
    assert check_resume.kept(journal) == "nothing, no mark yet"
    mark = frame(b'{"written_before": "chrA:20001"}\nbytes\nof a block')
    journal.write_bytes(first + mark + mark.replace(b"2", b"3") + mark[:20])
    assert check_resume.kept(journal) == "chrA:30001"


def test_what_differs_is_named() -> None:
    assert check_resume.compared({"a": b"1"}, {"a": b"1"}) == "same bytes"
    assert check_resume.compared({"a": b"2", "b": b""}, {"a": b"1", "b": b""}) == "other bytes: a"
    assert check_resume.compared({"a": b"1", "a.part": b""}, {"a": b"1"}) == "other files: a.part"

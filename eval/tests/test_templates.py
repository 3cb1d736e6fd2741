"""Real pairs as templates of simulated ones."""

import pathlib

from conftest import Genome, bam

from varpix_eval.simulation import templates


def pair(name: str, start: int, end: int, bases: str, wrong: int | None = None) -> list[str]:
    """Lines of SAM of a proper pair of 100 bp reads, the first with a wrong base at a cycle."""
    one, two = bases[start : start + 100], bases[end - 100 : end]
    if wrong is not None:
        one = one[:wrong] + ("A" if one[wrong] != "A" else "C") + one[wrong + 1 :]
    return [
        f"{name}\t99\tc\t{start + 1}\t60\t100M\t=\t{end - 99}\t{end - start}\t{one}\t{'I' * 99}5",
        f"{name}\t147\tc\t{end - 99}\t50\t100M\t=\t{start + 1}\t{start - end}\t{two}\t{'#' + 'I' * 99}",
    ]


def test_lengths_qualities_and_errors_of_a_pair(genome: Genome, tmp_path: pathlib.Path) -> None:
    reads = bam(
        tmp_path / "a.bam", {"c": len(genome.bases)}, [*pair("a", 2005, 2305, genome.bases), *pair("b", 2105, 2505, genome.bases, 30)]
    )
    [window] = templates.load(f"{reads},{genome.ref},c:2001-3000")
    assert (window.first, window.span) == (0, 1000)
    clean, wrong = window.templates
    assert (clean.position, clean.length, clean.reverse, clean.mapq) == (5, 300, False, (60, 50))
    assert [read.edits for read in clean.reads] == [(), ()]
    # Qualities are in the direction of sequencing.
    assert clean.reads[0].quality.endswith("5")
    assert clean.reads[1].quality.endswith("#")
    [(cycle, replaced, own, shown)] = wrong.reads[0].edits
    assert (cycle, replaced, own) == (30, 1, genome.bases[2135])
    assert shown != own
    assert templates.laid(wrong.reads[0], genome.bases[2105:2305]) != genome.bases[2105:2205]


def test_known_variants_are_no_errors(genome: Genome, tmp_path: pathlib.Path) -> None:
    place = genome.positions[4]
    reads = bam(tmp_path / "a.bam", {"c": len(genome.bases)}, pair("a", place - 30, place + 270, genome.bases, 30))
    bed = tmp_path / "confident.bed"
    bed.write_text(f"c\t0\t{len(genome.bases)}\n")
    [window] = templates.load(f"{reads},{genome.ref},c:{place - 500}-{place + 500},{genome.truth},{bed}")
    assert window.templates[0].reads[0].edits == ()
    [window] = templates.load(f"{reads},{genome.ref},c:{place - 500}-{place + 500}")
    assert len(window.templates[0].reads[0].edits) == 1


def test_pairs_that_leave_the_window_are_left_out(genome: Genome, tmp_path: pathlib.Path) -> None:
    reads = bam(tmp_path / "a.bam", {"c": len(genome.bases)}, pair("a", 2005, 2305, genome.bases))
    [window] = templates.load(f"{reads},{genome.ref},c:2001-2200")
    assert window.templates == ()

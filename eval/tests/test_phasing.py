"""Figures of phasing."""

from __future__ import annotations

from varpix_eval.commands import phasing


def test_lengths_are_of_phase_sets() -> None:
    lines = ["1\t100\t0|1\t100", "1\t150\t0|1\t150", "1\t180\t0/1\t.", "1\t199\t1|0\t100", "1\t250\t1|0\t150", "2\t100\t0|1\t100"]
    assert phasing.set_lengths("\n".join(lines)) == {("1", "100"): 100, ("1", "150"): 101, ("2", "100"): 1}


def test_half_of_the_bp_lie_in_sets_as_long() -> None:
    assert phasing.n50([]) == 0
    assert phasing.n50([10]) == 10
    assert phasing.n50([1, 2, 3, 4]) == 3
    assert phasing.n50([5, 1, 1, 1, 1, 1]) == 5


def test_reads_are_compared_by_record() -> None:
    def sam(name: str, haplotype: str) -> str:
        return "\t".join([name, "0", "1", "7", "60", "4M", "*", "0", "0", "ACGT", "IIII", *haplotype.split()])

    first = phasing.haplotypes("\n".join([sam("a", "HP:i:1 PS:i:5"), sam("b", "HP:i:2 PS:i:5"), sam("c", ""), sam("d", "PS:i:5 HP:i:1")]))
    second = phasing.haplotypes("\n".join([sam("a", "HP:i:1 PS:i:5"), sam("b", "HP:i:1 PS:i:5"), sam("c", "HP:i:1 PS:i:5"), sam("d", "")]))
    assert first["a", "0", "7"] == ("1", "5")
    assert phasing.agreement(first, second) == (2, 1, 1, 1)

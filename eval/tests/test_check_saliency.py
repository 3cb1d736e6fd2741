"""The judgement of check-saliency, on made-up sites."""

from __future__ import annotations

from varpix_eval.commands import check_saliency

GOOD = {
    "place": "c:1", "alleles": "A>C", "certain": "1", "masked": "10", "p": "0.99", "p_variant": "0.2", "p_others": "0.9", "p_highest": "0.3",
    "p_random": "0.8", "p_lowest": "0.98", "image": "0.97", "image_variant": "0.1", "image_others": "0.9", "rows": "0.7",
    "shuffled_signed": "0.01", "shuffled_size": "0.1", "shuffled_saliency": "-0.1", "same_signed": "0.9", "same_size": "0.9", "same_saliency": "0.9",
}  # fmt: skip


def test_good_maps_pass() -> None:
    assert check_saliency.wrong([GOOD] * 3) == []
    assert any("0.2000" in line for line in check_saliency.table([GOOD] * 3))


def test_each_demand_is_judged() -> None:
    def said(**changed: str) -> str:
        return "; ".join(check_saliency.wrong([{**GOOD, **changed}]))

    assert "variant" in said(p_variant="0.95")
    assert "rank highest" in said(p_highest="0.85")
    assert "rank highest" in said(rows="0.1")
    assert "shuffled" in said(shuffled_size="0.5")
    assert "shuffled" in said(shuffled_signed="-0.5")
    assert "same weights" in said(same_saliency="0.3")

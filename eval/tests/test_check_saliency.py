"""The judgement of check-saliency, on made-up sites."""

from __future__ import annotations

import pathlib

import pytest

from varpix_eval.commands import check_saliency

GOOD = {
    "place": "c:1", "alleles": "A>C", "certain": "1", "masked": "10", "p": "0.99", "p_variant": "0.2", "p_others": "0.9", "p_highest": "0.3",
    "p_random": "0.8", "p_lowest": "0.98", "any_variant": "0.2", "any_others": "1", "image": "0.97", "image_variant": "0.1", "image_others": "0.9",
    "rows": "0.7",
}  # fmt: skip
for name in check_saliency.SHOWN | check_saliency.COMPARED:
    shown = name in check_saliency.SHOWN
    rho = "0.05" if shown else "0.7"
    GOOD |= {f"same:{name}": "0.9", f"n:{name}": "7" if name == "channels" else "100"}
    GOOD |= {f"{stage}:{name}:{what}": rho for stage in ("whole", "to_head2", "to_conv1") for what in ("mean", "size")}


def test_kept_numbers_are_judged(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "sites.tsv"
    kept.write_text("\n".join("\t".join(line) for line in (GOOD, GOOD.values(), GOOD.values())))
    check_saliency.main(["--judge", str(kept), str(kept)])
    assert capsys.readouterr().out.startswith("4 sites called het")
    kept.write_text(kept.read_text().replace("0.05", "0.9"))
    with pytest.raises(SystemExit):
        check_saliency.main(["--judge", str(kept)])


def test_good_maps_pass() -> None:
    assert check_saliency.wrong([GOOD] * 3) == []
    lines = check_saliency.table([GOOD] * 3)
    assert any("0.2000" in line for line in lines)
    assert "| saliency | 0.90 | 0.70 | 0.70 | 0.08 |" in lines
    assert "| head2 | 0.05 | 0.70 | 0.70 |" in lines


def test_each_demand_is_judged() -> None:
    def said(**changed: str) -> str:
        return "; ".join(check_saliency.wrong([{**GOOD, **{name.replace("__", ":"): value for name, value in changed.items()}}]))

    assert "variant" in said(any_variant="0.999", any_others="0.99")
    assert "ranks highest" in said(p_highest="0.85")
    assert "ranks highest" in said(p_lowest="0.79")
    assert "ranks highest" in said(rows="0.1")
    assert "pixels: maps of shuffled" in said(whole__pixels__mean="0.5", whole__pixels__size="0.5")
    # Correlations of either sign that make up for each other; of seven channels chance makes large ones.
    assert "by column: maps of shuffled" in said(whole__columns__size="0.5")
    assert said(whole__channels__size="0.5") == ""
    assert "by channel: maps of shuffled" in said(whole__channels__size="0.6")
    assert "same weights" in said(same__reads="0.3")
    # What is not shown is not judged.
    assert said(whole__saliency__size="0.9") == ""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_STUDY = Path(__file__).parents[2] / "experiments" / "mesh_head"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder on the path, its modules forgotten afterwards: other studies have modules of the same names."""
    mine = ("run", "summary", "procedural", "real", "bad_input")
    shadowed = {name: sys.modules.pop(name) for name in mine if name in sys.modules}
    monkeypatch.syspath_prepend(str(_STUDY))
    yield
    for name in mine:
        sys.modules.pop(name, None)
    sys.modules.update(shadowed)


def row(**more: Any) -> dict[str, str]:
    given = {"missing": False, "closed": True, "crossing": 0, "genus_correct": 1.0, "assd": 0.3, "hd95": 1.0, "dihedral_raw": 10.3,
             "dihedral_final": 10.6}  # fmt: skip
    return {name: str(value) for name, value in (given | more).items()}


def test_numbers_of_a_head_count_what_is_missing_as_wrong_genus_only(study: None) -> None:
    import summary

    gone = row(missing=True, closed="", crossing="", genus_correct=0.0, assd="", hd95="", dihedral_raw="", dihedral_final="")
    found = {name: value for name, (value, _) in summary.of_head([row(), row(assd=0.5, dihedral_raw=10.2, crossing=2), gone]).items()}
    assert found["genus_correct"] == pytest.approx(2 / 3) and found["missing_share"] == pytest.approx(1 / 3)
    assert found["assd"] == pytest.approx(0.4) and found["min_dihedral_raw"] == 10.2 and found["self_intersections"] == 2
    assert all(value is None for name, (value, _) in summary.of_head([]).items())


def test_ratios_are_of_the_head_over_the_best_two_steps(study: None) -> None:
    import summary

    def objects(way: str, *errors: str) -> list[dict[str, str]]:
        return [{"way": way, "object": str(n), "assd": "0.2" if error != "1.0" else "", "hd95": "0.5", "volume_error": error, "x_error": "nan"}
                for n, error in enumerate(errors)]  # fmt: skip

    rows = objects("head", "0.1", "0.2", "1.0") + objects(summary.PRIMARY, "0.1", "0.4", "1.0")
    times = [{"way": "head", "network_s": "2", "mesh_s": "1"}, {"way": summary.PRIMARY, "network_s": "20", "mesh_s": "40"}]
    found = {name: value for name, (value, _) in summary.of_ways(rows, times).items()}
    assert found["time_ratio_vs_two_step"] == pytest.approx(0.05)
    assert found["sim_error_ratio_vs_two_step"] == pytest.approx(0.5)
    assert found["real_head_matched"] == pytest.approx(2 / 3)
    assert summary.of_ways([], [])["time_ratio_vs_two_step"] == (None, "1")


def test_a_table_goes_on_where_it_stood(study: None, tmp_path: Path) -> None:
    from run import Table

    Table(tmp_path / "t.csv", ("head", "cell")).add({"head": "oracle", "cell": 3, "assd": 0.1})
    again = Table(tmp_path / "t.csv", ("head", "cell"))
    assert ("oracle", "3") in again and ("oracle", "4") not in again
    again.add({"head": "oracle", "cell": 4, "assd": ""})
    assert (tmp_path / "t.csv").read_text().splitlines() == ["head,cell,assd", "oracle,3,0.1", "oracle,4,"]


def test_bad_input_ends_in_a_sound_mesh_or_in_words(study: None) -> None:
    import bad_input

    chosen = {"field exactly zero": "refused", "object touching the border": "sound", "NaN in the network's answer": "refused"}
    for name, frame, distances in bad_input.cases():
        if name in chosen:
            found = bad_input.outcome(frame, distances)
            assert found["outcome"] == chosen[name]
            assert (len(found["said"]) > 40) == (chosen[name] == "refused")


def test_objects_of_a_mask_hang_together_and_are_large(study: None) -> None:
    import real

    mask = np.zeros((4, 40, 60), bool)
    mask[:, :20, :20] = mask[:, :20, 40:] = True
    mask[:, 30:32, 30:32] = True
    labels = real.objects_of(mask, "mask").data
    assert sorted(np.unique(labels)) == [0, 1, 2] and labels[0, 31, 31] == 0

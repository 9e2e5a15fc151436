from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.evaluation.objects import ObjectChoice
from cellml.pipeline.objects import Followed, chosen_objects, read_objects_table
from cellml.sim.ends import Place, Places
from cellml.types import Labels


def volume() -> Labels:
    data = np.zeros((10, 10, 10), np.uint16)
    data[1:6, 1:6, 1:6], data[7:9, 7:9, 7:9] = 3, 4
    return Labels(data, (10.0, 10.0, 10.0), name="blocks")


def test_a_table_survives_its_file_with_the_ends_that_are_asked_about(tmp_path: Path) -> None:
    place = Place("cut_x0", (1.0, 2.0, 3.0), 400.0)
    objects = [Followed("a-1", (30.0, 30.0, 30.0), Places({"largest_cut": place})), Followed("b", (80.0, 80.0, 80.0))]
    (tmp_path / "objects.json").write_text(json.dumps([one.as_dict() for one in objects]))
    read = read_objects_table(tmp_path / "objects.json", volume())
    assert [one.name for one in read] == ["a-1", "b"] and read[1].places is None
    assert read[0].places is not None and dict(read[0].places.found) == {"largest_cut": place}
    assert "farthest_cut" in read[0].places.missing


def test_objects_are_chosen_by_size_at_their_deepest_point() -> None:
    (one,) = chosen_objects(volume(), ObjectChoice(min_voxels=50, max_voxels=1000, most=4))
    assert one == Followed("3", (30.0, 30.0, 30.0))
    with pytest.raises(CellmlError, match=r"largest: 125, 8"):
        chosen_objects(volume(), ObjectChoice(min_voxels=500, max_voxels=1000))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no table of objects"),
        ('[{"name": "a"}]', "point_nm"),
        ('[{"name": "../a", "point_nm": [1, 1, 1]}]', "no name of a file"),
        ("[]", "at least one object"),
        ('[{"name": "a", "point_nm": [1, 1, 1]}, {"name": "a", "point_nm": [2, 2, 2]}]', "each name once"),
        ('[{"name": "a", "point_nm": [1, 1, 999]}]', r"objects.json, object 'a': The point .* lies outside"),
        ('[{"name": "a", "point_nm": [1, NaN, 1]}]', "coordinate that is no number"),
    ],
)
def test_tables_that_are_none_are_refused_in_words(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "objects.json").write_text(text)
    with pytest.raises((FileError, CellmlError), match=message):
        read_objects_table(tmp_path / "objects.json", volume())

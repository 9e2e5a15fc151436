"""MCell's own rules: µm, words that are no keywords, comments without stars, surface regions by number of element."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io import TaggedSurface, read_tagged_surfaces, write_mesh, write_tagged_surfaces
from cellml.types import Surface, TetMesh

CUBE = """
Cube POLYGON_LIST
{
  VERTEX_LIST
  {
    [ -0.25, -0.25, -0.25 ]
    [ 0.25, -0.25, -0.25 ]
    [ 0, 0.25, -2.5e-1 ]
    [ 0, 0, .25 ]
  }
  ELEMENT_CONNECTIONS
  {
    [ 0, 2, 1 ]
    [ 0, 1, 3 ]
    [ 0, 3, 2 ]
    [ 1, 2, 3 ]
  }
  DEFINE_SURFACE_REGIONS
  {
    floor
    {
      INCLUDE_ELEMENTS = [0]
    }
    sides
    {
      ELEMENT_LIST = [1 TO 2, 3]
    }
  }
}
"""


def test_the_text_is_what_mcell_parses(tmp_path: Path, nested_mesh: TetMesh) -> None:
    write_mesh(nested_mesh, tmp_path / "a.mdl")
    text = (tmp_path / "a.mdl").read_text()
    comments = re.findall(r"/\*(.*?)\*/", text, re.DOTALL)
    assert "lengths in um" in comments[0]
    assert not any("*" in comment for comment in comments)
    bare = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert re.findall(r"(\w+) POLYGON_LIST", bare) == ["cytosol", "endoplasmic_reticulum"]
    numbers = re.findall(r"\[ (\S+), (\S+), (\S+) \]", bare.partition("ELEMENT_CONNECTIONS")[0])
    points = np.array(numbers, float)
    assert points.min() == 0.0
    assert points.max() == 0.3
    assert re.findall(r"(\w+)\s*\{\s*ELEMENT_LIST", bare) == ["PM", "PSD", "ERM"]
    assert bare.count("{") == bare.count("}")


def test_a_file_of_another_program(tmp_path: Path) -> None:
    (tmp_path / "a.mdl").write_text(CUBE)
    (cube,) = read_tagged_surfaces(tmp_path / "a.mdl")
    assert cube.surface.name == "Cube"
    assert np.ptp(cube.surface.vertices, axis=0).tolist() == [500.0, 500.0, 500.0]
    assert {name: int((cube.tags == tag).sum()) for tag, name in cube.used.items()} == {"floor": 1, "sides": 3}


def test_keywords_and_odd_names_become_words(tmp_path: Path) -> None:
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    tagged = TaggedSurface(
        Surface(np.vstack([np.zeros(3), np.eye(3)]), faces, "1*/x"), np.array([1, 2, 2, 3]), {1: "TOP", 2: "a|b", 3: "µ"}
    )
    write_tagged_surfaces([tagged, tagged], tmp_path / "a.mdl")
    bare = re.sub(r"/\*.*?\*/", "", (tmp_path / "a.mdl").read_text(), flags=re.DOTALL)
    assert re.findall(r"(\w+) POLYGON_LIST", bare) == ["n1__x", "n1__x_2"]
    assert re.findall(r"(\w+)\s*\{\s*ELEMENT_LIST", bare) == ["TOP_", "a_b", "n_"] * 2
    assert [dict(each.names) for each in read_tagged_surfaces(tmp_path / "a.mdl")] == [dict(tagged.names)] * 2
    assert read_tagged_surfaces(tmp_path / "a.mdl")[0].surface.name == "1*/x"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("POLYGON_LIST", "BOX", "holds no POLYGON_LIST"),
        ("VERTEX_LIST", "VERTICES", "without VERTEX_LIST"),
        ("[0]", "[7]", "names face 7, but there are 4"),
        ("[ 0, 2, 1 ]", "[ 0, 2, 9 ]", "point at vertex 9"),
        ("2.5e-1", "high", "cannot be read as MDL"),
    ],
)
def test_damaged_files_are_said(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "a.mdl").write_text(CUBE.replace(old, new))
    with pytest.raises(FileError, match=message):
        read_tagged_surfaces(tmp_path / "a.mdl")

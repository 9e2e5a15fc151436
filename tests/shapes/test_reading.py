import logging

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import write_labels, write_surface
from cellml.shapes.closing import closed_shape, genus_of
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.shapes.harmonics.tables import write_table
from cellml.shapes.population import Population
from cellml.shapes.reading import label_population, read_population
from cellml.types import Labels, Surface


def ball(size=100.0, at=0.0, level=2):
    points, faces = geodesic_sphere(level)
    return Surface(size * points + at, faces)


def test_folder_of_surfaces(tmp_path, caplog):
    for name, surface in {"a/1.off": ball(), "a/2.ply": ball(120), "b/3.obj": ball(90), "b/4.stl": ball(100, 7.0)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_surface(surface, tmp_path / name)
    open_ = Surface(ball().vertices, ball().faces[:40])
    write_surface(open_, tmp_path / "b/5.off")
    (tmp_path / "b/6.off").write_text("OFF\n3 1")
    with caplog.at_level(logging.WARNING):
        found = read_population(tmp_path)
    assert found.names == ("a/1.off", "a/2.ply", "b/3.obj", "b/4.stl")
    assert found.groups == ("a", "a", "b", "b")
    assert [name for name, _ in found.excluded] == ["b/5.off", "b/6.off"]
    assert "4 shapes" in caplog.text and "2 shapes were left out" in caplog.text
    numbered = read_population(tmp_path, group_pattern=r"(\d)\.")
    assert numbered.groups == ("1", "2", "3", "4")


def test_duplicates_are_named(tmp_path, caplog):
    write_surface(ball(), tmp_path / "a.off")
    write_surface(ball(), tmp_path / "b.off")
    with caplog.at_level(logging.WARNING):
        assert len(read_population(tmp_path)) == 2
    assert "'a.off' = 'b.off'" in caplog.text


def test_holes_and_fragments_are_mended_and_handles_told():
    holed = closed_shape(Surface(ball().vertices, ball().faces[2:]))
    assert "filled" in holed.account and genus_of(holed.surface) == 0
    crumb = ball(10, 400.0)
    both = Surface(np.concatenate([ball().vertices, crumb.vertices]), np.concatenate([ball().faces, crumb.faces + 162]))
    assert "fragment" in closed_shape(both).account
    twin = Surface(np.concatenate([ball().vertices, ball(100, 400.0).vertices]), np.concatenate([ball().faces, crumb.faces + 162]))
    with pytest.raises(CellmlError, match="2 parts, of 50 %, 50 %"):
        closed_shape(twin)


def test_label_volumes_leave_out_what_the_border_cuts(tmp_path):
    data = np.zeros((30, 30, 30), np.uint16)
    data[5:15, 5:15, 5:15] = 1
    data[0:8, 20:28, 20:28] = 2
    data[20:22, 20:22, 20:22] = 4
    labels = Labels(data, (10.0, 8.0, 8.0), name="block")
    found = label_population(labels)
    assert found.names == ("block 1",)
    assert [reason.split()[1] for _, reason in found.excluded] == ["touches", "has"]
    assert found.surfaces[0].volume() == pytest.approx(1000 * 640, rel=0.01)
    np.testing.assert_allclose(found.surfaces[0].vertices.mean(axis=0), [9.5 * 8, 9.5 * 8, 9.5 * 10], atol=4)
    write_labels(labels, tmp_path / "block.nii.gz")
    assert len(read_population(tmp_path / "block.nii.gz")) == 1


def test_tables(tmp_path):
    values = np.zeros((1, 9))
    values[0, 0] = 100 * np.sqrt(4 * np.pi)
    write_table([Harmonics(values * k, np.zeros(3), f"cell {k}") for k in (1, 2)], tmp_path / "t.csv")
    found = read_population(tmp_path / "t.csv")
    assert found.names == ("cell 1", "cell 2")
    assert found.surfaces[0].volume() == pytest.approx(4 / 3 * np.pi * 1e6, rel=0.01)


def test_populations_check_themselves(tmp_path):
    three = Population(("a", "b", "c"), (ball(),) * 3, ("g",) * 3, ("", "x", ""), (("d", "why"),))
    assert three.select([2, 0]).names == ("c", "a")
    with pytest.raises(CellmlError, match="needs 10 shapes or more, and the population has 3"):
        three.require(10, "A mixture")
    with pytest.raises(CellmlError, match="unique"):
        Population(("a", "a"), (ball(),) * 2, ("", ""), ("", ""))
    with pytest.raises(CellmlError, match="2 surfaces, 1 names"):
        Population(("a",), (ball(),) * 2, ("", ""), ("", ""))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="holds no surfaces"):
        read_population(tmp_path / "empty")
    with pytest.raises(FileError):
        read_population(tmp_path / "none.tif")

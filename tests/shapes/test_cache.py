import logging
import os

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.io import write_surface
from cellml.shapes import cache
from cellml.shapes.cache import kept_population, population_key
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.shapes.population import Population
from cellml.shapes.reading import read_population
from cellml.types import Surface


def some():
    points, faces = geodesic_sphere(1)
    surfaces = (Surface(points * 100, faces, name="a"), Surface(points[:, ::-1] * 70.5, faces[:, ::-1], name="β/b"))
    return Population(("a", "β/b"), surfaces, ("1", ""), ("", "Thin"), (("c", "it is open"),), (("a", "filled 2 holes"),))


def equal(one, two):
    assert (one.names, one.groups, one.classes) == (two.names, two.groups, two.classes)
    assert (one.excluded, one.repaired) == (two.excluded, two.repaired)
    for a, b in zip(one.surfaces, two.surfaces, strict=True):
        np.testing.assert_array_equal(a.vertices, b.vertices)
        np.testing.assert_array_equal(a.faces, b.faces)
        assert a.name == b.name


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CELLML_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SLOW_S", -1.0)
    return tmp_path / "cache" / "populations"


def refuse():
    raise AssertionError("it is read a second time")


def test_what_is_kept_comes_back_bit_by_bit(folder):
    equal(kept_population("key", some), some())
    assert [p.name for p in folder.iterdir()] == ["key.npz"]
    equal(kept_population("key", refuse), some())


def test_what_is_quick_or_has_no_key_is_not_kept(folder, monkeypatch):
    kept_population(None, some)
    monkeypatch.setattr(cache, "SLOW_S", 60.0)
    kept_population("key", some)
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"no archive"])
def test_a_broken_file_is_read_anew(folder, caplog, content):
    folder.mkdir(parents=True)
    (folder / "key.npz").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        equal(kept_population("key", some), some())
    assert "cannot be used" in caplog.text
    equal(kept_population("key", refuse), some())


def test_a_file_of_something_else_is_read_anew(folder, caplog):
    kept_population("key", some)
    with np.load(folder / "key.npz") as arrays:
        content = dict(arrays)
    wrong = {
        "lacks an array": {"faces": None},
        "past the vertices": {"faces": content["faces"] + 10**6},
        "torn text": {"texts": content["texts"][:9]},
    }
    for change in wrong.values():
        np.savez(folder / "key.npz", **{k: v for k, v in (content | change).items() if v is not None})
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            equal(kept_population("key", some), some())
        assert "cannot be used" in caplog.text
    np.savez(folder / "key.npz", texts=np.array([{"pickled": 1}], dtype=object))  # would run code if it were unpickled
    equal(kept_population("key", some), some())


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CELLML_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(cache, "SLOW_S", -1.0)
    with caplog.at_level(logging.WARNING):
        equal(kept_population("key", some), some())
    assert "not kept" in caplog.text


def test_the_oldest_go(folder, monkeypatch):
    monkeypatch.setattr(cache, "MOST_FILES", 2)
    for number, key in enumerate("abc"):
        kept_population(key, some)
        os.utime(folder / f"{key}.npz", (number, number))
    kept_population("d", some)
    assert sorted(p.stem for p in folder.iterdir()) == ["c", "d"]


def test_key_follows_content_arguments_and_rules(tmp_path, monkeypatch):
    file, inside = tmp_path / "a.npz", tmp_path / "folder"
    file.write_text("one")
    inside.mkdir()
    (inside / "b.off").write_text("OFF")

    def key(source="spines", files=(file, inside), **arguments):
        return population_key(source, files, {"genus": 0} | arguments)

    first = key()
    os.utime(file, (1, 1))
    assert key() == first  # the same content
    seen = {first, key("spines:base"), key(genus=None), key(unit="nm"), key(files=(file,))}
    file.write_text("two")
    seen.add(key())
    os.utime(inside / "b.off", (1, 1))
    seen.add(key())
    (inside / "b.off").rename(inside / "c.off")
    seen.add(key())
    monkeypatch.setattr(cache, "RULES", -1)
    seen.add(key())
    assert len(seen) == 9
    assert key(files=(tmp_path / "not there",)) is None
    assert key(files=()) is None


def test_folder_of_surfaces_is_read_once(folder, tmp_path, monkeypatch):
    shapes = tmp_path / "shapes"
    shapes.mkdir()
    for surface in some().surfaces:
        write_surface(surface, shapes / f"{surface.name[-1]}.off")
    first = read_population(shapes)
    assert len(list(folder.iterdir())) == 1
    with monkeypatch.context() as patched:
        patched.setattr("cellml.shapes.reading.closed_shape", lambda *a, **k: refuse())
        equal(read_population(shapes), first)
    read_population(shapes, genus=0)
    assert len(list(folder.iterdir())) == 2
    with pytest.raises(CellmlError, match="no regular expression"):
        read_population(shapes, group_pattern="(")
    assert len(list(folder.iterdir())) == 2

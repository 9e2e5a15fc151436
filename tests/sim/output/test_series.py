from __future__ import annotations

import resource
from xml.etree import ElementTree

import h5py
import meshio
import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io.atomic import atomic_path
from cellml.sim.output.series_data import moments, place_grids
from cellml.sim.output.vtu_series import write_vtu_series
from cellml.sim.output.xdmf_series import write_xdmf_series

TIMES = [0.0, 0.01, 0.02]


def read_xdmf(path):
    """Times, and for each its arrays by name: what a reader of XDMF sees."""
    root = ElementTree.parse(path).getroot()
    series = root.find("Domain/Grid")
    assert (series.get("GridType"), series.get("CollectionType")) == ("Collection", "Temporal")
    found = []
    for grid in series.findall("Grid"):
        arrays = {"points": grid.find("Geometry/DataItem"), "cells": grid.find("Topology/DataItem")}
        arrays |= {a.get("Name"): a.find("DataItem") for a in grid.findall("Attribute")}
        values = {}
        for name, item in arrays.items():
            file, _, place = item.text.partition(":")
            with h5py.File(path.parent / file) as numbers:
                values[name] = numbers[place][()]
            assert values[name].shape == tuple(map(int, item.get("Dimensions").split()))
        assert int(grid.find("Topology").get("NumberOfElements")) == len(values["cells"])
        found.append((float(grid.find("Time").get("Value")), values))
    return found


def test_xdmf_holds_every_species_where_it_lives_and_nan_elsewhere(solution, cell, tmp_path):
    write_xdmf_series(solution, tmp_path)
    found = read_xdmf(tmp_path / "volume.xdmf")
    assert [t for t, _ in found] == pytest.approx(TIMES)
    for (_, arrays), (_, fields) in zip(found, moments(solution), strict=True):
        assert np.array_equal(arrays["points"], cell.points) and np.array_equal(arrays["cells"], cell.tets)
        assert np.array_equal(arrays["region"], cell.regions)
        for name in ("Ca", "store"):
            assert np.array_equal(arrays[name], fields[name], equal_nan=True)
    last = found[-1][1]
    shared = np.isfinite(last["Ca"]) & np.isfinite(last["store"])
    assert shared.sum() == len(np.unique(cell.facets_named("ERM")))  # both live at the membrane between them …
    assert (last["store"] - last["Ca"])[shared].min() > 1.0  # … and keep values of their own there
    assert np.isnan(last["Ca"]).sum() == 1  # the middle of the inner box


def test_xdmf_of_membranes_has_their_triangles_once(solution, cell, tmp_path):
    write_xdmf_series(solution, tmp_path)
    found = read_xdmf(tmp_path / "membranes.xdmf")
    arrays = found[-1][1]
    triangles = cell.facets_named("membrane")
    assert arrays["cells"].shape == triangles.shape
    assert np.allclose(
        np.sort(arrays["points"][arrays["cells"]].mean(axis=1), axis=0), np.sort(cell.points[triangles].mean(axis=1), axis=0)
    )
    assert np.array_equal(arrays["R"], solution.series[max(solution.series)]["R"][np.unique(triangles)])


def test_paraview_collection_has_a_part_for_each_place_without_gaps(solution, tmp_path):
    write_vtu_series(solution, tmp_path)
    entries = ElementTree.parse(tmp_path / "series.pvd").getroot().findall("Collection/DataSet")
    assert [(float(e.get("timestep")), e.get("name")) for e in entries] == [
        (pytest.approx(t), place) for t in TIMES for place in ("cytosol", "ER", "PM")
    ]
    grids = {grid.name: grid for grid in place_grids(solution)}
    for entry in entries:
        part, grid = meshio.vtu.read(str(tmp_path / entry.get("file"))), grids[entry.get("name")]
        assert set(part.point_data) == set(grid.species)
        assert all(np.isfinite(values).all() for values in part.point_data.values())
        assert np.array_equal(part.cells[0].data, grid.cells) and part.cells[0].type == ("tetra" if grid.bulk else "triangle")


def test_a_disk_that_fills_up_under_the_series_is_explained_and_left_clean(solution, tmp_path):
    """A file-size limit stands for the full disk; HDF5's own writing would end the process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(FileError, match="no space is left"), atomic_path(tmp_path / "out") as aside:
            aside.mkdir()
            write_xdmf_series(solution, aside)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not any(tmp_path.iterdir())

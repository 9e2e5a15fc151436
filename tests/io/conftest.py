"""The formats that the tests of this folder run over."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellml.types import Labels, TetMesh, Volume

IMAGE_FORMS = (".npz", ".tif", ".ome.tif", ".mrc", ".h5", ".zarr", ".ome.zarr", ".nii", ".nii.gz", "/")
FILE_FORMS = tuple(form for form in IMAGE_FORMS if form not in (".zarr", ".ome.zarr", "/"))


PathOf = Callable[..., str]


@pytest.fixture
def image_path() -> PathOf:
    """Makes a path that selects a format; a folder of slices is marked by its final slash."""
    return lambda folder, form, stem="cell": f"{folder / stem}{form}"


@pytest.fixture
def entries() -> Callable[[Path], list[str]]:
    """Names of everything in a folder, hidden ones too."""
    return lambda folder: sorted(entry.name for entry in folder.iterdir())


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder, hidden ones too, with its bytes."""

    def read(folder: Path) -> dict[str, bytes]:
        files = (Path(root) / name for root, _, names in os.walk(folder) for name in names)
        return {str(path.relative_to(folder)): path.read_bytes() for path in files}

    return read


@pytest.fixture(params=IMAGE_FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=FILE_FORMS)
def file_form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def where(tmp_path: Path, form: str, image_path: PathOf) -> str:
    return image_path(tmp_path, form)


@pytest.fixture
def volume() -> Volume:
    data = np.random.default_rng(0).integers(0, 200, (5, 6, 7)).astype(np.uint8)
    return Volume(data, (30.0, 4.0, 4.5), origin=(-60.0, 8.0, 9.0))


@pytest.fixture
def labels() -> Labels:
    data = np.random.default_rng(1).integers(0, 300, (5, 6, 7)).astype(np.uint16)
    return Labels(data, (30.0, 4.0, 4.5), names={7: "dendrite µ", 12: "axon"}, kind="semantic")


@pytest.fixture(scope="session")
def nested_mesh() -> TetMesh:
    """A box of 300 nm with a box inside, its inner points displaced: two regions, the outer membrane with a patch on top, the inner one."""
    from skfem import MeshTet

    from cellml.meshing.topology import facet_pairs

    grid = MeshTet.init_tensor(*[np.linspace(0.0, 300.0, 6)] * 3)
    tets, points = grid.t.T.astype(np.int64), grid.p.T.copy()
    inside = ((points > 1) & (points < 299)).all(axis=1)
    points[inside] += np.random.default_rng(0).uniform(-5, 5, (int(inside.sum()), 3))
    a, b, c, d = (points[tets[:, i]] for i in range(4))
    inverted = np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) < 0
    tets[inverted] = tets[inverted][:, [0, 2, 1, 3]]
    regions = np.where((np.abs(points[tets].mean(axis=1) - 150) < 90).all(axis=1), 2, 1)
    pairs = facet_pairs(tets)
    outer = pairs.second < 0
    interface = ~outer & (regions[pairs.first] != regions[pairs.second])
    facets = pairs.facets.copy()
    inward = interface & (regions[pairs.first] > regions[pairs.second])
    facets[inward, 1:] = facets[inward, :0:-1]
    tags = np.where(outer & (points[facets][..., 2] > 299).all(axis=1), 5, np.where(outer, 1, 10))
    chosen = outer | interface
    names = {1: "PM", 5: "PSD", 10: "ERM"}
    return TetMesh(points, tets, regions, {1: "cytosol", 2: "endoplasmic reticulum"}, facets[chosen], tags[chosen], names, name="spine")

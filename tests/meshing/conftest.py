from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cellml.meshing import MeshResult, mesh_labels
from cellml.types import Labels

SPACING = (10.0, 10.0, 10.0)


def _grid(shape: tuple[int, int, int], spacing: tuple[float, float, float] = SPACING) -> list[np.ndarray]:
    """Distances (z, y, x) in nm from the middle of a volume, at voxel centres."""
    return np.meshgrid(*((np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing, strict=True)), indexing="ij")


def _ball_voxels(radius: float, shape: tuple[int, int, int], spacing: tuple[float, float, float] = SPACING) -> np.ndarray:
    z, y, x = _grid(shape, spacing)
    return z**2 + y**2 + x**2 < radius**2


@pytest.fixture(scope="session")
def grid() -> Callable[..., list[np.ndarray]]:
    return _grid


@pytest.fixture(scope="session")
def ball_voxels() -> Callable[..., np.ndarray]:
    return _ball_voxels


@pytest.fixture(scope="session")
def ball() -> MeshResult:
    return mesh_labels(Labels(_ball_voxels(100.0, (24, 24, 24)), SPACING, origin=(1000.0, -500.0, 0.0), names={1: "soma"}))


@pytest.fixture(scope="session")
def halves() -> MeshResult:
    """A ball of two labels that touch in a plane x = const."""
    voxels = _ball_voxels(100.0, (24, 24, 24)).astype(np.uint8)
    voxels[:, :, 12:] *= 2
    return mesh_labels(Labels(voxels, SPACING, names={1: "left", 2: "right"}))


@pytest.fixture(scope="session")
def rod() -> tuple[Labels, MeshResult]:
    """A cylinder along x, radius 60 nm, through a block of 300 nm: cut at both ends."""
    z, y, _ = _grid((20, 20, 30))
    labels = Labels(z**2 + y**2 < 60.0**2, SPACING, origin=(0.0, 0.0, 5000.0))
    return labels, mesh_labels(labels)

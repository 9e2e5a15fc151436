"""A random forest on ten numbers of a spine's shape, which the networks must beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from sklearn.ensemble import RandomForestClassifier

from cellml.data.labelled_mesh import LabelledMesh
from cellml.surfaces import repair
from cellml.types import Surface


def by_forest(train: list[LabelledMesh], test: list[LabelledMesh]) -> NDArray[np.int64]:
    """Train 500 trees, classes weighted by their rarity, on repaired surfaces, and classify others."""
    known, asked = (np.stack([descriptors(repair(mesh.surface)[0]) for mesh in meshes]) for meshes in (train, test))
    forest = RandomForestClassifier(500, class_weight="balanced", min_samples_leaf=2, random_state=0)
    return np.asarray(forest.fit(known, [mesh.label for mesh in train]).predict(asked))


def descriptors(surface: Surface, sections: int = 12) -> NDArray[np.float64]:
    """(10,): logarithms of volume, area and length (nm³, nm², nm), sphericity π^⅓ (6V)^⅔ / A, volume over that of the convex hull, ratios
    of the principal axes, and from the radii of `sections` slices across the longest axis: widest over narrowest, where the widest is
    (0 … 0.5 from the nearer end), and the mean radius over the length. surface: closed, nm.
    """
    vertices, volume, area = surface.vertices, abs(surface.volume()), float(surface.areas().sum())
    centred = vertices - vertices.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(centred.T))
    along, across = centred @ axes[:, 2], np.linalg.norm(centred @ axes[:, :2], axis=1)
    length = float(np.ptp(along))
    place = np.clip(((along - along.min()) / length * sections).astype(int), 0, sections - 1)
    radius = np.array([np.median(across[place == n]) if (place == n).any() else np.nan for n in range(sections)])
    inner = radius[1:-1]
    widest = (int(np.nanargmax(radius)) + 0.5) / sections
    return np.array(
        [
            np.log(volume),
            np.log(area),
            np.log(length),
            np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area,
            volume / ConvexHull(vertices).volume,
            np.sqrt(values[0] / values[1]),
            np.sqrt(values[1] / values[2]),
            np.nanmax(inner) / np.nanmin(inner),
            min(widest, 1 - widest),
            np.nanmean(radius) / length,
        ]
    )

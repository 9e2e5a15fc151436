"""Labelled surfaces in the form that mesh networks learn from: so many faces, so many points, unit size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.data.procedural_cells import random_frame
from cellml.errors import CellmlError
from cellml.types import Surface


@dataclass(frozen=True, eq=False)
class LabelledMesh:
    """surface; label: class number; group: what it must not be split from, such as its image stack; name; parts: which part each place of
    the surface belongs to, (P, 3) in the surface's coordinates → (P,) numbers from 0, where that is known; size: nm to its unit of length.
    """

    surface: Surface
    label: int
    group: str
    name: str
    parts: Callable[[NDArray[np.float64]], NDArray[np.int64]] | None = None
    size: float = 1.0


_MORE = (1.0, 1.25, 1.5, 2.0, 3.0)


def prepared(mesh: LabelledMesh, faces: int, *, align: bool = False) -> LabelledMesh:
    """Repaired where it is not closed and manifold, with about `faces` faces, its mean vertex at the origin and its farthest at 1.

    A surface that loses its soundness with so few faces keeps up to three times as many. align: its principal axes, from the shortest to
    the longest, become x, y and z, each in either direction. `size` of what is returned is the farthest vertex's distance in nm. Raises
    CellmlError for a surface that cannot be repaired, or that has no closed simplification.
    """
    surface = _simplified(mesh, faces)
    middle = surface.vertices.mean(axis=0)
    vertices = surface.vertices - middle
    size = float(np.linalg.norm(vertices, axis=1).max())
    axes = _principal_axes(vertices) if align else np.eye(3)
    parts = mesh.parts
    moved = None if parts is None else lambda points: parts(points @ axes.T * size + middle)
    return replace(mesh, surface=Surface(vertices @ axes / size, surface.faces, surface.name), parts=moved, size=size * mesh.size)


def _simplified(mesh: LabelledMesh, faces: int) -> Surface:
    from cellml.meshing.topology import surface_topology
    from cellml.report.decimate import decimate
    from cellml.surfaces import repair

    surface = mesh.surface
    if not _is_sound(surface):
        surface = repair(surface)[0]
    for share in _MORE:
        fewer = decimate(surface, round(share * faces))
        if not _is_sound(fewer):
            fewer = decimate(repair(fewer)[0], round(share * faces))
        if _is_sound(fewer):
            return fewer
    found = surface_topology(fewer.faces)
    raise CellmlError(
        f"{mesh.name} has no closed manifold simplification of {faces} to {round(_MORE[-1] * faces)} faces (closed: {found.closed}, "
        f"manifold: {found.manifold}); take more faces."
    )


def _principal_axes(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3): columns are unit vectors of a right-handed frame, the direction of least spread first. vertices: (V, 3), centred."""
    axes = np.linalg.eigh(vertices.T @ vertices)[1]
    axes[:, 0] *= np.sign(np.linalg.det(axes))
    return np.asarray(axes, float)


def _is_sound(surface: Surface) -> bool:
    from cellml.meshing.topology import surface_topology

    found = surface_topology(surface.faces)
    return found.closed and found.manifold and found.oriented


def mesh_sample(
    mesh: LabelledMesh, rng: np.random.Generator, points: int, *, turn: bool, align: bool = False, sized: bool = False
) -> dict[str, Tensor]:
    """A mesh as tensors.

    "cloud": (P, 6) places and normals of points uniform in area, "vertices": (V, 3), "faces": (F, 3), "labels": (), and where parts are
    known "point_labels": (P,), "edge_labels": (E,) of the edges' middles in the order of `Topology.edges`. turn: in a random orientation,
    each axis stretched by up to a tenth; align: turn only by half turns about the axes, which are what an
    aligned mesh's frame is free in. sized: a seventh number of each point, ln(size / 1 µm), which scaling to 1 has taken from the places.
    """
    frame = (_half_turn(rng) if align else random_frame(rng)) * rng.uniform(0.9, 1.1, 3) if turn else np.eye(3)
    vertices = mesh.surface.vertices @ frame.T
    surface = Surface(vertices, mesh.surface.faces)
    corners = surface.vertices[surface.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    drawn = rng.choice(len(areas), points, p=areas / areas.sum())
    root, v = np.sqrt(rng.random(points)), rng.random(points)
    weights = np.stack([1 - root, root * (1 - v), root * v], axis=1)
    places = np.einsum("pc,pcd->pd", weights, corners[drawn])
    columns = [places, normals[drawn] / areas[drawn, None]]
    if sized:
        columns.append(np.full((points, 1), np.log(mesh.size / 1000)))
    sample = {
        "cloud": torch.from_numpy(np.concatenate(columns, axis=1)).float(),
        "vertices": torch.from_numpy(vertices).float(),
        "faces": torch.from_numpy(surface.faces),
        "labels": torch.tensor(mesh.label),
    }
    if mesh.parts is not None:
        edges = np.unique(np.sort(surface.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
        middles = mesh.surface.vertices[edges].mean(axis=1)
        sample["point_labels"] = torch.from_numpy(mesh.parts(places @ np.linalg.inv(frame).T))
        sample["edge_labels"] = torch.from_numpy(mesh.parts(middles))
    return sample


def _half_turn(rng: np.random.Generator) -> NDArray[np.float64]:
    """(3, 3): one of the four rotations that reverse an even number of axes."""
    signs = rng.choice([-1.0, 1.0], 3)
    signs[2] = signs[0] * signs[1]
    return np.diag(signs)


def collate_meshes(samples: list[dict[str, Tensor]]) -> dict[str, Any]:
    """Stack samples, zeros behind the vertices of smaller ones and −1 behind faces; edge labels one mesh after the other, (ΣE,)."""
    vertices, faces = (max(len(sample[name]) for sample in samples) for name in ("vertices", "faces"))
    alike = [name for name in ("cloud", "labels", "point_labels") if name in samples[0]]
    batch: dict[str, Any] = {name: torch.stack([sample[name] for sample in samples]) for name in alike}
    if "edge_labels" in samples[0]:
        batch["edge_labels"] = torch.cat([sample["edge_labels"] for sample in samples])
    pad = torch.nn.functional.pad
    batch["vertices"] = torch.stack([pad(s["vertices"], (0, 0, 0, vertices - len(s["vertices"]))) for s in samples])
    batch["faces"] = torch.stack([pad(s["faces"], (0, 0, 0, faces - len(s["faces"])), value=-1) for s in samples])
    return batch


def folds_by_group(groups: list[str], folds: int) -> NDArray[np.int64]:
    """A fold 0 … folds − 1 for each item such that no group is in two: the largest group goes to the emptiest fold, and so on.

    Raises CellmlError for fewer groups than folds.
    """
    names, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise CellmlError(
            f"All {len(groups)} are of one group, {str(names[0])!r}, and a group is never split: hold none out (data.fold=null), or give "
            "them groups (a folder each, or data.group_pattern)."
        )
    if not 2 <= folds <= len(names):
        raise CellmlError(
            f"{len(names)} groups ({', '.join(map(str, names[:5]))}{' …' if len(names) > 5 else ''}) cannot be split into {folds} folds; "
            f"set data.folds to 2 to {len(names)}, or hold none out (data.fold=null)."
        )
    chosen, filled = np.zeros(len(names), np.int64), np.zeros(folds, np.int64)
    for group in np.argsort(-sizes, kind="stable"):
        chosen[group] = filled.argmin()
        filled[chosen[group]] += sizes[group]
    return chosen[inverse]

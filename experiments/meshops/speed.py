"""The same operations by cellml, trimesh, point-cloud-utils and pytorch3d, where these can be imported."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
import trimesh

from cellml.meshops import backend
from cellml.meshops.batch import MeshBatch, mesh_batch
from cellml.meshops.chamfer import chamfer_distance
from cellml.meshops.geometry import face_areas, vertex_normals
from cellml.meshops.neighbours import nearest_neighbours
from cellml.meshops.point_mesh import distance_to_simplices
from cellml.meshops.regularisers import cotangent_laplacian_loss, normal_consistency
from cellml.meshops.sampling import sample_surfaces
from cellml.meshops.smoothing import taubin_smoothing
from cellml.meshops.subdivision import subdivide

Work = Callable[[], object]
POINTS = 100_000


class Inputs:
    """A bumpy sphere of 40,962 vertices and two clouds of 10⁵ points near it, float32 for cellml and pytorch3d, float64 for others."""

    def __init__(self) -> None:
        ball = trimesh.creation.icosphere(subdivisions=6, radius=500.0)
        rng = np.random.default_rng(0)
        vertices = ball.vertices * (1 + 0.1 * np.sin(ball.vertices[:, :1] / 50))
        self.vertices, self.faces = np.asarray(vertices, dtype=np.float64), np.asarray(ball.faces, dtype=np.int64)
        directions = rng.normal(size=(2, POINTS, 3))
        self.clouds = 500 * directions / np.linalg.norm(directions, axis=2, keepdims=True) * (1 + 0.05 * rng.normal(size=(2, POINTS, 1)))
        self.batch: MeshBatch = mesh_batch([torch.from_numpy(self.vertices).float()], [torch.from_numpy(self.faces)])
        self.x, self.y = (torch.from_numpy(cloud[None]).float() for cloud in self.clouds)

    def fresh(self) -> MeshBatch:
        """The mesh with nothing computed yet, as the other libraries get it."""
        return mesh_batch([self.batch.vertices], [self.batch.faces])

    def fresh_trimesh(self) -> Any:
        """Likewise, as trimesh holds it."""
        return trimesh.Trimesh(self.vertices, self.faces, process=False)


def operations(inputs: Inputs) -> dict[str, dict[str, Work]]:
    """For each operation, who does it how."""
    i, fresh = inputs, inputs.fresh
    corners = i.batch.corners()
    found: dict[str, dict[str, Work]] = {
        "Chamfer, 2 × 10⁵ points": {"cellml": lambda: chamfer_distance(i.x, i.y)},
        "8 nearest of 10⁵ to 10⁵ points": {"cellml": lambda: nearest_neighbours(i.x, i.y, 8)},
        "distance of 10⁵ points to 82k faces": {"cellml": lambda: distance_to_simplices(i.x[0], corners)},
        "10⁵ samples of 82k faces": {"cellml": lambda: sample_surfaces(i.batch, POINTS, torch.Generator().manual_seed(0))},
        "vertex normals": {"cellml": lambda: vertex_normals(i.batch)},
        "face areas": {"cellml": lambda: face_areas(i.batch)},
        "subdivision to 328k faces": {"cellml": lambda: subdivide(fresh())},
        "Taubin smoothing, 10 steps": {"cellml": lambda: taubin_smoothing(fresh(), 10)},
        "cotangent Laplacian loss": {"cellml": lambda: cotangent_laplacian_loss(fresh())},
        "normal consistency": {"cellml": lambda: normal_consistency(fresh())},
    }
    _add(found, "trimesh", _trimesh(i))
    if find_spec("point_cloud_utils"):
        _add(found, "point-cloud-utils", _point_cloud_utils(i))
    if backend.available():
        _add(found, "pytorch3d", _pytorch3d(i))
    return found


def _add(found: dict[str, dict[str, Work]], who: str, works: dict[str, Work]) -> None:
    for name, work in works.items():
        found[name][who] = work


def _trimesh(i: Inputs) -> dict[str, Work]:
    fresh = i.fresh_trimesh
    ready = fresh()
    _ = ready.area_faces, ready.face_normals  # as cellml gets its faces ready
    return {
        "10⁵ samples of 82k faces": lambda: trimesh.sample.sample_surface(ready, POINTS, seed=0),
        "vertex normals": lambda: fresh().vertex_normals,
        "face areas": lambda: fresh().area_faces,
        "subdivision to 328k faces": lambda: trimesh.remesh.subdivide(i.vertices, i.faces),
        "Taubin smoothing, 10 steps": lambda: trimesh.smoothing.filter_taubin(fresh(), lamb=0.53, nu=0.53, iterations=20),
    }


def _point_cloud_utils(i: Inputs) -> dict[str, Work]:
    import point_cloud_utils as pcu

    x, y = i.clouds
    return {
        "Chamfer, 2 × 10⁵ points": lambda: pcu.chamfer_distance(x, y),
        "8 nearest of 10⁵ to 10⁵ points": lambda: pcu.k_nearest_neighbors(x, y, 8, num_threads=0),
        "distance of 10⁵ points to 82k faces": lambda: pcu.closest_points_on_mesh(x, i.vertices, i.faces),
        "10⁵ samples of 82k faces": lambda: pcu.sample_mesh_random(i.vertices, i.faces, POINTS, random_seed=1),
        "vertex normals": lambda: pcu.estimate_mesh_vertex_normals(i.vertices, i.faces),
        "face areas": lambda: pcu.mesh_face_areas(i.vertices, i.faces),
    }


def _pytorch3d(i: Inputs) -> dict[str, Work]:
    """Without chamfer and distances to faces at this size: on the CPU pytorch3d compares all pairs there, for minutes."""
    return {
        "subdivision to 328k faces": lambda: backend.subdivide(i.fresh()),
        "Taubin smoothing, 10 steps": lambda: backend.taubin_smoothing(i.fresh(), 10),
        "cotangent Laplacian loss": lambda: backend.cotangent_laplacian_loss(i.fresh()),
        "normal consistency": lambda: backend.normal_consistency(i.fresh()),
    }


def measured(turns: int) -> list[dict[str, str | float]]:
    """A row an operation and program: median seconds of the processor over the turns, programs in turn, after one run each."""
    torch.set_num_threads(1)
    rows: list[dict[str, str | float]] = []
    with backend.plain_torch():
        for operation, programs in operations(Inputs()).items():
            times: dict[str, list[float]] = {who: [] for who in programs}
            for turn in range(turns + 1):
                for who, work in programs.items():
                    begin = time.process_time()
                    work()
                    if turn:
                        times[who].append(time.process_time() - begin)
            rows += [{"operation": operation, "program": who, "seconds": statistics.median(values)} for who, values in times.items()]
            print(operation, {who: round(statistics.median(values), 4) for who, values in times.items()}, flush=True)
    return rows

"""Every head on cells that neither trained nor validated: what it costs to be sound, and how near the truth it comes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cellml.checkpoint import load
from cellml.data.procedural_kinds import Mitochondrion, Nucleus, Reticulum, Spine
from cellml.data.procedural_module import ProceduralDataModule
from cellml.meshhead.certified import certified, mesh_of, polished
from cellml.meshhead.head import CertifiedHead, Frame
from cellml.meshing.errors import MeshingError
from cellml.metrics.mesh_scores import mesh_distances, mesh_soundness
from cellml.tasks.certified_scores import solids, surface_of
from cellml.types import Surface

HERE = Path(__file__).parent
KINDS = {"nucleus": Nucleus(), "reticulum": Reticulum(), "spine": Spine(), "mitochondrion": Mitochondrion()}
SHAPE, SPACING = (48, 48, 48), (12.0, 12.0, 12.0)
TEST_SEED = 1000  # training and validation have seed 0
SAMPLES = 4000


def judge_cells(table: Any, cells: int) -> None:
    """Rows for the certified head, the Pixel2Mesh head, and the certified head's geometry given the true distances ("oracle")."""
    for kind, maker in KINDS.items():
        data = ProceduralDataModule([maker], SHAPE, SPACING, 1, cells, 100, patches_per_epoch=1, seed=TEST_SEED)
        data.setup()
        heads = {"oracle": None, "certified": HERE / f"certified_{kind}.ckpt", "pixel2mesh": HERE / f"pixel2mesh_{kind}.ckpt"}
        there = {head: path for head, path in heads.items() if path is None or path.is_file()}
        tasks = {head: None if path is None else load(path).task for head, path in there.items()}
        for number, block in enumerate(data._val):
            missing = [head for head in tasks if (head, kind, str(number)) not in table]
            if not missing:
                continue
            cell = {**data.whole(block), "spacing": block.spacing}
            for head in missing:
                scored = by_surfaces if head == "pixel2mesh" else by_tetrahedra
                table.add({"head": head, "kind": kind, "cell": number, **scored(tasks[head], cell)})


def by_tetrahedra(task: Any, cell: dict[str, Any]) -> dict[str, Any]:
    """One row of the certified head; task: None for the true distances."""
    head, frame = (CertifiedHead() if task is None else task.head), Frame(SHAPE, SPACING)
    begin = time.process_time()
    if task is None:
        maps = torch.cat([cell["distances"] / head.step_nm(SPACING), torch.zeros(3, *SHAPE)])
    else:
        maps = torch.from_numpy(task.predict_volume(cell["image"].numpy()))
    network = time.process_time() - begin
    begin = time.process_time()
    with torch.no_grad():
        grid = head.grid(frame, maps)
        made = head(grid, frame, maps)
    try:
        mesh = mesh_of(grid, made, {})
    except MeshingError:
        return row_of([], cell, network_s=network)
    meshing = time.process_time() - begin
    result = certified(mesh)
    certificate = result.certificate
    final = certified(polished(grid, mesh)).certificate.dihedral_min_deg
    held = solids(cell["labels"].numpy(), cell["distances"].numpy())
    surfaces = [surface_of(mesh, held[number + 1]) for number in range(len(cell["surfaces"]))]
    sound = all(not region.faults for region in certificate.regions.values()) and certificate.conforming
    return row_of(
        surfaces, cell, closed=sound and certificate.inverted_tets == 0, crossing=certificate.crossing_facets,
        dihedral_raw=certificate.dihedral_min_deg, dihedral_final=final, tets=certificate.tets, network_s=network, mesh_s=meshing,
    )  # fmt: skip


def by_surfaces(task: Any, cell: dict[str, Any]) -> dict[str, Any]:
    """One row of the Pixel2Mesh head, which has surfaces and no tetrahedra."""
    begin = time.process_time()
    surfaces = task.predict_surfaces(cell["image"].numpy())
    network = time.process_time() - begin
    sound = [mesh_soundness(surface) for surface in surfaces]
    closed = all(s.closed and s.manifold for s in sound)
    return row_of(surfaces, cell, closed=closed, crossing=sum(s.crossing_faces for s in sound), network_s=network)


def row_of(surfaces: list[Surface], cell: dict[str, Any], **known: Any) -> dict[str, Any]:
    """Distances in voxels (means over compartments) and Betti numbers of the surfaces against the true ones; empty where one is missing."""
    voxel = float(np.cbrt(np.prod(SPACING)))
    genus = cell["genus"].tolist()
    row = dict.fromkeys(("missing", "closed", "crossing", "betti", "true_betti", "genus_correct", "assd", "hd95", "dihedral_raw",
                         "dihedral_final", "tets", "network_s", "mesh_s"), "")  # fmt: skip
    row["true_betti"] = " ".join(f"1/{2 * g}/1" for g in genus)
    row |= {name: round(value, 4) if isinstance(value, float) else value for name, value in known.items()}
    row["missing"] = not surfaces or any(len(surface.faces) == 0 for surface in surfaces)
    if row["missing"]:
        return row | {"genus_correct": 0.0}
    sound = [mesh_soundness(surface) for surface in surfaces]
    distances = [
        mesh_distances(surface, Surface(vertices.numpy(), faces.numpy(), "truth"), samples=SAMPLES)
        for surface, (vertices, faces) in zip(surfaces, cell["surfaces"], strict=True)
    ]
    assd, hd95 = (float(value) / voxel for value in np.mean(distances, axis=0))
    right = [s.components == 1 and s.genus == g for s, g in zip(sound, genus, strict=True)]
    betti = " ".join(f"{s.components}/{2 * s.genus}/{s.components}" for s in sound)
    return row | {"betti": betti, "genus_correct": round(float(np.mean(right)), 4), "assd": round(assd, 4), "hd95": round(hd95, 4)}

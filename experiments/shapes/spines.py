"""Real spines: how long molecules take to leave them through their base."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from cellml.data.spine_meshes import all_spines
from cellml.errors import CellmlError
from cellml.report.rows import append_row, read_rows
from cellml.shapes.base import Base, base_frame, cut_fan
from cellml.shapes.evaluation.observables import escape_through, facing_base
from cellml.shapes.spine_mesh import PATCH, VOXELS, based_mesh
from cellml.types import Surface, TetMesh

HERE = Path(__file__).parent
SHARE = 0.20  # of the extent along x in which the base lies, for all shapes that are compared
TIMES = ("time_s", "error_s", "base_um2", "volume_um3")
REAL = HERE / "real.csv"


def in_frame(mesh: TetMesh, base: Base) -> TetMesh:
    """A mesh in the frame of a base."""
    rotation, shift = base_frame(base)
    points = (mesh.points - shift) @ rotation.T
    return TetMesh(points, mesh.tets, mesh.regions, mesh.region_names, mesh.facets, mesh.facet_tags, mesh.facet_names, mesh.name)


def times_of(mesh: TetMesh) -> dict[str, float]:
    """How long molecules stay, in s, by the rule for all shapes, its error, and the base and volume in µm² and µm³."""
    found = escape_through(mesh, facing_base(mesh, SHARE))
    return dict(zip(TIMES, (round(v, 6) for v in (found.time_s, found.error_s, found.base_um2, found.volume_um3)), strict=True))


def real_row(name: str, surface: Surface, stack: str, kind: str) -> dict[str, Any]:
    """One spine: its time from the cut that is in its file, and by the rule that generated spines take too; cpu_s of all tries."""
    row: dict[str, Any] = {"spine": name, "stack": stack, "class": kind, "reason": "", "tries": "", "tetrahedra": "", "cpu_s": ""}
    row |= dict.fromkeys(("cut_share", "cut_time_s", *TIMES), "")
    started = _cpu_s()
    try:
        made = based_mesh(surface, voxels=VOXELS, timeout_s=3600.0)  # by the wall, on whatever a busy machine leaves
        row |= {"tries": made.tries, "tetrahedra": len(made.mesh.tets), "cut_share": round(made.base.share, 4)}
        cut = made.mesh.facet_tags == next(tag for tag, patch in made.mesh.facet_names.items() if patch == PATCH)
        row |= {"cut_time_s": round(escape_through(made.mesh, cut).time_s, 6), **times_of(in_frame(made.mesh, made.base))}
    except CellmlError as error:
        row["reason"] = str(error).splitlines()[0][:400]
    return row | {"cpu_s": round(_cpu_s() - started, 2)}


def _cpu_s() -> float:
    """Processor seconds of this process and of the workers that it has waited for."""
    return sum(os.times()[:4])


def judge_real(part: int = 0, parts: int = 1) -> None:
    """Rows of all spines that have none yet; part of parts: every so many of them, for several processes."""
    done = {row["spine"] for row in read_rows(REAL)}
    for number, (name, surface, stack, kind) in enumerate(all_spines()):
        if name not in done and number % parts == part:
            append_row(REAL, real_row(name, surface, stack, kind))


def draw_bases(count: int = 20, seed: int = 0) -> None:
    """A sheet of spines with their cut (orange) and the base by rule outlined, to be looked at: bases.png."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    spines = list(all_spines())
    drawing = plt.figure(figsize=(14, 12.5))
    for place, number in enumerate(np.sort(np.random.default_rng(seed).choice(len(spines), count, replace=False))):
        name, surface, _, kind = spines[number]
        base = cut_fan(surface)
        rotation, shift = base_frame(base)
        vertices = (surface.vertices - shift) @ rotation.T
        corners = vertices[surface.faces]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        colours = np.tile([0.34, 0.62, 0.85], (len(corners), 1))
        x = corners[:, :, 0].mean(axis=1)
        colours[(x < vertices[:, 0].min() + SHARE * np.ptp(vertices[:, 0])) & (normals[:, 0] < -0.5)] = [0.94, 0.89, 0.26]
        colours[base.faces] = [0.84, 0.37, 0.0]
        axes = drawing.add_subplot(4, 5, place + 1, projection="3d")
        light = 0.45 + 0.55 * np.abs(normals @ np.array([-0.5, -0.7, 0.5]))[:, None]
        axes.add_collection3d(Poly3DCollection(corners, facecolors=np.clip(colours * light, 0, 1), edgecolors="none"))
        middle, half = (vertices.min(axis=0) + vertices.max(axis=0)) / 2, 0.36 * np.ptp(vertices, axis=0).max()
        axes.set(
            xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half), zlim=(middle[2] - half, middle[2] + half)
        )
        axes.view_init(12, 235)
        axes.set_axis_off()
        axes.set_title(f"{name}\n{kind or 'no class'}, cut {100 * base.share:.0f} % of the area", fontsize=7)
    drawing.suptitle("Orange: the fan that closes the cut. Yellow: what the rule for all shapes adds to it", fontsize=9)
    drawing.savefig(HERE / "bases.png", dpi=70, bbox_inches="tight")

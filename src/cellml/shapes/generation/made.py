"""Decoded shapes, certified one by one, and what is known of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.mesher import MeshResult
from cellml.shapes.certified import boundary_of, certified_shape
from cellml.shapes.generation.likelihood import Likelihood
from cellml.shapes.generation.opened import rounded
from cellml.shapes.model import ShapeModel
from cellml.types import Surface

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Made:
    """One shape. decoded: the model's surface; result: its certified mesh, None where it was refused for `reason`; log_density, rarity: of
    its code, NaN where the model has none; seconds: of a processor that the mesh took.
    """

    name: str
    code: Floats
    decoded: Surface
    result: MeshResult | None
    reason: str
    log_density: float
    rarity: float
    seconds: float

    @property
    def surface(self) -> Surface:
        """The boundary of the certified mesh. Raises CellmlError for a shape that was refused."""
        if self.result is None:
            raise CellmlError(f"{self.name!r} has no mesh: {self.reason}")
        return boundary_of(self.result.mesh, self.name)

    def row(self) -> dict[str, Any]:
        """What is known of it, as plain values."""
        known = {
            "name": self.name,
            "log_density": rounded(self.log_density),
            "rarity": rounded(self.rarity),
            "one_in": rounded(1.0 / self.rarity) if self.rarity > 0 else None,
            "percentile": rounded(100.0 * self.rarity),
            "refused": self.reason,
            "seconds": round(self.seconds, 2),
        }
        if self.result is None:
            return known
        mesh, certificate, surface = self.result.mesh, self.result.certificate, self.surface
        return known | {
            "volume_nm3": round(float(mesh.volumes().sum()), 1),
            "area_nm2": round(float(surface.areas().sum()), 1),
            "tetrahedra": len(mesh.tets),
            "dihedral_min_deg": round(certificate.dihedral_min_deg, 2),
            "repairs": list(certificate.repairs),
        }


def make(
    model: ShapeModel,
    codes: Floats,
    names: Sequence[str],
    likelihood: Likelihood | None,
    *,
    voxels: int,
    edge_nm: float | None = None,
    timeout_s: float = 300.0,
    tell: Callable[[str], object] | None = None,
) -> list[Made]:
    """Decode codes (N, K) and certify each surface; what is refused is kept with its reason."""
    density = np.full(len(codes), np.nan) if likelihood is None else model.log_density(codes)
    rarity = np.full(len(codes), np.nan) if likelihood is None else likelihood.rarity(codes)
    found = []
    for n, (name, code) in enumerate(zip(names, codes, strict=True)):
        if tell is not None:
            tell(f"{name} ({n + 1} of {len(codes)})")
        found.append(_one(model, name, code, (float(density[n]), float(rarity[n])), voxels, edge_nm, timeout_s))
    return found


def _one(
    model: ShapeModel, name: str, code: Floats, likely: tuple[float, float], voxels: int, edge_nm: float | None, timeout_s: float
) -> Made:
    surface = model.decode(code[None])[0]
    surface = Surface(surface.vertices, surface.faces, name)
    began, result, reason, worker = time.process_time(), None, "", 0.0
    try:
        result = certified_shape(surface, voxels=voxels, edge_nm=edge_nm, timeout_s=timeout_s)
        worker = max(0.0, float(result.certificate.cpu_s) - (time.process_time() - began))
    except CellmlError as error:
        reason = str(error)
    return Made(name, code, surface, result, reason, *likely, time.process_time() - began + worker)

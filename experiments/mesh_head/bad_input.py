"""What the certified head makes of input that breaks meshers: a sound mesh, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshhead.certified import certified, mesh_of
from cellml.meshhead.head import CertifiedHead, Frame
from cellml.meshops.batch import mesh_batch
from cellml.meshops.chamfer import Cloud, chamfer_distance
from cellml.meshops.sampling import sample_surfaces
from cellml.nets.mesh_template import icosphere

SHAPE, SPACING = (32, 32, 32), (10.0, 10.0, 10.0)


def cases() -> Iterator[tuple[str, Frame, Tensor]]:
    """Name, frame and distances (K, Z, Y, X) in nm of each case."""
    cube = Frame(SHAPE, SPACING)
    z, y, x = places(cube)
    middle = 155.0
    radius = torch.sqrt((z - middle) ** 2 + (y - middle) ** 2 + (x - middle) ** 2)
    yield "empty prediction", cube, torch.full((1, *SHAPE), 20.0)
    yield "field exactly zero", cube, torch.zeros(1, *SHAPE)
    yield "zero on whole planes of voxels", cube, (z - 150.0)[None]
    yield "everything inside", cube, torch.full((1, *SHAPE), -20.0)
    yield "object touching the border", cube, (torch.sqrt(z**2 + (y - middle) ** 2 + (x - middle) ** 2) - 90.0)[None]
    yield "sheet of one voxel", cube, ((z - middle).abs() - 5.0)[None]
    yield "sheet of two cubes", cube, ((z - middle).abs() - 20.0)[None]
    gap = torch.stack([z - 152.0, 158.0 - z])
    yield "two membranes closer than a voxel", cube, torch.maximum(gap, radius - 130.0)
    yield "two membranes that cross", cube, torch.stack([radius - 100.0, (x - middle).abs() - 40.0])
    flat = Frame((12, 48, 48), (100.0, 10.0, 10.0))
    z, y, x = places(flat)
    yield "anisotropy 10:1", flat, (torch.sqrt((z - 550) ** 2 + (2 * (y - 240)) ** 2 + (2 * (x - 240)) ** 2) - 400.0)[None] / 2
    far = Frame(SHAPE, SPACING, (1e4, 1e4, 1e4))
    yield "float32 at 1e4 nm", far, (radius - 90.0)[None]
    broken = (radius - 90.0)[None].clone()
    broken[0, 3, 4, 5] = torch.nan
    yield "NaN in the network's answer", cube, broken
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=(3, *SHAPE)).astype(np.float32))
    yield "three compartments of noise", cube, 30.0 * noise


def places(frame: Frame) -> tuple[Tensor, Tensor, Tensor]:
    """Coordinates of the voxels without the origin, nm, (Z, Y, X) each."""
    axes = [torch.arange(n, dtype=torch.float32) * s for n, s in zip(frame.shape, frame.spacing, strict=True)]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return z, y, x


def judge_cases(table: Any) -> None:
    """A row for each case that has none."""
    for name, frame, distances in cases():
        if (name,) not in table:
            table.add({"case": name, **outcome(frame, distances)})
    if ("batch of an empty and a huge mesh",) not in table:
        table.add({"case": "batch of an empty and a huge mesh", **of_batch()})


def outcome(frame: Frame, distances: Tensor) -> dict[str, Any]:
    """Certified, refused with its words, or what is wrong."""
    row = dict.fromkeys(("outcome", "tets", "crossing", "inverted", "dihedral", "regions", "said"), "")
    head = CertifiedHead()
    maps = torch.cat([distances / head.step_nm(frame.spacing), torch.zeros(3, *frame.shape)])
    try:
        with torch.no_grad():
            grid = head.grid(frame, maps)
            certificate = certified(mesh_of(grid, head(grid, frame, maps), {})).certificate
    except CellmlError as error:
        return row | {"outcome": "refused", "said": str(error)}
    regions = certificate.regions
    faults = certificate.crossing_facets + certificate.inverted_tets + certificate.other_branching_edges
    sound = not faults and certificate.conforming and not any(region.faults for region in regions.values())
    return row | {
        "outcome": "sound" if sound else "unsound",
        "tets": certificate.tets,
        "crossing": certificate.crossing_facets,
        "inverted": certificate.inverted_tets,
        "dihedral": round(certificate.dihedral_min_deg, 3),
        "regions": "; ".join(f"{name}: {r.components} piece(s), Euler {r.euler}" for name, r in regions.items()),
    }


def of_batch() -> dict[str, Any]:
    """Surfaces of no and of 82k faces in one batch: sampled, compared, and with finite gradients."""
    sphere = icosphere(6)
    vertices = sphere.vertices.double().requires_grad_()
    batch = mesh_batch([vertices.new_zeros(0, 3), vertices], [sphere.faces.new_zeros(0, 3), sphere.faces])
    row = dict.fromkeys(("outcome", "tets", "crossing", "inverted", "dihedral", "regions", "said"), "")
    try:
        drawn = sample_surfaces(batch, 1000, torch.Generator().manual_seed(0)).cloud()
        other = Cloud(torch.zeros(2, 5, 3, dtype=torch.float64))
        value = chamfer_distance(drawn, other, weights=torch.tensor([0.0, 1.0])).distance
        value.sum().backward()
    except CellmlError as error:
        return row | {"outcome": "refused", "said": str(error)}
    finite = bool(torch.isfinite(value).all()) and vertices.grad is not None and bool(torch.isfinite(vertices.grad).all())
    return row | {"outcome": "sound" if finite else "unsound", "regions": f"{len(sphere.faces)} faces beside none"}

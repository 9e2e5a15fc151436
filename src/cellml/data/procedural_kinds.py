"""Four kinds of procedural cells; all lengths are shares of the shortest side of the box.

Nothing comes nearer to the box than 0.03 of that side, and walls, tubes and gaps are at least 0.035 wide: 2.2 voxels of 64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellml.data.distance_shapes import (
    Ball,
    Blend,
    Capsule,
    Ellipsoid,
    Floats,
    HalfSpace,
    Intersection,
    Outside,
    RoundCone,
    RoundedBox,
    Shared,
    Tubes,
    Union,
)
from cellml.data.procedural_cells import Compartment, ProceduralCell, random_frame
from cellml.data.tube_graph import random_lattice_graph
from cellml.errors import CellmlError

_NODES = 4
_PITCH = 0.22
_JITTER = 0.02


@dataclass(frozen=True)
class Spine:
    """A dendritic spine: a piece of dendrite (base), a neck and a head, three disjoint compartments of one membrane, cut across the neck.

    neck, head: ranges of the neck's radius and the head's semi-axes.
    """

    neck: tuple[float, float] = (0.045, 0.07)
    head: tuple[float, float] = (0.12, 0.16)

    def __call__(self, rng: np.random.Generator, extent: Floats) -> ProceduralCell:
        """Draw one. extent: (x, y, z) of the box in nm."""
        side, middle, (across, up, third) = float(extent.min()), extent / 2, random_frame(rng)
        shaft, axes = side * rng.uniform(0.10, 0.13), side * rng.uniform(*self.head, 3)
        foot, tip = middle - 0.25 * side * up, middle + (0.38 * side - axes[1]) * up
        base = Capsule(foot - 0.2 * side * across, foot + 0.2 * side * across, shaft)
        radii = side * rng.uniform(*self.neck, 2)
        neck = RoundCone(foot, tip, (float(radii[0]), float(radii[1])))
        head = Ellipsoid(tip, axes, np.stack([across, up, third]))
        whole = Shared(Blend(Blend(base, neck, 0.04 * side), head, 0.04 * side))
        low = HalfSpace(foot + (shaft + 0.02 * side) * up, up)
        high = HalfSpace(tip - (axes[1] - 0.02 * side) * up, up)
        parts = (
            Compartment("base", Intersection((whole, low)), 0),
            Compartment("neck", Intersection((whole, Outside(low), high)), 0),
            Compartment("head", Intersection((whole, Outside(high))), 0),
        )
        return ProceduralCell("spine", parts, (whole,), extent)


@dataclass(frozen=True)
class Reticulum:
    """Endoplasmic reticulum as a network of tubes in a piece of cell; its genus is the number of loops of the network, drawn from `genus`.

    Capsules are convex, and two of them meet only at a common node (gaps are at least 0.05 of the side), so the tubes have the
    homotopy type of the graph (nerve theorem), and their surface is that of a handlebody with as many handles as the graph has loops.
    genus: least and largest, within 0 … 20; radius: range of the tubes' radius.
    """

    genus: Sequence[int] = (0, 20)
    radius: tuple[float, float] = (0.035, 0.045)

    def __call__(self, rng: np.random.Generator, extent: Floats) -> ProceduralCell:
        """Draw one. Raises CellmlError for a genus outside 0 … 20."""
        if len(self.genus) != 2 or not 0 <= self.genus[0] <= self.genus[1] <= 20:
            raise CellmlError(f"The genus of a reticulum is a range [least, largest] within 0 to 20, got {list(self.genus)}.")
        side, middle = float(extent.min()), extent / 2
        loops = int(rng.integers(self.genus[0], self.genus[1] + 1))
        edges = random_lattice_graph(rng, _NODES, loops)
        lattice = np.stack(np.meshgrid(*(np.arange(_NODES) - (_NODES - 1) / 2,) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        nodes = middle + side * (_PITCH * lattice + rng.uniform(-_JITTER, _JITTER, (len(lattice), 3)))
        tubes = Tubes(nodes[edges], side * float(rng.uniform(*self.radius)))
        cell = RoundedBox(middle, np.full(3, 0.46 * side), 0.1 * side)
        parts = (Compartment("cell", cell, 0), Compartment("reticulum", tubes, loops))
        return ProceduralCell("reticulum", parts, (cell, tubes), extent)


@dataclass(frozen=True)
class Nucleus:
    """An ellipsoidal cell that holds an ellipsoidal nucleus that holds a round nucleolus, at least 0.04 apart. All exact."""

    def __call__(self, rng: np.random.Generator, extent: Floats) -> ProceduralCell:
        """Draw one. extent: (x, y, z) of the box in nm."""
        side, middle = float(extent.min()), extent / 2
        centre = middle + side * rng.uniform(0, 0.07) * random_frame(rng)[0]
        inner = centre + side * rng.uniform(0, 0.05) * random_frame(rng)[0]
        cell = Ellipsoid(middle, side * rng.uniform(0.36, 0.44, 3), random_frame(rng))
        nucleus = Ellipsoid(centre, side * rng.uniform(0.18, 0.23, 3), random_frame(rng))
        nucleolus = Ball(inner, side * float(rng.uniform(0.06, 0.08)))
        parts = (Compartment("cell", cell, 0), Compartment("nucleus", nucleus, 0), Compartment("nucleolus", nucleolus, 0))
        return ProceduralCell("nucleus", parts, (cell, nucleus), extent)


@dataclass(frozen=True)
class Mitochondrion:
    """A mitochondrion and its matrix, into which lamellar cristae fold from alternate sides; what lies between is the intermembrane space.

    cristae: least and largest number of them, at most 4.
    """

    cristae: Sequence[int] = (2, 3)

    def __call__(self, rng: np.random.Generator, extent: Floats) -> ProceduralCell:
        """Draw one. Raises CellmlError for more than 4 cristae."""
        if len(self.cristae) != 2 or not 0 <= self.cristae[0] <= self.cristae[1] <= 4:
            raise CellmlError(f"The cristae of a mitochondrion are a range [least, largest] within 0 to 4, got {list(self.cristae)}.")
        side, middle, (axis, across, third) = float(extent.min()), extent / 2, random_frame(rng)
        radius, half = side * rng.uniform(0.2, 0.24), side * rng.uniform(0.16, 0.2)
        ends = middle - half * axis, middle + half * axis
        outer, inner = Capsule(*ends, radius), Capsule(*ends, radius - 0.05 * side)
        count = int(rng.integers(self.cristae[0], self.cristae[1] + 1))
        turn = rng.uniform(0, 2 * np.pi)
        direction = np.cos(turn) * across + np.sin(turn) * third
        plates = []
        for k, place in enumerate(np.linspace(-0.8, 0.8, count) * half if count > 1 else [0.0] * count):
            at, inwards = middle + place * axis, direction * (-1) ** k
            thickness = (HalfSpace(at + 0.022 * side * axis, axis), HalfSpace(at - 0.022 * side * axis, -axis))
            plates.append(Intersection((*thickness, HalfSpace(at + 0.3 * radius * inwards, inwards))))
        matrix = Intersection((inner, Outside(Union(tuple(plates))))) if plates else inner
        parts = (Compartment("mitochondrion", outer, 0), Compartment("matrix", matrix, 0))
        return ProceduralCell("mitochondrion", parts, (outer, matrix), extent)

"""One species painted on a mesh: bulk species where the mesh is cut open, surface species on their membranes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellml.report.cutaway import Pose, broad_side
from cellml.report.picture_frame import Frame, frame_of, seen_from
from cellml.report.plane_cut import Cut, cut_by_plane, whole
from cellml.report.rasterise import Raster, barycentric_planes, rasterise
from cellml.report.shading import FINER, light_on, paint, rims

if TYPE_CHECKING:
    from cellml.types import TetMesh

Floats = NDArray[np.float64]

MAP = "viridis"
_BARE = np.array([0.84, 0.85, 0.88])
_TURN, _LIFT = 24.0, 20.0  # degrees that the eye stands to the right of and above the normal of the cut
_RELIEF = 0.35


@dataclass(frozen=True, eq=False)
class View:
    """From where all species of a mesh are looked at. pixels: width of the picture."""

    mesh: TetMesh
    front: Pose
    pose: Pose
    frame: Frame
    pixels: int

    @classmethod
    def of(cls, mesh: TetMesh, pixels: int) -> View:
        """The view of a mesh from its broad side."""
        front = broad_side(mesh)
        pose = front.turned(_TURN, _LIFT)
        seen = seen_from(mesh.points[np.unique(mesh.tets)], pose)[:, :2]
        return cls(mesh, front, pose, frame_of(seen, float(np.ptp(seen[:, 0]))), pixels)

    @property
    def height(self) -> int:
        """Height of the picture in pixels."""
        return round(self.pixels * (self.frame.top - self.frame.bottom) / (self.frame.right - self.frame.left))

    @cached_property
    def places(self) -> Floats:
        """Points (P, 3) of the mesh as columns, rows and depth of the raster."""
        per_nm = FINER * self.pixels / (self.frame.right - self.frame.left)
        return np.asarray((seen_from(self.mesh.points, self.pose) - [self.frame.left, self.frame.top, 0.0]) * [per_nm, -per_nm, per_nm])


@dataclass(frozen=True, eq=False)
class SpeciesView:
    """Rasterised once, painted for as many moments as are wanted. bare: (F,) faces that the species does not reach, drawn in grey."""

    view: View
    cut: Cut
    bare: NDArray[np.bool_]

    @classmethod
    def of_compartment(cls, view: View, inside: NDArray[np.bool_]) -> SpeciesView:
        """The mesh cut open, of which the tetrahedra `inside` (T,) are the compartment."""
        cut = cut_by_plane(view.mesh, view.front.centre, view.front.eye)
        return cls(view, cut, ~inside[cut.tet])

    @classmethod
    def of_membrane(cls, view: View, triangles: NDArray[np.int64]) -> SpeciesView:
        """The triangles (F, 3) of a membrane, from both sides."""
        cut = whole(triangles)
        return cls(view, cut, np.zeros(len(cut.faces), bool))

    @cached_property
    def _corners(self) -> Floats:
        """Corners of the faces on the raster, (F, 3, 3)."""
        return np.asarray(self.cut.at_vertices(self.view.places)[self.cut.faces])

    @cached_property
    def raster(self) -> Raster:
        """Which face each pixel shows."""
        return rasterise(self._corners, FINER * self.view.height, FINER * self.view.pixels)

    @cached_property
    def _weights(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Vertices (V, 3) and barycentric coordinates (V, 3) of the pixels that show a face."""
        shown = self.raster.triangle >= 0
        row, column = (index + 0.5 for index in np.nonzero(shown))
        number = self.raster.triangle[shown]
        planes = barycentric_planes(self._corners)[number]
        weights = np.clip(planes[:, :, 0] + planes[:, :, 1] * column[:, None] + planes[:, :, 2] * row[:, None], 0.0, 1.0)
        return self.cut.faces[number], (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)

    @cached_property
    def _light(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Light of the pixels that show a face, dark lines, and which of these pixels are bare."""
        light = light_on(self.raster, self._corners, relief=_RELIEF)
        return light, rims(self.raster), self.bare[self.raster.triangle[self.raster.triangle >= 0]]

    def picture(self, values: NDArray[np.floating], low: float, high: float) -> NDArray[np.floating]:
        """Red, green, blue and opacity (height, pixels, 4) for nodal values (P,) between the ends of the colour map."""
        from matplotlib import colormaps

        vertices, weights = self._weights
        light, lines, bare = self._light
        at = np.einsum("ij,ij->i", self.cut.at_vertices(np.nan_to_num(values)).astype(np.float32)[vertices], weights)
        table = np.asarray(colormaps[MAP](np.linspace(0.0, 1.0, 1024))[:, :3], np.float32)
        colours = table[np.clip((at - low) / (high - low) * 1023.0, 0, 1023).astype(np.int64)]
        colours[bare] = _BARE
        return paint(self.raster, colours, light, lines)

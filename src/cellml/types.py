"""The nouns that every step of cellml takes and returns.

Each is a frozen dataclass that carries its physical frame and checks itself when it is made. Arrays of voxels are ordered (Z, Y, X);
points of surfaces and meshes have columns (X, Y, Z). Lengths are nanometres. `origin` is the centre of voxel (0, 0, 0), as in NIfTI and
OME-NGFF, so that voxel (k, j, i) has its centre at x = origin[2] + i * spacing[2], and likewise for y and z.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.tilt_range import require_tilt_range

Triple = tuple[float, float, float]

_AXES = ("ZYX", "CZYX", "TZYX", "TCZYX")


def _triple(values: Any, what: str, *, positive: bool) -> Triple:
    try:
        array = np.asarray(values, dtype=float).reshape(-1)
    except (TypeError, ValueError):
        raise CellmlError(f"{what} must be three numbers (z, y, x) in nm, got {values!r}.") from None
    if array.size != 3 or not np.isfinite(array).all():
        raise CellmlError(f"{what} must be three finite numbers (z, y, x) in nm, got {values!r}.")
    if positive and (array <= 0).any():
        raise CellmlError(f"{what} must be positive along z, y and x, got {tuple(array.tolist())} nm.")
    if positive and ((array < 1e-3) | (array > 1e10)).any():
        raise CellmlError(
            f"{what} is {tuple(array.tolist())} nm, which no microscope resolves or no specimen fills; it is probably in another unit. "
            "Give it in nm (from m: times 1e9, from µm: times 1e3)."
        )
    return (float(array[0]), float(array[1]), float(array[2]))


@dataclass(frozen=True, eq=False)
class Volume:
    """An image in its physical frame.

    data: array of any real dtype with the axes named by `axes`; spacing, origin: (z, y, x) in nm; channels: a name for each entry of
    the C axis (empty where there is none). Raises CellmlError if axes and shape disagree or the spacing is not positive.
    """

    data: NDArray[Any]
    spacing: Triple
    origin: Triple = (0.0, 0.0, 0.0)
    axes: str = "ZYX"
    channels: tuple[str, ...] = ()
    name: str = "volume"

    def __post_init__(self) -> None:
        object.__setattr__(self, "spacing", _triple(self.spacing, f"The spacing of {self.name!r}", positive=True))
        object.__setattr__(self, "origin", _triple(self.origin, f"The origin of {self.name!r}", positive=False))
        if self.axes not in _AXES:
            raise CellmlError(f"{self.name!r} has axes {self.axes!r}; cellml knows {', '.join(_AXES)}.")
        if self.data.ndim != len(self.axes):
            raise CellmlError(
                f"{self.name!r} has shape {self.data.shape} but its axes are {self.axes!r}; give one axis letter for each dimension "
                "(a single 2D image becomes a volume of one slice with data[None])."
            )
        if min(self.data.shape) == 0:
            raise CellmlError(f"{self.name!r} is empty: its shape is {self.data.shape}.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        z, y, x = self.data.shape[-3:]
        return (z, y, x)


@dataclass(frozen=True, eq=False)
class Labels:
    """Integer labels in their physical frame: 0 is background (or unassigned).

    data: (Z, Y, X) integers ≥ 0; spacing, origin: (z, y, x) in nm; kind: "instance" (each number one object) or "semantic" (each number
    one class); names: name of a label, where it has one. Raises CellmlError for fractional or negative labels and wrong shapes.
    """

    data: NDArray[Any]
    spacing: Triple
    origin: Triple = (0.0, 0.0, 0.0)
    kind: str = "instance"
    names: Mapping[int, str] = field(default_factory=dict)
    name: str = "labels"

    def __post_init__(self) -> None:
        object.__setattr__(self, "spacing", _triple(self.spacing, f"The spacing of {self.name!r}", positive=True))
        object.__setattr__(self, "origin", _triple(self.origin, f"The origin of {self.name!r}", positive=False))
        object.__setattr__(self, "data", self._as_integers(self.data))
        if self.data.ndim != 3 or min(self.data.shape) == 0:
            raise CellmlError(f"{self.name!r} must be a non-empty (Z, Y, X) label volume, got shape {self.data.shape}.")
        if self.kind not in ("instance", "semantic"):
            raise CellmlError(f"{self.name!r} has kind {self.kind!r}; it must be 'instance' or 'semantic'.")

    def _as_integers(self, data: NDArray[Any]) -> NDArray[Any]:
        if data.dtype == bool:
            return data.astype(np.uint8)
        if np.issubdtype(data.dtype, np.floating):
            if not np.isfinite(data).all() or (data != np.round(data)).any():
                raise CellmlError(f"{self.name!r} holds fractional or non-finite values ({data.dtype}); labels must be whole numbers.")
            data = data.astype(np.int64)
        if not np.issubdtype(data.dtype, np.integer):
            raise CellmlError(f"{self.name!r} has dtype {data.dtype}; labels must be integers.")
        if data.size and data.min() < 0:
            raise CellmlError(f"{self.name!r} holds negative labels (smallest {data.min()}); use 0 for background.")
        return data

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        z, y, x = self.data.shape
        return (z, y, x)


@dataclass(frozen=True, eq=False)
class TiltSeries:
    """Projections of one specimen at several tilts.

    data: (N, Y, X) real numbers, proportional to the projected density (not to transmitted counts: `cellml.tomography.beer_lambert` turns
    those); angles: (N,) in degrees, as the stage reports them, one a projection; pixel: nm, of both image axes; axis_angle: degrees from
    the image's Y axis to the tilt axis, counter-clockwise as displayed with row 0 at the bottom (0: the axis runs along Y, as in an IMOD
    `.ali`); pretilt: degrees added to every angle (a specimen that lies at a slant on the stage); doses: (N,) electrons/Å² or empty.
    Angles need not be sorted. `cellml.tomography.geometry` says which way a positive angle turns. Raises CellmlError where counts
    disagree, a value is not finite, an angle repeats, there are fewer than two projections, or the range is 0°.
    """

    data: NDArray[Any]
    angles: NDArray[np.float64]
    pixel: float
    axis_angle: float = 0.0
    pretilt: float = 0.0
    doses: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    name: str = "tilt series"

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "angles", np.asarray(self.angles, dtype=np.float64).reshape(-1))
        set_(self, "doses", np.asarray(self.doses, dtype=np.float64).reshape(-1))
        if self.data.ndim != 3 or min(self.data.shape) == 0:
            raise CellmlError(f"{self.name!r} must be a non-empty (projection, Y, X) stack, got shape {self.data.shape}.")
        count = len(self.data)
        if len(self.angles) != count:
            raise CellmlError(
                f"{self.name!r} has {count} projections but {len(self.angles)} angles; give one angle in degrees for each projection, "
                "and leave out the angles of projections that were dropped."
            )
        if len(self.doses) not in (0, count):
            raise CellmlError(f"{self.name!r} has {count} projections but {len(self.doses)} doses.")
        require_tilt_range(self.angles, self.name)
        for what, value in (("axis angle", self.axis_angle), ("pre-tilt", self.pretilt)):
            if not np.isfinite(value) or abs(value) > 360:
                raise CellmlError(f"The {what} of {self.name!r} must be degrees between -360 and 360, got {value!r}.")
        set_(self, "pixel", _triple([self.pixel] * 3, f"The pixel size of {self.name!r}", positive=True)[0])

    @property
    def tilts(self) -> NDArray[np.float64]:
        """Tilts of the specimen, (N,) in degrees: angles + pretilt."""
        return self.angles + self.pretilt


@dataclass(frozen=True, eq=False)
class Surface:
    """A triangle surface.

    vertices: (V, 3) float64, columns (x, y, z) in nm; faces: (F, 3) int64, counter-clockwise seen from outside. Raises CellmlError for
    non-finite points and faces that point past the vertices.
    """

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    name: str = "surface"

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", _points(self.vertices, self.name))
        object.__setattr__(self, "faces", _cells(self.faces, 3, len(self.vertices), self.name))

    def areas(self) -> NDArray[np.float64]:
        """Area of each face, (F,) in nm²."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return np.asarray(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1))

    def volume(self) -> float:
        """Enclosed volume in nm³ by the divergence theorem, V = Σ a·(b × c) / 6; positive where faces are oriented outwards."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


@dataclass(frozen=True, eq=False)
class TetMesh:
    """A conforming tetrahedral mesh with named regions and named boundary facets.

    points: (P, 3) float64, columns (x, y, z) in nm; tets: (T, 4) int64, positive orientation; regions: (T,) int32 region number of
    each tetrahedron; region_names: name of each region number; facets: (F, 3) int64 tagged triangles (outer boundary, interfaces and
    patches); facet_tags: (F,) int32; facet_names: name of each tag. Raises CellmlError where sizes disagree, an index is out of range,
    a point is not finite or a tetrahedron is inverted or flat.
    """

    points: NDArray[np.float64]
    tets: NDArray[np.int64]
    regions: NDArray[np.int32]
    region_names: Mapping[int, str] = field(default_factory=dict)
    facets: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    facet_tags: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    facet_names: Mapping[int, str] = field(default_factory=dict)
    name: str = "mesh"

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "points", _points(self.points, self.name))
        set_(self, "tets", _cells(self.tets, 4, len(self.points), self.name))
        set_(self, "facets", _cells(self.facets, 3, len(self.points), self.name))
        set_(self, "regions", np.ascontiguousarray(self.regions, dtype=np.int32).reshape(-1))
        set_(self, "facet_tags", np.ascontiguousarray(self.facet_tags, dtype=np.int32).reshape(-1))
        if len(self.tets) == 0:
            raise CellmlError(f"{self.name!r} has no tetrahedra.")
        if len(self.regions) != len(self.tets):
            raise CellmlError(f"{self.name!r} has {len(self.tets)} tetrahedra but {len(self.regions)} region numbers.")
        if len(self.facet_tags) != len(self.facets):
            raise CellmlError(f"{self.name!r} has {len(self.facets)} facets but {len(self.facet_tags)} facet tags.")
        volumes = self.volumes()
        if (volumes <= 0).any():
            if len(volumes) > 1 and (volumes < 0).all():
                raise CellmlError(
                    f"{self.name!r} is mirrored as a whole: all of its {len(volumes)} tetrahedra are inverted. If its program lists "
                    "corners the other way round, swap two of each (tets[:, [0, 2, 1, 3]]); if an axis was turned over, turn it back."
                )
            worst = int(volumes.argmin())
            raise CellmlError(
                f"{self.name!r} has {int((volumes <= 0).sum())} inverted or flat tetrahedra "
                f"(number {worst} has volume {volumes[worst]:.3g} nm³); "
                "swap two of its corners, or mesh it again."
            )

    def volumes(self) -> NDArray[np.float64]:
        """Signed volume of each tetrahedron, (T,) in nm³."""
        a, b, c, d = (self.points[self.tets[:, i]] for i in range(4))
        return np.asarray(np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) / 6.0)

    def region_volumes(self) -> dict[str, float]:
        """Volume of each region in nm³, by name (the number as text where it has none)."""
        numbers, inverse = np.unique(self.regions, return_inverse=True)
        sums = np.bincount(inverse, weights=self.volumes())
        return {self.region_names.get(int(n), str(int(n))): float(v) for n, v in zip(numbers, sums, strict=True)}

    def facets_named(self, name: str) -> NDArray[np.int64]:
        """The facets that carry a name, (F', 3). Raises CellmlError, listing the known names, if there is none."""
        tags = [tag for tag, known in self.facet_names.items() if known == name]
        if not tags:
            known = ", ".join(sorted(self.facet_names.values())) or "none"
            raise CellmlError(f"{self.name!r} has no facets named {name!r}; it has: {known}.")
        return np.asarray(self.facets[np.isin(self.facet_tags, tags)])


def _points(points: Any, name: str) -> NDArray[np.float64]:
    array = np.ascontiguousarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 3:
        raise CellmlError(f"{name!r} needs points of shape (N, 3) in nm, got {array.shape}.")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).any(axis=1).sum())
        raise CellmlError(f"{name!r} has {bad} points with NaN or infinite coordinates.")
    return array


def _cells(cells: Any, corners: int, points: int, name: str) -> NDArray[np.int64]:
    array = np.ascontiguousarray(cells, dtype=np.int64)
    if array.size == 0:
        return array.reshape(0, corners)
    if array.ndim != 2 or array.shape[1] != corners:
        raise CellmlError(f"{name!r} needs cells of shape (N, {corners}), got {array.shape}.")
    if array.min() < 0 or array.max() >= points:
        raise CellmlError(
            f"{name!r} has cells that point at vertex {array.min() if array.min() < 0 else array.max()}, but there are {points} vertices."
        )
    return array

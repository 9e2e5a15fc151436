"""What an IMOD model holds: objects of contours, drawn in 3dmod over an image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

# Bits of object and contour flags, and of model flags (IMOD's imodel.h and iobj.h).
OPEN = 1 << 3
SCATTERED = 1 << 9
Z_FROM_MINUS_HALF = 1 << 10
MULTIPLE_CLIP = 1 << 12
MATERIAL_IS_BYTES = 1 << 13
ORIGIN_IN_OLD_TRANSLATION = 1 << 14
FLIPPED_YZ = 1 << 16
ROTATED_ABOUT_X = 1 << 17

NEW_MODEL_FLAGS = Z_FROM_MINUS_HALF | MULTIPLE_CLIP | MATERIAL_IS_BYTES

_NM = {3: 1e12, 1: 1e9, -2: 1e7, -3: 1e6, -6: 1e3, -9: 1.0, -10: 0.1, -12: 1e-3}


@dataclass(frozen=True)
class Chunk:
    """A chunk that cellml keeps without interpreting it. id: four letters, such as "IMAT"; data: its bytes."""

    id: str
    data: bytes


@dataclass(frozen=True, eq=False)
class ImodContour:
    """A series of points.

    points: (N, 3) float32, columns (x, y, z), in pixels of the image that the model was drawn on: x and y run from 0 at the outer edge of
    the first pixel, z is a whole number in the middle of a section; flags, time, surface: as IMOD stores them; extra: its chunks.
    Raises CellmlError for another shape and for NaN or infinite coordinates.
    """

    points: NDArray[np.float32]
    flags: int = 0
    time: int = 0
    surface: int = 0
    extra: tuple[Chunk, ...] = ()

    def __post_init__(self) -> None:
        points = np.ascontiguousarray(self.points, np.float32)
        if points.ndim != 2 or points.shape[1] != 3:
            raise CellmlError(f"A contour of an IMOD model needs points (N, 3), columns x, y, z; got shape {points.shape}.")
        if not np.isfinite(points).all():
            raise CellmlError(f"A contour of an IMOD model has {int((~np.isfinite(points)).any(axis=1).sum())} points that are not finite.")
        object.__setattr__(self, "points", points)

    @property
    def open(self) -> bool:
        """Whether its ends are not joined, though its object is of closed contours."""
        return bool(self.flags & OPEN)


@dataclass(frozen=True, eq=False)
class ImodObject:
    """Contours of one thing.

    name: at most 63 bytes; colour: (red, green, blue), each 0 to 1; flags: IMOD's bits; meshes: the bytes of each mesh, kept as they are;
    extra: chunks of the object; header: the 176 bytes of the file, of which name, colour, flags and counts are written anew.
    """

    contours: tuple[ImodContour, ...] = ()
    name: str = ""
    colour: tuple[float, float, float] = (0.0, 1.0, 0.0)
    flags: int = 0
    meshes: tuple[bytes, ...] = ()
    extra: tuple[Chunk, ...] = ()
    header: bytes = b""

    @property
    def kind(self) -> str:
        """What the contours are: "closed", "open" or "scattered" (points that are not joined)."""
        if self.flags & SCATTERED:
            return "scattered"
        return "open" if self.flags & OPEN else "closed"


@dataclass(frozen=True)
class ImageTransformation:
    """How model coordinates lie in the image file (chunk MINX): nine old and nine current values, each x, y, z.

    old_translation is the file's origin, translation the origin of the part that was loaded (both with IMOD's sign), scale the pixel
    spacing, in the file's unit; rotations in degrees.
    """

    old_scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    old_translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    old_rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class ImodModel:
    """A model as in a `.mod` file.

    size: pixels (x, y, z) of the image, or of the part of it, that it was drawn on; pixel_size: along x, in 10^unit m where unit is
    IMOD's number (0: pixels, that is unknown); z_scale: thickness of a section in pixels; flags: IMOD's bits; transformation: chunk
    MINX, None where there is none; extra: other chunks of the model; header: the 232 bytes of the file, of which the fields here are
    written anew.
    """

    objects: tuple[ImodObject, ...]
    size: tuple[int, int, int]
    name: str = "IMOD-NewModel"
    pixel_size: float = 1.0
    unit: int = 0
    z_scale: float = 1.0
    flags: int = NEW_MODEL_FLAGS
    transformation: ImageTransformation | None = None
    extra: tuple[Chunk, ...] = field(default=())
    header: bytes = b""

    @property
    def pixel_nm(self) -> float | None:
        """Edge of a pixel along x in nm; None where the file states none."""
        return self.pixel_size * _NM[self.unit] if self.unit in _NM else None

    @property
    def offset(self) -> tuple[float, float, float]:
        """Pixels (x, y, z) to add to model coordinates to count from the first pixel of the whole image file.

        (old_translation − translation) / scale of MINX, where the flag says that the old translation is the image's origin; else 0.
        """
        minx = self.transformation
        if minx is None or not self.flags & ORIGIN_IN_OLD_TRANSLATION:
            return (0.0, 0.0, 0.0)
        x, y, z = (
            (old - new) / scale if scale else 0.0
            for old, new, scale in zip(minx.old_translation, minx.translation, minx.scale, strict=True)
        )
        return (x, y, z)

    @property
    def flipped(self) -> bool:
        """Whether it was drawn on the image with y and z exchanged, so that its contours lie in planes of constant y."""
        return bool(self.flags & FLIPPED_YZ)

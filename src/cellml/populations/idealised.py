"""Idealised shapes of a given volume and area: what one draws where one does not simulate the real shape.

Both have a flat base that counts to the area, a disk that faces −x with its middle at the origin: there a spine was cut from its dendrite.
They are bodies of revolution about x. Two numbers, volume and area, determine each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Surface

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Capsule:
    """A cylinder of radius r and length L, closed by half a ball of the same radius; nm.

    V = π r² L + 2/3 π r³,  A = 2 π r L + 2 π r² + π r².
    """

    radius_nm: float
    length_nm: float

    @classmethod
    def of(cls, volume_nm3: float, area_nm2: float) -> Capsule:
        """The capsule of this volume and area, the slender one of the two that there may be.

        With L eliminated A(r) = 2V/r + 5/3 π r², which falls until r³ = 3V/(5π), where L = r. Raises CellmlError, with the least area
        that a capsule of the volume has, where the area is smaller.
        """
        _require_positive(volume_nm3, area_nm2)
        widest = float(np.cbrt(3 * volume_nm3 / (5 * np.pi)))
        radius = _radius_of(lambda r: 2 * volume_nm3 / r + 5 / 3 * np.pi * r**2, widest, area_nm2, volume_nm3, "capsule")
        return cls(radius, volume_nm3 / (np.pi * radius**2) - 2 / 3 * radius)

    @property
    def volume_nm3(self) -> float:
        """V."""
        return float(np.pi * self.radius_nm**2 * (self.length_nm + 2 / 3 * self.radius_nm))

    @property
    def area_nm2(self) -> float:
        """A, with the base."""
        return float(np.pi * self.radius_nm * (2 * self.length_nm + 3 * self.radius_nm))

    def profile(self, steps: int) -> Floats:
        """(M, 2) columns x and distance from the axis, nm, from the rim of the base to the tip; about `steps` along the half circle."""
        angles = np.linspace(0, np.pi / 2, steps + 1)
        cap = np.column_stack([self.length_nm + self.radius_nm * np.sin(angles), self.radius_nm * np.cos(angles)])
        return np.concatenate([_stick(self.radius_nm, self.length_nm, self.radius_nm * np.pi / 2 / steps), cap])


@dataclass(frozen=True)
class BallAndStick:
    """A ball of radius R on a cylinder of radius r = ratio · R and length L, from the base to the circle where it meets the ball; nm.

    With the cap of height h = R − √(R² − r²) that the cylinder cuts off the ball: V = π r² L + 4/3 π R³ − π h² (R − h/3),
    A = π r² + 2 π r L + 4 π R² − 2 π R h.
    """

    radius_nm: float
    length_nm: float
    ratio: float = 1 / 3

    @classmethod
    def of(cls, volume_nm3: float, area_nm2: float, ratio: float = 1 / 3) -> BallAndStick:
        """The one of this volume and area. ratio: of the radii of neck and head (spines: order of 1/3, Harris & Stevens 1989).

        With L eliminated A falls with R until L = 0. Raises CellmlError, with the least area there is, where the area is smaller, and for a
        ratio that is not between 0.05 and 0.9.
        """
        _require_positive(volume_nm3, area_nm2)
        if not 0.05 <= ratio <= 0.9:
            raise CellmlError(f"The ratio of the radii of neck and head is between 0.05 and 0.9, got {ratio}.")
        unit = cls(1.0, 0.0, ratio)
        ball, skin, r = unit.volume_nm3, unit.area_nm2, ratio

        def area(radius: float) -> float:
            return skin * radius**2 + 2 * (volume_nm3 - ball * radius**3) / (r * radius)

        radius = _radius_of(area, float(np.cbrt(volume_nm3 / ball)), area_nm2, volume_nm3, "ball and stick")
        return cls(radius, max(0.0, (volume_nm3 - ball * radius**3) / (np.pi * (r * radius) ** 2)), ratio)

    @property
    def neck_nm(self) -> float:
        """Radius of the neck."""
        return self.ratio * self.radius_nm

    @property
    def _below(self) -> float:
        """Distance of the ball's centre from the circle where it meets the neck, nm."""
        return float(np.sqrt(self.radius_nm**2 - self.neck_nm**2))

    @property
    def volume_nm3(self) -> float:
        """V."""
        h = self.radius_nm - self._below
        ball = 4 / 3 * np.pi * self.radius_nm**3 - np.pi * h**2 * (self.radius_nm - h / 3)
        return float(np.pi * self.neck_nm**2 * self.length_nm + ball)

    @property
    def area_nm2(self) -> float:
        """A, with the base."""
        h = self.radius_nm - self._below
        return float(
            np.pi * self.neck_nm * (self.neck_nm + 2 * self.length_nm) + 4 * np.pi * self.radius_nm**2 - 2 * np.pi * self.radius_nm * h
        )

    def profile(self, steps: int) -> Floats:
        """(M, 2) columns x and distance from the axis, nm, from the rim of the base to the tip; about `steps` along a quarter circle."""
        start = -np.arccos(self.ratio)
        angles = np.linspace(start, np.pi / 2, max(2, round(steps * (np.pi / 2 - start) / (np.pi / 2))) + 1)
        centre = self.length_nm + self._below
        ball = np.column_stack([centre + self.radius_nm * np.sin(angles), self.radius_nm * np.cos(angles)])
        if self.length_nm <= 0:
            return ball
        return np.concatenate([_stick(self.neck_nm, self.length_nm, self.radius_nm * np.pi / 2 / steps), ball])


def surface_of(shape: Capsule | BallAndStick, *, steps: int = 12, name: str = "idealised") -> Surface:
    """The shape as a closed triangle surface, nm, of 4 · steps meridians; volume and area come near to it as 1/steps².

    The base is a fan about the first vertex, as `cellml.shapes.base.cut_fan` looks for. Raises CellmlError for fewer than 3 steps.
    """
    if steps < 3:
        raise CellmlError(f"A surface of revolution needs three steps of a quarter circle or more, got {steps}.")
    x, r = shape.profile(steps).T
    count = 4 * steps
    angles = 2 * np.pi * np.arange(count) / count
    rings = np.stack([np.repeat(x[:-1], count), np.outer(r[:-1], np.cos(angles)).ravel(), np.outer(r[:-1], np.sin(angles)).ravel()], axis=1)
    vertices = np.concatenate([[[0.0, 0.0, 0.0]], rings, [[x[-1], 0.0, 0.0]]])
    here = np.arange(count)
    following = (here + 1) % count
    faces = [np.column_stack([np.zeros(count, int), 1 + following, 1 + here])]
    for ring in range(len(x) - 2):
        low, high = 1 + ring * count, 1 + (ring + 1) * count
        faces.append(np.column_stack([low + here, low + following, high + following]))
        faces.append(np.column_stack([low + here, high + following, high + here]))
    last = 1 + (len(x) - 2) * count
    faces.append(np.column_stack([last + here, last + following, np.full(count, len(vertices) - 1)]))
    return Surface(vertices, np.concatenate(faces), name)


def _stick(radius: float, length: float, step: float) -> Floats:
    """Rings of a cylinder from x = 0 to just before x = length, (M, 2)."""
    places = np.linspace(0, length, max(1, round(length / step)) + 1)[:-1]
    return np.column_stack([places, np.full(len(places), radius)])


def _require_positive(volume: float, area: float) -> None:
    if not (np.isfinite(volume) and np.isfinite(area) and volume > 0 and area > 0):
        raise CellmlError(f"An idealised shape needs a positive volume and area, got {volume:g} nm³ and {area:g} nm².")


def _radius_of(area_of, widest: float, area: float, volume: float, kind: str) -> float:  # type: ignore[no-untyped-def]
    """The radius up to `widest` at which a falling area has this value."""
    from scipy.optimize import brentq

    least = area_of(widest)
    if area < least * (1 - 1e-12):
        raise CellmlError(
            f"A {kind} of {volume * 1e-9:.4g} µm³ has an area of {least * 1e-6:.4g} µm² or more, but {area * 1e-6:.4g} µm² are asked for: "
            "the shape is rounder than any of its kind."
        )
    if area <= least:
        return widest
    narrow = widest
    while area_of(narrow) < area:
        narrow /= 2
    return float(brentq(lambda r: area_of(r) - area, narrow, widest, xtol=1e-12 * widest, rtol=1e-14))

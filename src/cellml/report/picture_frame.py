"""What frames a picture of a mesh: the view in nm, a scale bar, and the directions of the axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cellml.report.cutaway import Pose
from cellml.report.palette import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

# Of the cross of axes, in lengths of an axis that lies in the picture: the shortest that is drawn, the gap between line and letter, and
# the distance between letters.
_SHORTEST, _GAP, _APART = 0.3, 0.4, 0.6


@dataclass(frozen=True)
class Frame:
    """Left, right, bottom and top of a panel in nm around the centre; `unit` nm are 3.3 inches in print, whatever the panel's width."""

    left: float
    right: float
    bottom: float
    top: float
    unit: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """In the order that matplotlib wants."""
        return (self.left, self.right, self.bottom, self.top)


def seen_from(points: Floats, pose: Pose) -> Floats:
    """Points (P, 3) in nm as the eye sees them: to the right, up, towards the eye."""
    return np.asarray((points - pose.centre) @ np.stack([pose.right, pose.up, pose.eye], axis=1))


def frame_of(seen: Floats, unit: float) -> Frame:
    """The frame of points (P, 2), with a margin and below it room for the scale bar."""
    (left, bottom), (right, top) = seen.min(axis=0), seen.max(axis=0)
    margin = 0.03 * unit
    return Frame(left - margin, right + margin, bottom - 5.5 * margin, top + margin, unit)


def nice_length(longest: float) -> tuple[float, str]:
    """The largest of 1, 2 or 5 times a power of ten nm that is at most `longest`, and its label in nm or µm."""
    power = 10.0 ** np.floor(np.log10(longest))
    length = float(max(step * power for step in (1.0, 2.0, 5.0) if step * power <= longest * (1 + 1e-9)))
    return (length, f"{length / 1000:g} µm") if length >= 1000 else (length, f"{length:g} nm")


def scale_bar(axes: Axes, frame: Frame) -> None:
    """A bar of a round length at the lower left."""
    length, label = nice_length(0.3 * frame.unit)
    x, y = frame.left + 0.03 * frame.unit, frame.bottom + 0.03 * frame.unit
    axes.plot([x, x + length], [y, y], color=INK, linewidth=2.2, solid_capstyle="butt")
    axes.text(x + length / 2, y + 0.012 * frame.unit, label, ha="center", va="bottom", fontsize=8)


def axes_cross(axes: Axes, pose: Pose, frame: Frame) -> None:
    """The directions of x, y and z at the lower right; none of an axis that points along the view or falls on a longer one."""
    origin, length = np.array([frame.right - 0.10 * frame.unit, frame.bottom + 0.07 * frame.unit]), 0.055 * frame.unit
    for name, direction in cross_of(pose).items():
        x, y = origin + length * direction
        axes.plot([origin[0], x], [origin[1], y], color=MUTED, linewidth=1.0)
        x, y = origin + length * _beyond(direction)
        axes.text(x, y, name, color=MUTED, fontsize=7, ha="center", va="center")


def cross_of(pose: Pose) -> dict[str, Floats]:
    """To the right and up, (2,), of each of the axes x, y and z that can be told apart, the longest in the picture first."""
    seen = dict(zip("xyz", np.stack([pose.right, pose.up], axis=1), strict=True))
    drawn: dict[str, Floats] = {}
    for name in sorted(seen, key=lambda each: -float(np.linalg.norm(seen[each]))):
        far = all(np.linalg.norm(_beyond(seen[name]) - _beyond(other)) > _APART for other in drawn.values())
        if np.linalg.norm(seen[name]) > _SHORTEST and far:
            drawn[name] = seen[name]
    return drawn


def _beyond(direction: Floats) -> Floats:
    """Where the letter of an axis stands, clear of its line."""
    return np.asarray(direction * (1.0 + _GAP / max(float(np.linalg.norm(direction)), _SHORTEST)))

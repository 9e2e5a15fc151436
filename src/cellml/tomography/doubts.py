"""What the projections themselves say against the geometry that a series states."""

from __future__ import annotations

from cellml.tomography.axis_check import axis_warning
from cellml.tomography.order_check import order_warning
from cellml.types import TiltSeries

_LEAST_ROWS = 8  # fewer cannot tell one axis from the other


def doubts(series: TiltSeries) -> list[str]:
    """Each doubt with its remedy, the gravest first; series: as recorded, for remedies speak of its images."""
    axis = axis_warning(series) if min(series.data.shape[1:]) >= _LEAST_ROWS else None
    return [doubt for doubt in (axis, order_warning(series)) if doubt]

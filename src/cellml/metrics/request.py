"""What a caller of `cellml score` asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cellml.errors import CellmlError
from cellml.metrics.bootstrap import Bootstrap

KINDS = ("auto", "instance", "semantic", "membrane")


@dataclass(frozen=True)
class Request:
    """The arguments of `cellml.metrics.command.score_files` of the same names, checked; bootstrap is None where no intervals are wanted.

    Raises CellmlError for an unknown kind and for arguments that the kind cannot use.
    """

    kind: str = "auto"
    thresholds: tuple[float, ...] = ()
    surfaces: bool = False
    tolerance_nm: float | None = None
    topology: bool = False
    clefts: bool = False
    border_nm: float | None = None
    confidences: str | Path | None = None
    bootstrap: Bootstrap | None = None
    block_nm: float | Sequence[float] = 500.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise CellmlError(f"kind is {self.kind!r}; it must be one of {', '.join(KINDS)}.")
        if self.kind == "membrane" and not self.thresholds:
            raise CellmlError(
                "A membrane map is scored at a threshold that was chosen on validation data: give it, as in threshold=0.5, or a list to "
                "choose from, as in threshold=[0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9]."
            )
        if self.kind == "instance" and self.thresholds:
            raise CellmlError("threshold makes one class of a probability; objects (kind=instance) are labels, so leave it out.")
        unused = [name for name in ("surfaces", "topology", "clefts") if getattr(self, name)]
        if self.kind == "membrane" and unused:
            raise CellmlError(
                f"{' and '.join(unused)} need a segmentation in three dimensions; kind=membrane scores sections: use semantic."
            )
        for name in ("tolerance_nm", "border_nm"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise CellmlError(f"{name}={value} is a distance; it must be at least 0.")


def thresholds_of(threshold: float | Sequence[float] | None) -> tuple[float, ...]:
    """None, one number or several as a tuple. Raises CellmlError for an empty list."""
    if threshold is None:
        return ()
    if isinstance(threshold, int | float):
        return (float(threshold),)
    if not len(threshold):
        raise CellmlError("threshold=[] holds no threshold; give one number or several.")
    return tuple(float(one) for one in threshold)

"""The physical numbers that a simulation answers with."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Observable:
    """A number with its unit and the error that the discretisation leaves in it.

    discretisation_error: absolute, in the same unit, NaN where it was not estimated. status: "ok"; "undefined" where the question has no
    answer on this shape (a conductance of an object with one end); "failed" where it has one on the reference shape but not on this one;
    "stopped" where time could not go on until its answer. All but "ok" come with a reason and a value of NaN.
    """

    name: str
    value: float
    unit: str
    discretisation_error: float
    status: str = "ok"
    reason: str = ""

    @classmethod
    def without_value(cls, name: str, unit: str, status: str, reason: str) -> Observable:
        """An observable that is "undefined" or "failed", with the reason."""
        return cls(name, math.nan, unit, math.nan, status, reason)

    @property
    def relative_error(self) -> float:
        """Discretisation error divided by the value."""
        return self.discretisation_error / abs(self.value)

    def __str__(self) -> str:
        if self.status != "ok":
            return f"{self.name}: {self.status} ({self.reason})"
        error = "error not estimated" if math.isnan(self.discretisation_error) else f"± {self.discretisation_error:.1g}"
        return f"{self.name} = {self.value:.6g} {error} {self.unit}"

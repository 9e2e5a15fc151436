"""The clock of one meshing: how much time it has, and who is told where it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cellml.errors import CellmlError
from cellml.meshing.errors import MeshingTimeoutError

Tell = Callable[[str], None]


def _nobody(step: str) -> None:
    """Progress that nobody asked for."""


@dataclass(frozen=True, eq=False)
class Watch:
    """A wall-clock limit over all steps of a meshing.

    ends: when the time is over, in s of `time.monotonic`; allowed_s: the limit that the user gave; tell: is called with a few words as each
    step begins.
    """

    ends: float
    allowed_s: float
    tell: Tell

    @classmethod
    def start(cls, allowed_s: float, tell: Tell | None = None) -> Watch:
        """A clock that runs from now. Raises CellmlError for a limit that is not positive."""
        if not allowed_s > 0:
            raise CellmlError(f"timeout_s must be a positive time in seconds, got {allowed_s}.")
        return cls(time.monotonic() + allowed_s, float(allowed_s), tell or _nobody)

    @property
    def left_s(self) -> float:
        """Seconds that are left; negative once the time is over."""
        return self.ends - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        return self.left_s <= 0

    def begin(self, step: str) -> None:
        """Say that a step begins, such as `cutting out label 3`. Raises MeshingTimeoutError where there is no time left for it."""
        if self.over:
            raise MeshingTimeoutError(
                f"Meshing was stopped after {self.allowed_s:.3g} s, before {step} (timeout_s = {self.allowed_s:g}); give a larger "
                "timeout_s or a larger edge_nm."
            )
        self.tell(step)

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cellml.pixels import compiled as module
from cellml.pixels.compiled import compiled


def total(values: Any, weight: float) -> float:
    result = 0.0
    for value in values:
        if value < np.inf:
            result += weight * value
    return result


def test_a_loop_gives_what_the_interpreter_gives_and_infinity_keeps_its_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any folder for a cache too, where numba refuses to cache."""
    values, real = np.array([1.0, 2.0, np.inf, 4.0]), module.njit

    def refusing(**options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(module, "njit", refusing)
    assert compiled(total)(values, 0.5) == pytest.approx(3.5) == total(values, 0.5)

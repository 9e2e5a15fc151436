from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.uncertainty.sobol import saltelli_design, sobol_indices


def ishigami(points: np.ndarray) -> np.ndarray:
    """sin x₁ + 7 sin² x₂ + 0.1 x₃⁴ sin x₁ with x uniform in (−π, π) (Ishigami and Homma 1990)."""
    x = np.pi * (2 * points - 1)
    return np.asarray(np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


def ishigami_indices() -> tuple[np.ndarray, np.ndarray]:
    a, b = 7.0, 0.1
    v1 = 0.5 * (1 + b * np.pi**4 / 5) ** 2
    v2 = a**2 / 8
    v13 = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    v = v1 + v2 + v13
    return np.array([v1, v2, 0]) / v, np.array([v1 + v13, v2, v13]) / v


def test_ishigami_has_its_closed_form_within_the_intervals() -> None:
    found = sobol_indices(ishigami, ["a", "b", "c"], 4096, draws=150, seed=1)
    first, total = ishigami_indices()
    assert [i.first for i in found] == pytest.approx(first, abs=0.02)
    assert [i.total for i in found] == pytest.approx(total, abs=0.02)
    for index, one, other in zip(found, first, total, strict=True):
        assert index.first_low - 0.01 <= one <= index.first_high + 0.01
        assert index.total_low - 0.01 <= other <= index.total_high + 0.01
        assert index.first_low < index.first_high and index.total_low <= index.total_high


def test_sobols_g_function_has_its_closed_form() -> None:
    a = np.array([0.0, 1.0, 4.5, 9.0])

    def g(points: np.ndarray) -> np.ndarray:
        return np.asarray(((np.abs(4 * points - 2) + a) / (1 + a)).prod(axis=1))

    parts = 1 / (3 * (1 + a) ** 2)
    variance = (1 + parts).prod() - 1
    total = parts * np.array([(1 + np.delete(parts, k)).prod() for k in range(4)])
    found = sobol_indices(g, list("abcd"), 4096, draws=20, seed=0)
    assert [i.first for i in found] == pytest.approx(parts / variance, abs=0.02)
    assert [i.total for i in found] == pytest.approx(total / variance, abs=0.02)


def test_the_indices_of_a_sum_add_up_and_no_input_has_more_alone_than_in_all() -> None:
    found = sobol_indices(lambda p: p @ np.array([3.0, 2.0, 0.0]), ["a", "b", "none"], 1024)
    assert sum(i.first for i in found) == pytest.approx(1, abs=0.02)
    assert found[0].first == pytest.approx(9 / 13, abs=0.02) and found[2].total == 0


def test_a_mixed_point_differs_from_the_first_in_one_input() -> None:
    design = saltelli_design(3, 64, seed=5)
    for i in range(3):
        others = [k for k in range(3) if k != i]
        assert (design.mixed[i][:, others] == design.first[:, others]).all() and (design.mixed[i][:, i] == design.second[:, i]).all()
    assert design.points.shape == (5 * 64, 3)


def test_answers_that_do_not_vary_or_are_not_finite_are_refused() -> None:
    with pytest.raises(CellmlError, match="does not vary"):
        sobol_indices(lambda p: np.ones(len(p)), ["a"], 16)
    with pytest.raises(CellmlError, match="not finite"):
        sobol_indices(lambda p: np.where(p[:, 0] > 0.5, np.nan, p[:, 0]), ["a"], 16)
    with pytest.raises(CellmlError, match="at least 1 input"):
        saltelli_design(0, 16)

from __future__ import annotations

import math

import pytest

from cellml.tasks.schedules import constant, warmup_cosine


def test_warms_up_linearly_then_falls_as_half_a_cosine_to_the_floor() -> None:
    factors = [warmup_cosine(step, 220, warmup=20, floor=0.01) for step in range(260)]
    assert factors[:20] == pytest.approx([(i + 1) / 21 for i in range(20)])
    assert factors[20] == 1 and factors[120] == pytest.approx(0.505)
    assert factors[220:] == pytest.approx([0.01] * 40)
    assert all(a >= b for a, b in zip(factors[20:], factors[21:], strict=False))
    assert factors[70] == pytest.approx(0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi / 4)))


def test_a_training_shorter_than_the_warmup_still_moves() -> None:
    assert all(0 < warmup_cosine(step, 3) <= 1 for step in range(4))


def test_constant() -> None:
    assert {constant(step, 9) for step in range(10)} == {1.0}

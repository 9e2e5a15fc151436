from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.particles.cap import ball_with_cap, rim_points


@pytest.mark.parametrize("cap", [50.0, 200.0])
def test_the_rim_is_a_circle_and_the_cap_has_its_area(cap):
    mesh = ball_with_cap(1000.0, cap, refinements=2, rim=0.3)
    on = mesh.points[rim_points(mesh)]
    assert np.abs(np.linalg.norm(on, axis=1) - 1000.0).max() < 1.0
    assert np.abs(np.hypot(on[:, 0], on[:, 1]) - 1000.0 * np.sin(cap / 1000.0)).max() < 0.02 * cap
    assert len(on) >= 2 * np.pi / 0.35  # edges of the rim of at most that share of the cap
    a, b, c = (mesh.points[mesh.facets_named("exit")[:, i]] for i in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()
    assert area == pytest.approx(2 * np.pi * 1000.0**2 * (1 - np.cos(cap / 1000.0)), rel=0.02)


def test_its_volume_approaches_that_of_the_ball():
    lost = [1 - ball_with_cap(1000.0, 200.0, refinements=n, rim=1.0).volumes().sum() / (4e9 * np.pi / 3) for n in (2, 3)]
    assert lost[0] < 0.04
    assert lost[1] < 0.3 * lost[0]

from __future__ import annotations

import pytest

from cellml.sim.particles.cases import narrow_escape_time, narrow_escapes


def test_the_closed_form_is_that_of_the_literature():
    # The leading term is V/(4aD); at a = 0.1 R the bracket is 1 + (ln 5 − 0.3)/(10 π).
    assert narrow_escape_time(0.1) == pytest.approx(10.4719755 * (1 + 1.3094379 / 31.4159265), rel=1e-7)
    assert narrow_escape_time(0.2, radius=2.0, D=4.0) == pytest.approx(narrow_escape_time(0.1), rel=1e-12)


@pytest.mark.slow
def test_particles_escape_at_the_mean_time():
    for row in narrow_escapes(seed=1, effort=0.1, refinements=3):
        assert abs(row.z) < 4
        assert all(abs(mean - row.tau_exact) < 4 * error + 0.03 * row.tau_exact for _, mean, error in row.by_scale)
        assert 0.98 < row.volume < 1

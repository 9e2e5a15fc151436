from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import ball, box
from cellml.sim.errors import SimulationError
from cellml.sim.particles.passage import FirstPassage, extrapolated, first_passage_times


def test_the_mean_time_across_a_slab_is_a_third_of_its_length_squared_over_D():
    slab = box((400.0, 400.0, 1000.0), (2, 2, 4), cuts=("z1",))
    found = first_passage_times(slab, 2.0, ["cut_z1"], seed=5, particles=3000)
    assert abs(found.mean - 1.0 / 6.0) < 4 * found.standard_error
    # The second moment solves −D u″ = 2 t: on the average over the start 4/15 (L²/D)².
    assert np.mean(found.times**2) == pytest.approx(4 / 15 / 4.0, rel=0.15)
    assert found.relocated == 0


def test_a_ball_that_absorbs_all_around_empties_in_a_fifteenth_of_its_radius_squared_over_D():
    mesh = ball(1000.0, 3)
    radius = (mesh.volumes().sum() / 1e9 / (4 * np.pi / 3)) ** (1 / 3)
    found = first_passage_times(mesh, 1.0, ["membrane"], seed=6, particles=3000)
    assert abs(found.mean - radius**2 / 15.0) < 4 * found.standard_error


def test_the_same_seed_gives_the_same_times():
    slab = box((400.0, 400.0, 400.0), (1, 1, 1), cuts=("z1",))
    first, again, other = (first_passage_times(slab, 1.0, ["cut_z1"], seed=s, particles=50).times for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).all()


def test_extrapolation_recovers_a_straight_line_and_weighs_by_error():
    runs = [(s, _run(3.0 + 2.0 * s, error)) for s, error in ((0.5, 0.1), (1.0, 0.1), (2.0, 0.1))]
    tau, error = extrapolated(runs)
    assert tau == pytest.approx(3.0)
    # Variance of the intercept of a straight line: σ² (1/n + x̄²/Σ(x − x̄)²).
    x = np.array([0.5, 1.0, 2.0])
    assert error == pytest.approx(0.1 * np.sqrt(1 / 3 + x.mean() ** 2 / ((x - x.mean()) ** 2).sum()))


def _run(mean: float, error: float) -> FirstPassage:
    return FirstPassage(mean + np.array([-1.0, 1.0]) * error, 0, 0)


def test_refusals_name_what_is_wrong():
    slab = box((400.0, 400.0, 400.0), (1, 1, 1), cuts=("z1",))
    with pytest.raises(SimulationError, match="no facets named 'nowhere'; it has: cut_z1, membrane"):
        first_passage_times(slab, 1.0, ["nowhere"], seed=1)
    with pytest.raises(SimulationError, match=r"have not reached cut_z1 after \d+ moves"):
        first_passage_times(slab, 1.0, ["cut_z1"], seed=1, most_moves=2)
    with pytest.raises(SimulationError, match="three or more scales of the step, found 2"):
        extrapolated([(1.0, _run(1.0, 0.1)), (2.0, _run(1.0, 0.1))])

from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.particles.copies import copy_numbers, few_copies, whole


def test_copies_are_concentration_times_volume_or_area_and_what_is_released(model_of, cube):
    text = (
        "species:\n  A: {in: '*', initial: {value: 1, unit: uM}}\n  B: {on: membrane, initial: {value: 10, unit: molecule/um^2}}\n"
        "releases:\n  - {of: B, at: membrane, amount: {value: 7, unit: molecule}}\nsteady: true\n"
    )
    found = copy_numbers(cube, model_of(text))
    assert found == {"A": pytest.approx(602.214076), "B": pytest.approx(57.0)}
    assert [note.split(":")[0] for note in few_copies(found)] == ["B"]
    assert few_copies({"A": 0.0, "B": 100.0}) == []


def test_whole_numbers_keep_the_mean():
    found = whole(3.25, 40_000, np.random.default_rng(0))
    assert set(found.tolist()) == {3, 4}
    assert found.mean() == pytest.approx(3.25, abs=4 * np.sqrt(0.25 * 0.75 / 40_000))


def test_runs_that_cannot_be_are_refused(model_of, cube):
    from cellml.sim.errors import SimulationError
    from cellml.sim.particles.brownian import simulate_particles
    from cellml.sim.particles.rdme import simulate_rdme

    text = (
        "species:\n  A: {in: '*', D: {value: 1, unit: um^2/s}, initial: {value: 1, unit: mM}}\ntime: {end: {value: 1, unit: s}, steps: 2}\n"
    )
    for simulate in (simulate_particles, simulate_rdme):
        with pytest.raises(SimulationError, match=r"replicas of 6.02e\+05 molecules are 6.02e\+08 to follow"):
            simulate(cube, model_of(text), seed=1, replicas=1000)
        with pytest.raises(SimulationError, match="found replicas=0"):
            simulate(cube, model_of(text), seed=1, replicas=0)
        with pytest.raises(SimulationError, match="found steps=0"):
            simulate(cube, model_of(text), seed=1, steps=0)
    nowhere = text.replace("1, unit: mM", "0, unit: mM") + "releases:\n  - {of: A, at: farthest_cut, amount: {value: 5, unit: molecule}}\n"
    with pytest.raises(SimulationError, match="names a place that this mesh does not have: .* has only one end"):
        simulate_rdme(cube, model_of(nowhere), seed=1)

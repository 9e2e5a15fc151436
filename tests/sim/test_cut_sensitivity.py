from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from cellml.sim.analytic import ball, box
from cellml.sim.cut_sensitivity import CutSensitivity
from cellml.sim.errors import SimulationError
from cellml.sim.model_file import parse_model
from cellml.sim.solve import solve_model

MODEL = """
species: {A: {in: "*", D: {value: 1, unit: um^2/s, source: s}, initial: {value: 1, unit: molecule/um^3, source: s}}}
time: {end: {value: 0.05, unit: s}, steps: 200}
observables: [{type: amount, of: A, name: left}, {type: volume}]
"""


def solved(mesh, text: str = MODEL):
    return solve_model(mesh, parse_model(text, Path("m.yaml")), errors="never")


def test_a_rod_that_loses_through_one_end_follows_the_series_of_a_half_slab(tmp_path):
    """Sealed and fixed keep all; absorbing leaves M/M₀ = Σ 8/((2n+1)² π²) exp(−(2n+1)² π² D t / 4 L²) (Crank, eq. 4.18)."""
    mesh = box((200.0, 200.0, 1000.0), (1, 1, 40), cuts=("z0",))
    found = CutSensitivity.of(solved(mesh))
    odd = 2 * np.arange(200) + 1
    left = float((8 / (odd * np.pi) ** 2 * np.exp(-((odd * np.pi) ** 2) * 0.05 / 4)).sum())
    assert found.assumed == "sealed" and list(found.values) == ["left"]  # a volume does not depend on it
    assert found.values["left"]["sealed"] == pytest.approx(0.04, rel=1e-9)
    assert found.values["left"]["fixed"] == pytest.approx(0.04, rel=1e-9)
    assert found.values["left"]["absorbing"] == pytest.approx(0.04 * left, rel=5e-3)
    assert found.change("left") == pytest.approx(1 - left, rel=2e-2)
    found.write(tmp_path / "c.csv")
    with (tmp_path / "c.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["absorbing"]) == found.values["left"]["absorbing"] and row["assumed"] == "sealed"
    assert float(row["largest_relative_change"]) == found.change("left")


def test_the_change_is_counted_from_the_rule_of_the_model():
    mesh = box((200.0, 200.0, 1000.0), (1, 1, 10), cuts=("z0",))
    found = CutSensitivity.of(solved(mesh, MODEL + "cut: absorbing\n"))
    values = found.values["left"]
    assert found.assumed == "absorbing"
    assert found.change("left") == pytest.approx((values["sealed"] - values["absorbing"]) / values["absorbing"])


def test_a_mesh_without_cut_faces_is_noted():
    found = CutSensitivity.of(solved(ball(300.0, 1)))
    assert found.change("left") == 0.0 and "no cut faces" in found.notes[0]


def test_models_without_time_courses_have_nothing_to_compare(rod):
    text = MODEL.replace("{type: amount, of: A, name: left}, ", "")
    with pytest.raises(SimulationError, match="m asks for no time course"):
        CutSensitivity.of(solved(rod, text))


def test_what_does_not_move_stays_at_an_absorbing_cut_too():
    text = MODEL.replace("species: {A", "species: {B: {in: '*', initial: {value: 3, unit: molecule/um^3, source: s}}, A")
    solution = solved(box((200.0, 200.0, 1000.0), (1, 1, 10), cuts=("z0",)), text + "cut: absorbing\n")
    assert solution.courses["amount of B"].values == pytest.approx(3 * 0.04, rel=1e-12)
    assert solution.courses["amount of A"].values[-1] < 0.04


def test_an_integral_over_time_of_a_rate_is_a_number_of_molecules():
    text = MODEL.replace("[{type", "[{type: rate, of: decay, reduce: integral, name: gone}, {type: mean, of: A, reduce: integral}, {type")
    text += "reactions: [{name: decay, in: '*', equation: 'A -> 0', forward: {value: 20, unit: 1/s, source: s}}]\n"
    solution = solved(ball(300.0, 1), text)
    assert solution["gone"].unit == "molecule" and solution["A_mean_integral"].unit == "uM*s"
    before, after = solution.courses["amount of A"].values[[0, -1]]
    assert solution["gone"].value == pytest.approx(before - after, rel=1e-3)

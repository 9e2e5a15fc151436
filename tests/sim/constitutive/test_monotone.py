"""Monotone rate laws: what holds by construction, and a hidden law that is found through the simulation."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.cli import main
from cellml.io import write_mesh
from cellml.sim.analytic import ball
from cellml.sim.constitutive.learned import LearnedLaw, learn_rate_laws, learned_laws
from cellml.sim.constitutive.monotone import MonotoneLaw, with_laws
from cellml.sim.derivative import derivative
from cellml.sim.errors import SimulationError
from cellml.sim.estimation.measurements import Measurement
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model
from cellml.sim.simulator import Simulator

# 12600 molecules of A leave a ball of 1 µm through its membrane; how the flux depends on A there is what is to be found.
TEXT = """
species: {A: {in: "*", D: {value: 20, unit: um^2/s}, initial: {value: 5, unit: uM}}}
parameters:
  V: {value: 500, unit: molecule/um^2/s}
  K: {value: 1, unit: uM}
reactions: [{name: efflux, on: membrane, equation: A -> 0, rate: "V*A/(K + A)"}]
time: {end: {value: 3, unit: s}, steps: 20}
observables: [{type: amount, of: A}]
"""
LAW = MonotoneLaw("A", top="6 uM", scale="300 molecule/um^2/s")


def model() -> Model:
    return parse_model(TEXT, Path("efflux.yaml"))


def truth(c: np.ndarray) -> np.ndarray:
    v = model().values()
    return np.asarray(v["V"] * c / (v["K"] + c))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-6, 6), min_size=16, max_size=16))
def test_no_weights_make_the_law_fall(z: list[float]) -> None:
    values = {**with_laws(model(), {"efflux": LAW}).values(), **dict(zip(LAW.names("efflux"), np.exp(z), strict=True))}
    c = np.linspace(0.0, 2 * values["efflux_top"], 200)
    rate = LAW.rate("efflux", values, c)
    assert rate[0] == 0 and (np.diff(rate) >= 0).all()
    slope = derivative(LAW.formula("efflux"), "A").evaluate({**values, "A": c})
    assert (np.asarray(slope) >= 0).all()


def test_gradients_of_a_simulated_answer_reach_the_weights_by_the_adjoint() -> None:
    described = with_laws(model(), {"efflux": LAW})
    simulator = Simulator(ball(1000.0, 1), described)
    names = LAW.names("efflux")
    leaves = {name: torch.tensor(described.values()[name], dtype=torch.float64, requires_grad=True) for name in names}
    slopes = torch.autograd.grad(simulator(leaves).courses["A_amount_final"].sum(), list(leaves.values()))
    for k in (1, 6):
        h = 1e-4 * float(leaves[names[k]].detach())
        ends = [
            simulator({n: v.detach() + s * h * (n == names[k]) for n, v in leaves.items()}).courses["A_amount_final"].sum() for s in (1, -1)
        ]
        assert float(slopes[k]) == pytest.approx(float(ends[0] - ends[1]) / (2 * h), rel=1e-4)


@pytest.fixture(scope="module")
def found() -> LearnedLaw:
    """The law from 20 noisy total amounts (1 % of the first), none of which says anything of concentrations at the membrane."""
    mesh = ball(1000.0, 1)
    answer = Simulator(mesh, model())({})
    times, amounts = answer.times.numpy(), answer.courses["A_amount_final"].detach().numpy()
    sd = 0.01 * amounts[0]
    noise = sd * np.random.default_rng(0).standard_normal(len(times) - 1)
    measured = Measurement("A_amount_final", times[1:], amounts[1:] + noise, np.full(len(times) - 1, sd))
    fit = learn_rate_laws(mesh, model(), {"efflux": LAW}, [measured])
    assert fit.chi2 < 2 * fit.count
    return learned_laws(fit, {"efflux": LAW})[0]


def test_a_hidden_law_is_found_on_the_visited_range(found: LearnedLaw) -> None:
    wanted, seen = truth(found.concentrations), found.seen
    assert found.visited[0] < 0.2 * found.visited[1] and 0.5 < seen.mean() < 1.0  # the range is wide, and not all there is
    assert np.sqrt(np.mean((found.rate - wanted)[seen] ** 2)) < 0.08 * wanted.max()


def test_its_band_holds_the_truth_where_it_was_visited_and_widens_elsewhere(found: LearnedLaw) -> None:
    wanted, seen = truth(found.concentrations), found.seen
    inside = (found.low <= wanted * (1 + 1e-9)) & (wanted <= found.high * (1 + 1e-9))
    width = (found.high - found.low) / wanted.max()
    above = ~seen & (found.concentrations > found.visited[1])
    assert inside[seen].mean() >= 0.65 and width[seen].mean() < 0.2  # one set of errors; experiments/learned_laws has sixty
    assert (np.abs(found.rate - wanted) < 2 * (found.high - found.low) / 2 + 1e-9)[seen].all()
    assert inside[~seen].all() and width[above].mean() > 2 * width[seen].mean() and (np.diff(width[above]) >= 0).all()
    assert found.concentrations[0] == found.low[0] == found.high[0] == 0 < found.high[1]  # the law is 0 there, and the band knows it
    for course in (found.rate, found.low, found.high):
        assert (np.diff(course) >= 0).all()
    assert (found.low <= found.rate).all() and found.low[0] == found.rate[0] == 0


@pytest.mark.parametrize(
    ("law", "said"),
    [
        (MonotoneLaw("B", "6 uM", "1000 molecule/um^2/s"), "is of 'B'; the model's species are A"),
        (MonotoneLaw("A", "6 s", "1000 molecule/um^2/s"), "top is '6 s', but a unit such as"),
        (MonotoneLaw("A", "6 uM", "10 uM/s"), "scale is '10 uM/s', but a unit such as molecule/um"),
    ],
)
def test_laws_that_do_not_fit_the_model_are_refused(law: MonotoneLaw, said: str) -> None:
    with pytest.raises(SimulationError, match=said):
        with_laws(model(), {"efflux": law})


def test_unknown_reactions_and_taken_names_are_refused() -> None:
    with pytest.raises(SimulationError, match="no reaction 'influx'; it has: efflux"):
        with_laws(model(), {"influx": LAW})
    with pytest.raises(SimulationError, match="needs the name 'efflux_top'"):
        with_laws(with_laws(model(), {"efflux": LAW}), {"efflux": LAW})
    with pytest.raises(SimulationError, match="one unit or more"):
        MonotoneLaw("A", "6 uM", "1000 molecule/um^2/s", units=0)
    with pytest.raises(SimulationError, match="must be positive"):
        MonotoneLaw("A", "0 uM", "1000 molecule/um^2/s")


def test_estimate_learns_a_law_and_writes_what_a_model_file_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A linear law, and few steps: the command's plumbing, whose numbers the tests above judge."""
    mesh = ball(1000.0, 1)
    write_mesh(mesh, tmp_path / "ball.vtu")
    short = TEXT.replace("V*A/(K + A)", "V*A/K").replace("steps: 20", "steps: 8")
    (tmp_path / "efflux.yaml").write_text(short)
    answer = Simulator(mesh, parse_model(short, Path("efflux.yaml")))({})
    rows = zip(answer.times.tolist(), answer.courses["A_amount_final"].tolist(), strict=True)
    table = "\n".join(f"{t},{a},{0.01 * 12614}" for t, a in rows)
    (tmp_path / "m.csv").write_text("time (s),A_amount_final (molecule),sd of A_amount_final (molecule)\n" + table)
    words = [f"{key}={tmp_path}/{name}" for key, name in (("mesh", "ball.vtu"), ("model", "efflux.yaml"), ("measurements", "m.csv"))]
    law = "laws={efflux: {of: A, top: '6 uM', scale: '2000 molecule/um^2/s', units: 2}}"
    assert main(["estimate", *words, f"output={tmp_path}/out", law]) == 0
    assert "The law of efflux was visited from" in capsys.readouterr().out
    with (tmp_path / "out" / "laws.csv").open() as stream:
        read = list(csv.DictReader(stream))
    assert {row["reaction"] for row in read} == {"efflux"} and all(float(r["low_90"]) <= float(r["high_90"]) for r in read)
    assert read[-1]["visited"] == "no" and float(read[-1]["concentration"]) == pytest.approx(6.0) and "yes" in {r["visited"] for r in read}
    content = yaml.safe_load((tmp_path / "out" / "laws.yaml").read_text())
    again = yaml.safe_load(short)
    again["parameters"] |= content["parameters"]
    again["reactions"][0] |= {"rate": content["rates"]["efflux"], "on": again["reactions"][0].pop(True)}  # what YAML 1.1 takes `on` for
    learned = Simulator(mesh, parse_model(yaml.safe_dump(again), Path("again.yaml")))({}).courses["A_amount_final"]
    assert torch.allclose(learned, answer.courses["A_amount_final"], rtol=0.1, atol=0.03 * float(learned[0]))
    assert main(["estimate", *words, f"output={tmp_path}/other", "laws={efflux: {of: A}}"]) == 2
    assert "laws.efflux is" in capsys.readouterr().err

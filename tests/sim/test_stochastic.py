from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from cellml.sim.copy_results import write_copies
from cellml.sim.model_file import parse_model
from cellml.sim.stochastic import solve_copies

# Every molecule of A survives until t with the probability exp(−k t), on its own.
DECAY = """
species: {A: {in: "*", D: {value: 1, unit: um^2/s, source: s}, initial: {value: 1000, unit: molecule/um^3, source: s}}}
reactions: [{name: decay, in: "*", equation: "A ->", forward: {value: 2, unit: 1/s, source: s}}]
time: {end: {value: 0.5, unit: s}, steps: 10}
observables:
  - {type: amount, of: A, name: left}
  - {type: mean, of: A, name: dense, unit: molecule/um^3}
  - {type: maximum, of: A, name: highest}
  - {type: volume}
"""


@pytest.mark.parametrize("method", ["stochastic", "particles"])
def test_decay_has_the_mean_and_spread_of_the_binomial(rod, method, tmp_path):
    found = solve_copies(rod, parse_model(DECAY, Path("decay.yaml")), method, seed=1, replicas=300)
    survive, n = math.exp(-1.0), 60
    deviation = math.sqrt(n * survive * (1 - survive))
    answers = {o.name: o for o in found.observables}
    assert answers["left"].value == pytest.approx(n * survive, abs=4 * deviation / math.sqrt(300))
    assert found.spread["left"] == pytest.approx(deviation, rel=0.17)  # four standard errors of a standard deviation
    assert answers["dense"].value == pytest.approx(answers["left"].value / 0.06) and answers["dense"].unit == "molecule/um^3"
    assert "mean of 300 replicas, standard error 0.2" in answers["left"].reason
    assert (answers["highest"].status, answers["volume"].value) == ("undefined", pytest.approx(0.06))
    assert found.replicas == 300 and (found.copies["A"][:, 0] == n).all()
    write_copies(found, tmp_path / "out", pictures=method == "stochastic")
    with (tmp_path / "out" / "copies.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["mean of A (molecule)"]) == answers["left"].value
    assert float(rows[-1]["standard deviation of A (molecule)"]) == pytest.approx(found.spread["left"])
    assert (tmp_path / "out" / "copies.png").is_file() == (method == "stochastic")


def test_one_seed_gives_one_answer(rod):
    model = parse_model(DECAY, Path("decay.yaml"))
    first, again, other = (solve_copies(rod, model, "stochastic", seed=seed, replicas=3) for seed in (5, 5, 6))
    assert np.array_equal(first.copies["A"], again.copies["A"]) and not np.array_equal(first.copies["A"], other.copies["A"])


def test_the_verb_follows_molecules(rod, tmp_path, cellml, capsys):
    from cellml.io import write_mesh

    write_mesh(rod, tmp_path / "rod.vtu")
    (tmp_path / "m.yaml").write_text(DECAY)
    words = [f"mesh={tmp_path / 'rod.vtu'}", f"model={tmp_path / 'm.yaml'}", f"output={tmp_path / 'out'}"]
    given = ["method=stochastic", "replicas=4", "pictures=false", "parameters={decay_forward: 0 1/s}", "end=100 ms"]
    assert cellml("simulate", *words, *given) == 0
    with (tmp_path / "out" / "copies.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["time (s)"]) == pytest.approx(0.1) and float(rows[-1]["mean of A (molecule)"]) == 60
    assert "60 molecules, fewer than 100" in capsys.readouterr().out

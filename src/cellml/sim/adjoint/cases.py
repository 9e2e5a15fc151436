"""Gradients of a nonlinear bulk–surface model against finite differences: the cases of the verification study and of the tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from cellml.sim.analytic import ball
from cellml.sim.model_file import parse_model
from cellml.sim.simulator import Simulator

# Saturable decay, finite-site binding, both diffusions, a release, a stimulus, and densities that vary over the membrane.
MODEL = """
species:
  A: {in: "*", D: {value: 10, unit: um^2/s}, initial: {value: 1, unit: uM}}
  X: {on: membrane, D: {value: 1, unit: um^2/s}, initial: "X0*(1 + 0.3*x/r)"}
  B: {on: membrane, D: {value: 0.1, unit: um^2/s}}
parameters:
  X0: {value: 300, unit: molecule/um^2}
  r: {value: 1, unit: um}
  k_on: {value: 1, unit: 1/(uM*s)}
  k_off: {value: 0.5, unit: 1/s}
  V: {value: 2, unit: uM/s}
  K: {value: 0.5, unit: uM}
  J: {value: 400, unit: molecule/um^2/s}
stimuli:
  influx: {formula: "J*(1 + x/r)*exp(-t/(0.2*K/V))"}
reactions:
  - {name: bind, on: membrane, equation: A + X <-> B, forward: k_on, backward: k_off}
  - {name: decay, in: "*", equation: A -> 0, rate: V*A/(K + A)}
  - {name: enter, on: membrane, equation: 0 -> A, rate: influx}
releases:
  - {of: A, at: membrane, amount: {value: 1000, unit: molecule}}
%s
observables:
  - {type: amount, of: A}
  - {type: mean, of: B}
  - {type: rate, of: bind}
"""
# Diffusion, a first-order decay and a permeable wall: one factor serves all steps, forward and backward.
LINEAR = """
species:
  A: {in: "*", D: {value: 10, unit: um^2/s}, initial: {value: 1, unit: uM}}
  B: {on: membrane, D: {value: 0.1, unit: um^2/s}}
parameters:
  k: {value: 2, unit: 1/s}
  a: {value: 1, unit: um/s}
reactions:
  - {name: decay, in: "*", equation: A -> 0, rate: k*A}
  - {name: bind, on: membrane, equation: A -> B, rate: a*A}
time: {end: {value: 0.5, unit: s}, steps: 40}
observables:
  - {type: mean, of: B}
"""
BDF2 = "time: {end: {value: 0.5, unit: s}, steps: 10}"
EULER = "time: {end: {value: 0.5, unit: s}, steps: 10, scheme: backward_euler}"


@dataclass(frozen=True)
class GradientRow:
    """One kind of input: its directional derivative by the adjoint and by differences, and the order of Taylor remainders."""

    kind: str
    adjoint: float
    differences: float
    taylor_order: float

    @property
    def error(self) -> float:
        """Relative difference."""
        return abs(self.adjoint - self.differences) / abs(self.differences)


def gradient_rows(when: str = BDF2, *, refinements: int = 2, seed: int = 0) -> list[GradientRow]:
    """A row for each parameter, for the initial field of B and for the coordinates of all nodes, on a ball of 1 µm.

    Differences are central, of fourth order; Taylor remainders J(p + εd) − J(p) − ε dJ·d must fall with ε².
    """
    import torch

    mesh = ball(1000.0, refinements)
    simulator = Simulator(mesh, parse_model(MODEL % when, Path("gradients.yaml")))
    rng = np.random.default_rng(seed)
    names = list(simulator.model.parameters)
    inputs = {name: torch.tensor(value, dtype=torch.float64) for name, value in simulator.model.values().items()}
    bound = torch.from_numpy(rng.uniform(5.0, 15.0, len(simulator.nodes["B"])))
    points = torch.from_numpy(mesh.points.copy())

    def answer(p: dict[str, torch.Tensor], at: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        given = simulator(p, points=at, initial={"B": b})
        scale = {"A_amount_final": 1e-3, "B_mean_final": 1e-2, "bind_rate_final": 1e-3}
        return sum(scale[n] * course[1:].square().sum() for n, course in given.courses.items()) + 1e-6 * given.final["B"].square().sum()

    leaves = {name: value.clone().requires_grad_() for name, value in inputs.items()}
    moving, binding = points.clone().requires_grad_(), bound.clone().requires_grad_()
    by_point, by_field, *slopes = torch.autograd.grad(answer(leaves, moving, binding), [moving, binding, *leaves.values()])
    rows = []
    for name, slope in zip(names, slopes, strict=True):
        rows.append(_row(name, float(slope * inputs[name]), partial(_varied, answer, inputs, name, points, bound)))
    towards = torch.from_numpy(rng.standard_normal(len(bound)))
    rows.append(_row("initial field", float(by_field @ towards), lambda e: answer(inputs, points, bound + e * towards)))
    shift = 30.0 * torch.from_numpy(rng.standard_normal(points.shape))
    rows.append(_row("node coordinates", float((by_point * shift).sum()), lambda e: answer(inputs, points + e * shift, bound)))
    return rows


def _varied(answer: Any, inputs: dict[str, Any], name: str, points: Any, bound: Any, e: float) -> Any:
    return answer(inputs | {name: inputs[name] * (1 + e)}, points, bound)


def _row(kind: str, adjoint: float, along: Callable[[float], object]) -> GradientRow:
    @cache
    def at(e: float) -> float:
        return float(along(e).detach())  # type: ignore[attr-defined]

    here, h = at(0.0), 1e-2
    differences = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    finer = (8 * (at(h / 2) - at(-h / 2)) - (at(h) - at(-h))) / (6 * h)
    epsilons = np.array([4e-2, 2e-2, 1e-2])
    remainders = np.array([abs(at(e) - here - e * adjoint) for e in epsilons])
    order = float(np.polyfit(np.log(epsilons), np.log(remainders + 1e-300), 1)[0])
    return GradientRow(kind, adjoint, finer + (finer - differences) / 15, order)


def backward_ratio(model: str = MODEL % BDF2, *, refinements: int = 3, repeats: int = 5) -> tuple[float, float]:
    """Median CPU time of the backward pass (all parameters) over that of the forward pass, and Newton steps in a time step."""
    import torch

    simulator = Simulator(ball(1000.0, refinements), parse_model(model, Path("gradients.yaml")))
    ratios = []
    for _ in range(repeats):
        p = {name: torch.tensor(value, requires_grad=True) for name, value in simulator.model.values().items()}
        begin = time.process_time()
        total = simulator(p).courses["B_mean_final"].sum()
        middle = time.process_time()
        total.backward()
        ratios.append((time.process_time() - middle) / (middle - begin))
    assert simulator.work is not None
    return float(np.median(ratios)), simulator.work.iterations / (len(simulator.work.times) - 1)

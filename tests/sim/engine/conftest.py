"""Small pieces that the tests of the engine share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.sim.engine.conditions import conditions
from cellml.sim.engine.invariants import invariants
from cellml.sim.engine.release import release_load
from cellml.sim.engine.step import Stepper
from cellml.sim.engine.system import build_system
from cellml.sim.engine.trajectory import Plan, follow
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model


@pytest.fixture(scope="session")
def model_of() -> Callable[[str], Model]:
    """A model from the text of a file; `observables` and `time` are added where they are left out."""

    def build(text: str) -> Model:
        if "observables:" not in text:
            text += "\nobservables: [{type: volume}]\n"
        if "time:" not in text and "steady:" not in text:
            text += "\ntime: {end: {value: 1, unit: s}, steps: 10}\n"
        return parse_model(text, Path("test.yaml"))

    return build


@pytest.fixture(scope="session")
def stepper_of() -> Callable[..., Stepper]:
    """A stepper for a model on a mesh, with its conserved totals."""

    def build(mesh: Any, model: Model, solver: str = "direct") -> Stepper:
        system = build_system(mesh, model)
        held = conditions(system)
        return Stepper(system, held, model.values(), solver, invariants(system, held))

    return build


@pytest.fixture(scope="session")
def followed(stepper_of) -> Callable[..., Any]:
    """The trajectory of a model on a mesh, with times and states of every step."""

    def build(mesh: Any, model: Model, plan: Plan, solver: str = "direct") -> tuple[Any, np.ndarray, np.ndarray]:
        stepper = stepper_of(mesh, model, solver)
        times, states = [], []

        def observe(t: float, y: np.ndarray) -> None:
            times.append(t)
            states.append(y)

        load = release_load(stepper.system, stepper.values)
        follow(stepper, stepper.system.initial(stepper.values), plan, load=load, observe=observe)
        return stepper, np.array(times), np.array(states)

    return build

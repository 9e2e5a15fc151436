"""The model files of the reference cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cellml.sim.model import Model
from cellml.sim.model_file import load_model


def reference_model(name: str, **time: Any) -> Model:
    """A model of the folder `models` by name. time: fields of its `TimeCourse` to be replaced, such as steps=200."""
    model = load_model(Path(__file__).parent / "models" / f"{name}.yaml")
    if not time:
        return model
    assert model.time is not None
    return replace(model, time=replace(model.time, **time))

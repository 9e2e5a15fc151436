"""Adaptive finite elements on tetrahedral meshes: solve, estimate, mark, refine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "Adaptation": "cellml.sim.adaptive.loop",
    "Bisection": "cellml.sim.adaptive.bisection",
    "Exchange": "cellml.sim.adaptive.problem",
    "Goal": "cellml.sim.adaptive.problem",
    "Known": "cellml.sim.adaptive.loop",
    "SteadyProblem": "cellml.sim.adaptive.problem",
    "Stop": "cellml.sim.adaptive.loop",
    "adapt": "cellml.sim.adaptive.loop",
    "bisect": "cellml.sim.adaptive.bisection",
    "distance_of_labels": "cellml.sim.adaptive.projection",
    "distance_on_grid": "cellml.sim.adaptive.projection",
    "doerfler": "cellml.sim.adaptive.marking",
    "goal_estimate": "cellml.sim.adaptive.goal",
    "projecting": "cellml.sim.adaptive.loop",
    "refine_uniformly": "cellml.sim.adaptive.uniform",
    "residual_indicators": "cellml.sim.adaptive.residual",
}

if TYPE_CHECKING:
    from cellml.sim.adaptive.bisection import Bisection, bisect
    from cellml.sim.adaptive.goal import goal_estimate
    from cellml.sim.adaptive.loop import Adaptation, Known, Stop, adapt, projecting
    from cellml.sim.adaptive.marking import doerfler
    from cellml.sim.adaptive.problem import Exchange, Goal, SteadyProblem
    from cellml.sim.adaptive.projection import distance_of_labels, distance_on_grid
    from cellml.sim.adaptive.residual import residual_indicators
    from cellml.sim.adaptive.uniform import refine_uniformly

__all__ = [
    "Adaptation",
    "Bisection",
    "Exchange",
    "Goal",
    "Known",
    "SteadyProblem",
    "Stop",
    "adapt",
    "bisect",
    "distance_of_labels",
    "distance_on_grid",
    "doerfler",
    "goal_estimate",
    "projecting",
    "refine_uniformly",
    "residual_indicators",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cellml.sim.adaptive' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])

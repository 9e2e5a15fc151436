"""A time course of any model, as a differentiable function of the nodes of a mesh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from cellml.sim.errors import SimulationError
from cellml.sim.model import Model
from cellml.sim.simulator import Simulator
from cellml.types import TetMesh


@dataclass(frozen=True)
class Course:
    """The value of an observable of a model at the end of its time, or averaged over it.

    model: name of a shipped model or a model file, as for `Simulator`; of: name of an observable that is a time course; average: over the
    steps instead of the last one. In the coherent units of the engine.
    """

    model: str
    of: str
    average: bool = False

    @cached_property
    def loaded(self) -> Model:
        """The model."""
        from cellml.sim.model_file import load_model
        from cellml.sim.shipped import find_model

        return load_model(find_model(self.model))

    def __call__(self, mesh: TetMesh, points: Tensor) -> Tensor:
        """A float64 scalar. Raises SimulationError where the model does not fit the mesh or has no such observable."""
        courses = Simulator(mesh, self.loaded)(points=points).courses
        if self.of not in courses:
            raise SimulationError(f"The model {self.model!r} has no time course {self.of!r}; it has: {', '.join(courses)}.")
        course = courses[self.of][1:]
        return course.mean() if self.average else course[-1]

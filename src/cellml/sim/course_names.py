"""What time courses are called where they are shown: by what they follow, not by the one number that an observable makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from cellml.sim.engine.courses import Course, course_requests
from cellml.sim.model import Model, ObservableRequest


def shown_courses(courses: Mapping[str, Course], model: Model) -> dict[str, Course]:
    """Courses by the name that they are shown under, each series once.

    courses: by name of their observable. One whose name was not chosen is called `mean of A` instead of `A_mean_final`; another course that
    would get the same name (at another point, say) keeps that of its observable.
    """
    usual = {r.name: f"{r.type} of {r.of}" for r in course_requests(model) if r.name == _automatic_name(r)}
    shown: dict[str, Course] = {}
    for course in courses.values():
        if any(_same(course, other) for other in shown.values()):
            continue
        name = usual.get(course.name, course.name)
        name = course.name if name in shown else name
        shown[name] = replace(course, name=name)
    return shown


def _automatic_name(request: ObservableRequest) -> str:
    return f"{request.of}_{request.type}_{request.reduce}"


def _same(one: Course, other: Course) -> bool:
    return one.unit == other.unit and np.array_equal(one.values, other.values) and np.array_equal(one.times, other.times)

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cellml.sim.course_names import shown_courses
from cellml.sim.output.courses_figure import courses_figure
from cellml.sim.output.species_figure import SpeciesPanels, _scale, chosen_species, draw_fields, draw_movie
from cellml.sim.output.species_view import SpeciesView, View
from cellml.sim.output.time_axis import time_text, time_unit


@pytest.fixture(scope="module")
def view(cell):
    return View.of(cell, 120)


def test_a_section_is_painted_with_the_interpolated_values(view, cell):
    """A field that is linear in space is exact on the flat section: its picture is that of the colour map itself."""
    from matplotlib import colormaps

    inside = np.ones(len(cell.tets), bool)
    species = SpeciesView.of_compartment(view, inside)
    right = (cell.points - view.front.centre) @ view.front.right
    picture = species.picture(right, right.min(), right.max())
    middle = picture[round(0.45 * view.height), :, :]
    shown = np.flatnonzero(middle[:, 3] > 0.99)[10:-25]
    order = np.array([np.linalg.norm(colormaps["viridis"](np.linspace(0, 1, 64))[:, :3] - c, axis=1).argmin() for c in middle[shown, :3]])
    assert len(shown) > 40 and (np.diff(order) >= -1).all() and order[-1] - order[0] > 25


def test_what_a_species_does_not_reach_is_grey(view, cell):
    inner = SpeciesView.of_compartment(view, cell.regions == 2)
    picture = inner.picture(np.ones(len(cell.points)), 0.0, 1.0)
    opaque = picture[..., 3] > 0.99
    spread = np.ptp(picture[..., :3], axis=2)
    assert 0.05 < (spread[opaque] > 0.2).mean() < 0.6  # yellow of the inner box, grey around it


def test_pictures_are_written_and_the_movie_moves(solution, tmp_path):
    draw_fields(solution, tmp_path / "fields.png")
    draw_movie(solution, tmp_path / "movie.gif")
    with Image.open(tmp_path / "fields.png") as picture:
        assert min(picture.size) > 600
    with Image.open(tmp_path / "movie.gif") as movie:
        assert movie.n_frames == len(solution.dynamics.frames) == 5
        frames = []
        for k in range(movie.n_frames):
            movie.seek(k)
            frames.append(np.asarray(movie.convert("RGB"), int))
    assert all(np.abs(a - b).max() > 50 for a, b in zip(frames, frames[1:], strict=False))


@pytest.mark.parametrize(("noise", "uniform"), [(1e-9, True), (1e-3, False)])
def test_a_uniform_field_has_one_colour_and_its_value_on_the_bar_in_the_unit_of_an_observable(solution, noise, uniform):
    asked = replace(solution.model.observables[0], type="mean", name="mean", unit="molecule/um^3")
    model = replace(solution.model, observables=(asked, *solution.model.observables))
    field = 2.0 * (1 + noise * np.random.default_rng(0).random(len(solution.mesh.points)))
    panels = SpeciesPanels(replace(solution, model=model), ["Ca"], {"Ca": _scale([field])}, 40)
    even = panels.picture("Ca", {"Ca": np.full(len(field), 2.0)})
    assert np.array_equal(panels.picture("Ca", {"Ca": field}), even) is uniform
    label = panels.figure.axes[1].get_ylabel()
    assert label == ("uniform: 1204 molecule/µm³" if uniform else "molecule/µm³")


def test_at_most_four_species_are_drawn_those_that_change_most(solution):
    flat = {name: np.ones(3) for name in solution.dynamics.system.slices}
    moving = {**flat, "store": np.array([1.0, np.nan, 9.0])}
    assert chosen_species(solution, [flat, moving]) == ["Ca", "store", "R"]


def test_courses_stand_once_with_time_in_a_unit_that_fits(solution):
    figure = courses_figure(shown_courses(solution.courses, solution.model))
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    assert titles == ["amount of Ca", "receptors", "amount of store", "amount of R"]
    assert {axes.get_xlabel() for axes in figure.axes if axes.get_visible()} == {"time (ms)"}
    assert figure.axes[1].get_ylabel() == "molecule/µm²"


@pytest.mark.parametrize(
    ("longest", "name"), [(1e-12, "ns"), (2e-5, "µs"), (0.02, "ms"), (1.0, "s"), (100.0, "s"), (600.0, "min"), (1e5, "h")]
)
def test_times_have_a_unit_that_makes_them_readable(longest, name):
    assert time_unit(longest)[1] == name
    assert time_text(longest).endswith(f" {name}")


def test_a_steady_state_has_fields_but_no_courses(solution, cell, tmp_path):
    from cellml.sim.results import write_results
    from cellml.sim.solve import solve_model

    model = replace(solution.model, time=None, steady=True, reactions=solution.model.reactions[:1])
    write_results(solve_model(cell, model, errors="never"), tmp_path / "out")
    present = {p.name for p in (tmp_path / "out").iterdir()}
    assert {"fields.png", "volume.xdmf", "series.pvd"} <= present and not {"courses.csv", "courses.png", "movie.gif"} & present


def test_a_short_peak_in_an_even_field_is_not_uniform():
    moments = [np.zeros(4) for _ in range(9)] + [np.array([0.0, 0.0, 0.0, 3.0])]
    scale = _scale(moments)
    assert (scale.low, scale.high, scale.uniform) == (0.0, 3.0, False)

"""Pictures of species in the shape: one panel each, with its colour bar, at one moment or as a movie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.figure_style import figure_style, literal, new_figure
from cellml.report.markup import unit_text
from cellml.report.picture_frame import axes_cross, scale_bar
from cellml.sim.model import Model
from cellml.sim.output.series_data import system_of
from cellml.sim.output.species_view import MAP, SpeciesView, View
from cellml.sim.output.stage import Stage
from cellml.sim.output.time_axis import time_text
from cellml.sim.quantities import Quantity
from cellml.sim.solve import Solution, concentrations, unit_of_species

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIELDS, MOVIE = "fields.png", "movie.gif"
_MOST = 4  # species in a figure: those that change or vary most
_DPI, _MOVIE_DPI, _INCHES = 150, 80, 4.2
_FRAME_MS, _LAST_MS = 120, 1500

_UNIFORM = 1e-6  # share of the largest value below which differences are round-off
_CONCENTRATIONS = ("mean", "minimum", "maximum", "concentration")

Fields = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Scale:
    """Ends of the colour map: the lowest value, and the 80th percentile over moments of the highest; never equal.

    uniform: the values differ by no more than round-off, and have the colour of the middle.
    """

    low: float
    high: float
    uniform: bool = False

    @property
    def middle(self) -> float:
        """Half way between the ends."""
        return 0.5 * (self.low + self.high)


@dataclass
class SpeciesPanels:
    """A figure of species whose pictures can be exchanged, moment by moment."""

    solution: Solution
    names: Sequence[str]
    scales: Mapping[str, Scale]
    dpi: int
    figure: Figure = field(init=False)
    images: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        view = View.of(self.solution.mesh, round(_INCHES * self.dpi))
        self._views = {name: _view(self.solution, view, name) for name in self.names}
        columns = 1 if len(self.names) == 1 else 2
        rows = -(-len(self.names) // columns)
        with figure_style():
            self.figure = new_figure(columns * (_INCHES + 0.9), rows * (_INCHES * view.height / view.pixels + 0.35) + 0.35)
            self.figure.set_dpi(self.dpi)
            grid = self.figure.subplots(rows, columns, squeeze=False)
            for name, axes in zip(self.names, grid.flat, strict=False):
                self._panel(axes, name, view)
            for axes in list(grid.flat)[len(self.names) :]:
                axes.set_visible(False)
            self._title = self.figure.suptitle(" ", fontsize=10, x=0.01, ha="left")

    def _panel(self, axes: Any, name: str, view: View) -> None:
        from matplotlib import colormaps
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import ListedColormap, Normalize

        scale = self.scales[name]
        blank = np.zeros((view.height, view.pixels, 4))
        self.images[name] = axes.imshow(blank, extent=view.frame.extent, interpolation="antialiased")
        axes.set_title(literal(name))
        axes.axis("off")
        scale_bar(axes, view.frame)
        axes_cross(axes, view.pose, view.frame)
        unit, factor = shown_unit(self.solution.model, name)
        colours = ListedColormap([colormaps[MAP](0.5)]) if scale.uniform else colormaps[MAP]
        norm = Normalize(factor * scale.low, factor * scale.high)
        bar = self.figure.colorbar(ScalarMappable(norm, colours), ax=axes, shrink=0.8, pad=0.02, aspect=22)
        bar.set_label(f"uniform: {factor * scale.middle:.4g} {unit_text(unit)}" if scale.uniform else unit_text(unit), fontsize=8)
        bar.ax.ticklabel_format(axis="y", style="sci", scilimits=(-3, 5), useMathText=True, useOffset=False)
        bar.ax.tick_params(labelsize=7.5, length=2)
        bar.ax.yaxis.get_offset_text().set_fontsize(7.5)
        if scale.uniform:
            bar.set_ticks([])
        bar.outline.set_linewidth(0.4)

    def show(self, fields: Fields, title: str) -> None:
        """Paint the species of a moment."""
        for name, image in self.images.items():
            image.set_data(self.picture(name, fields))
        self._title.set_text(literal(title))

    def picture(self, name: str, fields: Fields) -> NDArray[np.floating]:
        """Red, green, blue and opacity of one species at a moment."""
        scale = self.scales[name]
        values = np.full_like(fields[name], scale.middle) if scale.uniform else fields[name]  # round-off is no pattern
        return self._views[name].picture(values, scale.low, scale.high)


def draw_fields(solution: Solution, path: Path) -> None:
    """The species at the end, as a PNG file."""
    last = max(solution.series)
    names = chosen_species(solution, [solution.series[t] for t in sorted(solution.series)])
    panels = SpeciesPanels(solution, names, {name: _scale([solution.series[last][name]]) for name in names}, _DPI)
    when = f"at {time_text(last)}" if np.isfinite(last) else "in the steady state"
    panels.show(solution.series[last], f"{solution.model.name} in {solution.mesh.name}, {when}")
    with figure_style():
        panels.figure.savefig(path, format="png", dpi=_DPI)


def draw_movie(solution: Solution, path: Path) -> None:
    """The species in time, as an animated GIF; one colour scale over all frames, whose end is passed only by short peaks."""
    assert solution.dynamics is not None
    system = system_of(solution)
    frames = {t: concentrations(system, y) for t, y in solution.dynamics.frames.items()}
    names = chosen_species(solution, list(frames.values()))
    scales = {name: _scale([fields[name] for fields in frames.values()]) for name in names}
    panels = SpeciesPanels(solution, names, scales, _MOVIE_DPI)
    stage, end = Stage(panels.figure, panels.images), max(frames)
    pictures = []
    for t, fields in frames.items():
        shown = {name: panels.picture(name, fields) for name in names}
        pictures.append(stage.frame(shown, f"{solution.model.name} in {solution.mesh.name}, t = {time_text(t, of=end)}"))
    durations = [_FRAME_MS] * (len(pictures) - 1) + [_LAST_MS]
    pictures[0].save(path, format="GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=False)


def chosen_species(solution: Solution, moments: Sequence[Fields]) -> list[str]:
    """At most four species, in the order of the model: those that change most in space and time, as a share of their largest value."""

    def change(name: str) -> float:
        low, high = (f([f(fields[name][np.isfinite(fields[name])]) for fields in moments]) for f in (np.min, np.max))
        return float((high - low) / high) if high > 0 else 0.0

    names = list(system_of(solution).slices)
    kept = sorted(names, key=change, reverse=True)[:_MOST]
    return [name for name in names if name in kept]


def _view(solution: Solution, view: View, name: str) -> SpeciesView:
    system = system_of(solution)
    space, place = system.space_of(name), solution.model.species[name].place
    if not space.bulk:
        return SpeciesView.of_membrane(view, space.corners)
    return SpeciesView.of_compartment(view, system.places.tets_of(solution.model.compartments[place]))


def shown_unit(model: Model, species: str) -> tuple[str, float]:
    """The unit of concentration that an observable of a species asks for first, else the usual one; and the factor from the usual one."""
    usual = unit_of_species(model, species)
    asked = (r.unit for r in model.observables if r.of == species and r.type in _CONCENTRATIONS and r.unit)
    unit = next(asked, usual)
    return unit, Quantity(1.0, usual).to(unit)


def _scale(moments: Sequence[NDArray[np.float64]]) -> Scale:
    low, highest = min(float(np.nanmin(values)) for values in moments), [float(np.nanmax(values)) for values in moments]
    top, high = max(highest), float(np.percentile(highest, 80))
    if top - low <= _UNIFORM * max(abs(top), abs(low)):
        aside = max(1e-3 * abs(low), 1e-12)
        return Scale(low - aside, low + aside, uniform=True)
    return Scale(low, high if high - low > _UNIFORM * max(abs(high), abs(low)) else top)

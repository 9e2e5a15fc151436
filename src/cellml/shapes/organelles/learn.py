"""Learning a distribution of organelles from labelled examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.count import fit_count
from cellml.shapes.organelles.distribution import Distribution
from cellml.shapes.organelles.frame import frame_of
from cellml.shapes.organelles.host import Host
from cellml.shapes.organelles.objects import Objects, objects_of
from cellml.shapes.organelles.outlines import FACETS, outline
from cellml.shapes.organelles.placement import Examples, Placement, UniformPlacement, examples_of, joined
from cellml.shapes.organelles.sources import ObservedShapes, fit_size
from cellml.types import Labels, Surface

Fit = Callable[[Examples], Placement]

_MOST_SHAPES = 150  # surfaces kept: more say nothing new of a kind


@dataclass(frozen=True, eq=False)
class Example:
    """organelles: instances; host: what they lie in, None where that is not known, and then nothing is learned of where they lie."""

    organelles: Labels
    host: Host | None = None


def learn(name: str, examples: Sequence[Example], *, fit: Fit | None = None, facets: int = FACETS, seed: int = 0) -> Distribution:
    """Number, size, shape and place of one kind.

    Sizes and shapes are those of objects clear of the border of their volume; numbers count the centres in each host or, where there are
    fewer than three, in eighths of it; places are learned by `fit` from all centres inside the frames. facets: of the surfaces that are
    kept. Raises CellmlError where no object is whole, and as `objects_of`, `examples_of` and `fit` do.
    """
    if not examples:
        raise CellmlError(f"There is no example of {name!r} to learn from.")
    found = [objects_of(example.organelles) for example in examples]
    whole = sum(int(objects.whole.sum()) for objects in found)
    total = sum(len(objects) for objects in found)
    if whole == 0:
        raise CellmlError(f"All {total} objects of {name!r} touch the border of their volume; sizes and shapes need whole ones.")
    notes = [f"{total} objects in {len(examples)} volumes, of which {total - whole} touch the border and give neither size nor shape"]
    size = fit_size(np.concatenate([objects.volumes[objects.whole] for objects in found]))
    shapes = ObservedShapes(tuple(_shapes(name, examples, found, facets, seed)))
    counts, volumes = _regions(examples, found)
    placement: Placement = UniformPlacement()
    framed = [(e, o) for e, o in zip(examples, found, strict=True) if e.host is not None]
    if framed and fit is not None:
        places = examples_in(framed, seed)
        placement = fit(places)
        notes.append(f"places of {len(places)} centres in {len(framed)} hosts; {places.left_out} lie in no host")
    return Distribution(name, shapes, size, fit_count(counts, volumes), placement, tuple(notes))


def examples_in(framed: Sequence[tuple[Example, Objects]], seed: int = 0, places: int = 256) -> Examples:
    """Centres of objects in the frames of their hosts, as `examples_of` gives them, hosts numbered in their order."""
    parts = []
    for number, (example, objects) in enumerate(framed):
        assert example.host is not None
        sizes = np.log(objects.volumes)
        frame = frame_of(example.host)
        parts.append(examples_of(frame, objects.centres, sizes, objects.balls, places=places, seed=seed + number, group=number))
    return joined(parts)


def _shapes(name: str, examples: Sequence[Example], found: Sequence[Objects], facets: int, seed: int) -> list[Surface]:
    """Outlines of at most 150 whole objects, drawn evenly from all."""
    every = [(k, row) for k, objects in enumerate(found) for row in np.flatnonzero(objects.whole).tolist()]
    chosen = np.sort(np.random.default_rng(seed).permutation(len(every))[:_MOST_SHAPES])
    surfaces = []
    for k, row in (every[i] for i in chosen.tolist()):
        labels, box = examples[k].organelles, found[k].boxes[row]
        mask = np.pad(labels.data[box] == found[k].numbers[row], 1)
        surfaces.append(outline(mask, labels.spacing, facets, f"{name}_{found[k].numbers[row]}"))
    return surfaces


def _regions(examples: Sequence[Example], found: Sequence[Objects]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Numbers of centres and volumes (nm³) of regions: whole hosts or volumes, or their eighths where there are fewer than three."""
    halved = len(examples) < 3
    counts, volumes = [], []
    for example, objects in zip(examples, found, strict=True):
        mask, spacing, origin = _countable(example)
        place = np.round((objects.centres[:, ::-1] - np.array(origin)) / np.array(spacing)).astype(int)
        within = ((place >= 0) & (place < mask.shape)).all(axis=1)
        place = place[within][mask[tuple(place[within].T)]]
        cuts = [[0, n // 2, n] if halved else [0, n] for n in mask.shape]
        for cell in product(*(range(len(cut) - 1) for cut in cuts)):
            low, high = (np.array([cut[c + step] for cut, c in zip(cuts, cell, strict=True)]) for step in (0, 1))
            volume = float(mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].sum()) * float(np.prod(spacing))
            if volume > 0:
                counts.append(int(((place >= low) & (place < high)).all(axis=1).sum()))
                volumes.append(volume)
    return np.array(counts), np.array(volumes)


def _countable(example: Example) -> tuple[NDArray[np.bool_], tuple[float, ...], tuple[float, ...]]:
    host = example.host
    if host is None:
        return np.ones(example.organelles.shape, bool), example.organelles.spacing, example.organelles.origin
    mask = host.inside & ~host.inner if host.solid else host.inside
    return mask if host.window is None else mask & host.window, host.spacing, host.origin

"""Do repairs invent membranes that were taken out of the truth, and do they keep objects that no network was trained on?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from classical import choose, run
from conditions import Condition
from learned import checkpoints, repairs
from numpy.typing import NDArray
from specimens import specimen

from cellml.metrics.hallucination import expressed_shares, painted_out
from cellml.report.rows import append_row, read_rows
from cellml.tomography.simulate import simulate_tilts
from cellml.types import TiltSeries, Volume

TABLE = Path(__file__).parent / "hallucination.csv"
CONDITION = Condition("fib25", snr=10.0)
OBJECTS, RADIUS, APART = 24, 8, 26  # pieces of membrane; voxels of the balls they are cut from, and between their centres
SHELL_RADIUS, SHELL_WIDTH, SHELL_DENSITY = 6.0, 1.5, 3.0  # a hollow ball: voxels, and deviations of the tissue's grey values
CLASSICAL = ("sirt_subsets", "sirt", "tv", "wiener")

Floats = NDArray[np.float32]
Masks = list[NDArray[np.bool_]]


def places(volume: Volume, scored: tuple[slice, slice, slice], *, dense: bool, seed: int) -> NDArray[np.int64]:
    """Centres (N, 3) well within the scored part, drawn evenly from membranes (dense) or from cytoplasm, none near another."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(volume.data, 1.0)
    allowed = np.zeros(volume.shape, bool)
    inner = tuple(slice(range(n)[s].start + 12, range(n)[s].stop - 12) for s, n in zip(scored, volume.shape, strict=True))
    allowed[inner] = True
    candidates = np.argwhere(allowed & ((smooth > 1.2) if dense else (np.abs(smooth) < 0.5)))
    chosen: list[NDArray[np.int64]] = []
    for candidate in np.random.default_rng(seed).permutation(candidates):
        if all(np.linalg.norm(candidate - other) >= APART for other in chosen):
            chosen.append(candidate)
        if len(chosen) == OBJECTS:
            break
    return np.array(chosen)


def distance(shape: tuple[int, int, int], centre: NDArray[np.int64]) -> Floats:
    """Voxels from a centre, (Z, Y, X)."""
    axes = [np.arange(n, dtype=np.float32) - c for n, c in zip(shape, centre, strict=True)]
    return np.sqrt(axes[0][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + axes[2][None, None, :] ** 2)


def without_membranes() -> tuple[Volume, Volume, Masks]:
    """The tissue without and with pieces of membrane, and where they were."""
    from scipy.ndimage import binary_dilation, gaussian_filter

    found = specimen(CONDITION.specimen)
    dense = gaussian_filter(found.volume.data, 0.7) > 0.7
    centres = places(found.volume, found.scored, dense=True, seed=1)
    masks = [binary_dilation(dense & (distance(found.volume.shape, c) < RADIUS)) for c in centres]
    less = painted_out(found.volume.data, masks, ~binary_dilation(dense), seed=2)
    return Volume(less, found.volume.spacing, name="without membranes"), found.volume, masks


def with_shells() -> tuple[Volume, Volume, Masks]:
    """The tissue without and with hollow balls, and where they are."""
    found = specimen(CONDITION.specimen)
    centres = places(found.volume, found.scored, dense=False, seed=3)
    masks = [distance(found.volume.shape, c) < SHELL_RADIUS + SHELL_WIDTH for c in centres]
    more = found.volume.data.copy()
    for centre in centres:
        more[np.abs(distance(more.shape, centre) - SHELL_RADIUS) < SHELL_WIDTH / 2] = SHELL_DENSITY
    return found.volume, Volume(more, found.volume.spacing, name="with shells"), masks


def volumes(series: TiltSeries, depth: int, done: set[str]) -> Iterator[tuple[str, Floats]]:
    """Reconstructions and repairs that have no rows yet."""
    for method in CLASSICAL:
        if method not in done:
            yield method, run(method, series, depth, choose(CONDITION, method))
    for path in checkpoints():
        if f"{path.stem}+tilts" not in done:
            yield from ((n, v) for n, v in repairs(path, series, depth, CONDITION) if n not in done)


def main() -> None:
    """A row for each method and object: what share of its pattern the reconstruction shows."""
    for test, make in (("removed membrane", without_membranes), ("unknown shell", with_shells)):
        less, more, masks = make()
        done = {r["method"] for r in read_rows(TABLE) if r["test"] == test and int(r["object"]) == len(masks) - 1}
        shown = less if test == "removed membrane" else more
        series = simulate_tilts(shown, CONDITION.tilts, snr=CONDITION.snr, support=np.ones(shown.shape, bool), seed=4)
        part = specimen(CONDITION.specimen).part
        inside = [part(m.astype(np.float32)) > 0 for m in masks]
        for method, volume in volumes(series, less.shape[0], done):
            shares = expressed_shares(part(volume), part(less.data), part(more.data), inside)
            for number, share in enumerate(shares):
                append_row(TABLE, {"test": test, "method": method, "object": number, "share": round(share, 4)})

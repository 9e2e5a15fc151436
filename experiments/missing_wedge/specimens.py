"""Truth to project: cells made by code, and FIB-SEM tissue in its real structure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from conditions import ROTATION_DEGREES, SHIFT_PIXELS, Condition
from numpy.typing import NDArray

from cellml.data.blocks import Block, OpenBlock
from cellml.data.tomography_phantom import cell_phantom
from cellml.metrics.grey_fit import grey_fit
from cellml.tomography.misalignment import Misalignment
from cellml.tomography.simulate import simulate_tilts
from cellml.types import TiltSeries, Volume

ROWS = {"y": (96, 160)}  # along the tilt axis, of blocks of 256³
VALIDATION_ROWS = {"y": (96, 120)}
SPACING_NM = (10.0, 10.0, 10.0)


@dataclass(frozen=True, eq=False)
class Specimen:
    """volume: what is projected, density where the specimen is dense; scored: the part whose repair is judged, seen at every tilt;
    support: voxels of the specimen; in_vacuum: whether there is nothing around it.
    """

    volume: Volume
    scored: tuple[slice, slice, slice]
    support: NDArray[np.bool_]
    in_vacuum: bool = False

    def part(self, data: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scored part of a volume (Z, Y, X)."""
        return np.ascontiguousarray(data[self.scored], np.float32)

    def judged(self, data: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Truth and image of the scored part. A cell in vacuum is known to end within the cylinder that every tilt sees: beyond it, where
        some methods write zeros and others streaks, the image is taken to be right, whatever the method.
        """
        truth, image = self.part(self.volume.data), self.part(data)
        if self.in_vacuum:
            z, x = (np.linspace(-1, 1, n) for n in (truth.shape[0], truth.shape[2]))
            inside = np.broadcast_to(np.hypot(z[:, None, None], x[None, None, :]) <= 1, truth.shape)
            fit = grey_fit(truth[inside][None], image[inside][None])
            image = np.where(inside, fit.apply(image), truth)
        return truth, image


@cache
def specimen(name: str) -> Specimen:
    """phantom, phantom-validation: a cell within 127 × 64 × 127 voxels, whole. fib25, fib25-validation: 256 × 64 × 256 voxels of tissue,
    its middle 128 × 64 × 128 scored. No network was trained on any of them; numbers of iterations and weights are chosen on -validation,
    other cells and another block, of fewer rows.
    """
    if name.startswith("phantom"):
        validation = name.endswith("validation")
        volume, labels = cell_phantom((127, 32 if validation else 64, 127), seed=201 if validation else 101)
        return Specimen(volume, (slice(None),) * 3, labels.data > 0, in_vacuum=True)
    volume = tissue("fib25_valraw_A", VALIDATION_ROWS) if name.endswith("validation") else tissue("fib25_valraw_B", ROWS)
    middle = slice(64, 192)
    return Specimen(volume, (middle, slice(None), middle), np.ones(volume.shape, bool))


def tissue(data: str, region: dict[str, tuple[int, int]] | None = None) -> Volume:
    """A block of FIB-25 with dense membranes positive: grey values turned over, their mean taken off and their deviation made 1.

    Taking off the mean leaves out what a slab of tissue adds alike to all rays of a tilt: the signal of SNR is structure.
    """
    block = OpenBlock(Block(data, region=region or {}, spacing_nm=SPACING_NM), need_labels=False)
    raw = block.read_raw().astype(np.float32)
    return Volume((raw.mean() - raw) / raw.std(), block.spacing, name=data)


def tilt_series(condition: Condition) -> TiltSeries:
    """The specimen projected under a condition."""
    found = specimen(condition.specimen)
    rng = np.random.default_rng([condition.seed, 7])
    count = len(condition.tilts)
    moved = Misalignment.drawn(count, rng, shift=SHIFT_PIXELS, rotation=ROTATION_DEGREES) if condition.misaligned else None
    return simulate_tilts(found.volume, condition.tilts, snr=condition.snr, misalignment=moved, support=found.support, seed=condition.seed)

"""What a tilt series leaves of the block: projected with its surroundings, reconstructed, and where asked for repaired by a network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tissue import COLUMNS, SPACING_NM, grey_values

from cellml.tomography.simulate import simulate_tilts
from cellml.tomography.wiener import wiener
from cellml.types import TiltSeries, Volume

HERE = Path(__file__).parent
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Wedge:
    """half_range: degrees of the largest tilt, 90 measures everything; step: degrees; snr: of the projections, inf without noise; method:
    "wiener" or "repaired"; margin: voxels; seed: of the noise.
    """

    half_range: int
    snr: float
    method: str = "wiener"
    step: int = 3
    margin: int = 48
    seed: int = 0

    @property
    def key(self) -> tuple[str, ...]:
        """As it stands in a row of a table."""
        return (str(self.half_range), f"{self.snr:g}", self.method)

    @property
    def tilts(self) -> NDArray[np.float64]:
        """(N,) degrees; −90° to below 90° where everything is measured, which is once."""
        end = self.half_range - (0.5 * self.step if self.half_range == 90 else 0.0)
        return np.arange(-self.half_range, end + 1e-9, self.step, dtype=float)

    @property
    def title(self) -> str:
        """For a reader."""
        noise = f"SNR {self.snr:g}" if isfinite(self.snr) else "no noise"
        return f"±{self.half_range}°, {noise}" + (", repaired" if self.method == "repaired" else "")


KEY = ("half_range", "snr", "method")


def conditions(config: Any) -> list[Wedge]:
    """All of wedge.yaml: of each noise all ranges, then repairs."""
    more = {"step": config.step, "margin": config.margin, "seed": config.seed}
    plain = [Wedge(half, float(snr), **more) for snr in config.snr for half in config.half_ranges]
    repair = config.repair
    return plain + [Wedge(half, float(snr), "repaired", **more) for snr in repair.snr for half in repair.half_ranges]


@cache
def surroundings(margin: int) -> Volume:
    """The block (170, 200, 82) with `margin` voxels on both sides in x, its neighbours on the left and its mirror image on the right.

    Dense membranes are positive, the mean is taken off and the deviation made 1: the signal of SNR is structure.
    """
    grey = grey_values((COLUMNS[0] - margin, COLUMNS[1])).data
    dense = (grey.mean() - grey) / grey.std()
    return Volume(np.pad(dense, ((0, 0), (0, 0), (0, margin)), mode="symmetric"), SPACING_NM, name="FIB-25")


def image(one: Wedge, config: Any) -> Floats:
    """The block (170, 200, 82) as the series shows it, membranes dark as the segmenter knows them."""
    whole = surroundings(one.margin)
    series = simulate_tilts(whole, one.tilts, snr=one.snr, support=np.ones(whole.shape, bool), seed=one.seed)
    depth, network = whole.shape[0], HERE / config.repair.checkpoint
    dense = wiener(series, depth).data if one.method == "wiener" else repaired(series, depth, network)
    return np.asarray(-dense[:, :, one.margin : -one.margin], np.float32)


def repaired(series: TiltSeries, depth: int, checkpoint: Path) -> Floats:
    """What a network makes of the reconstruction, made consistent with the projections, as `cellml infer` writes of a tilt series."""
    from cellml.checkpoint import load
    from cellml.infer.repair_series import reconstructions
    from cellml.tomography.tilt_return import tilts_returned

    model = load(checkpoint)
    answer = np.asarray(model.task.predict_volume(reconstructions(series, depth, model.contract))[0], np.float32)
    return np.asarray(tilts_returned(Volume(answer, SPACING_NM), series).data, np.float32)

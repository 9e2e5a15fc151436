"""Errors of a tilt series drawn from ranges: random draws the parameters, `degraded` applies them (Pérez-García et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cellml.errors import CellmlError
from cellml.imaging.artefacts.random import Range, log_uniform, number_range
from cellml.tomography.defocus import Optics, PhaseContrast, ScannedProbe
from cellml.tomography.misalignment import Misalignment
from cellml.tomography.noise import Exposure, Slab
from cellml.tomography.simulate import TiltErrors


class RandomTiltErrors:
    """Draws `TiltErrors` for a series of any number of projections.

    Each range is one number or [least, most]. shift: greatest displacement of a projection in pixels; axis: greatest error of the tilt
    axis in degrees; rotation: greatest of each projection beside it; magnification: greatest departure from 1; snr and electrons (per Å²
    and projection): drawn evenly on a logarithmic scale, null for none; contrast, thickness_nm, mean_free_path_nm: of Exposure and Slab,
    the latter null for none; optics: whose defocus is drawn from defocus_nm where that is given. Raises CellmlError for
    numbers out of range.
    """

    def __init__(
        self,
        snr: Range | None = (0.5, 20.0),
        shift: Range = (0.0, 2.0),
        axis: Range = 0.0,
        rotation: Range = 0.0,
        magnification: Range = 0.0,
        electrons: Range | None = None,
        contrast: Range = 0.1,
        thickness_nm: Range | None = None,
        mean_free_path_nm: float = 300.0,
        optics: Optics | None = None,
        defocus_nm: Range | None = None,
    ) -> None:
        self.snr = None if snr is None else number_range(snr, "snr", 1e-6)
        self.misalignment = {
            name: number_range(value, name, 0.0, most)
            for name, value, most in (
                ("shift", shift, np.inf),
                ("axis", axis, 180.0),
                ("rotation", rotation, 180.0),
                ("magnification", magnification, 0.9),
            )
        }
        self.electrons = None if electrons is None else number_range(electrons, "electrons", 1e-9)
        self.contrast = number_range(contrast, "contrast", 1e-6, 2.0)
        self.thickness_nm = None if thickness_nm is None else number_range(thickness_nm, "thickness_nm")
        self.mean_free_path_nm, self.optics = mean_free_path_nm, optics
        self.defocus_nm = None if defocus_nm is None else number_range(defocus_nm, "defocus_nm", -1e6, 1e6)
        if self.defocus_nm is not None and not isinstance(optics, PhaseContrast | ScannedProbe):
            raise CellmlError("defocus_nm is drawn for optics=PhaseContrast or ScannedProbe; give one of them.")

    def draw(self, count: int, seed: int, field: Sequence[int] | None = None) -> TiltErrors:
        """Errors of `count` projections; equal seeds give equal errors. field: as in TiltErrors, not drawn."""
        rng = np.random.default_rng(seed)
        most = {name: float(rng.uniform(*bounds)) for name, bounds in self.misalignment.items()}
        optics = self.optics
        if self.defocus_nm is not None and isinstance(optics, PhaseContrast | ScannedProbe):
            optics = replace(optics, defocus_nm=float(rng.uniform(*self.defocus_nm)))
        return TiltErrors(
            optics,
            Misalignment.drawn(count, rng, **most) if any(most.values()) else None,
            None if field is None else (int(field[0]), int(field[1])),
            None if self.thickness_nm is None else Slab(float(rng.uniform(*self.thickness_nm)), self.mean_free_path_nm),
            None if self.electrons is None else Exposure(log_uniform(rng, self.electrons), float(rng.uniform(*self.contrast))),
            None if self.snr is None else log_uniform(rng, self.snr),
            int(rng.integers(2**31)),
        )

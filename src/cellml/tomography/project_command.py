"""The verb `project`: a volume in, the tilt series that a microscope would record of it out."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

if TYPE_CHECKING:
    from cellml.tomography.misalignment import Misalignment

log = logging.getLogger(__name__)


def project_file(
    input: str,
    output: str,
    range: Sequence[float] = (-60.0, 60.0),
    step: float = 2.0,
    angles: Any = None,
    pretilt: float = 0.0,
    snr: float | None = None,
    dose: float | None = None,
    contrast: float = 0.1,
    thickness_nm: float | None = None,
    mean_free_path_nm: float = 300.0,
    shift: float = 0.0,
    axis: float = 0.0,
    rotation: float = 0.0,
    magnification: float = 0.0,
    optics: Mapping[str, Any] | None = None,
    field: Sequence[int] | None = None,
    seed: int = 0,
    errors: str | None = None,
    spacing_nm: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Project a volume and write the tilt series with its angles.

    input: a volume, `FILE.npz:NAME` or a known data set's name; output: .st, .mrc or another stack, beside which NAME.tlt is written;
    range, step: degrees; angles: numbers or an angle file instead; snr, dose (electrons per Å² and projection), contrast, thickness_nm,
    mean_free_path_nm: see `cellml.tomography.noise`; shift (pixels), axis, rotation (degrees), magnification: greatest errors, drawn
    evenly; optics: as `_target_` and arguments; errors: a .json to which the misalignment that was drawn is written. Returns the number
    of projections and seconds. Raises CellmlError for a volume that cannot be projected and for numbers out of range.
    """
    from hydra.utils import instantiate

    from cellml.data.references import resolve
    from cellml.io import read_volume, write_json, write_tilts
    from cellml.io.overlap import require_apart
    from cellml.io.tilt_kind import require_volume_file
    from cellml.tomography.misalignment import Misalignment
    from cellml.tomography.noise import Exposure, Slab
    from cellml.tomography.simulate import simulate_tilts

    begin = time.perf_counter()
    if seed < 0:
        raise CellmlError(f"seed={seed} must be a whole number, 0 or more.")
    reference, warning = resolve(input, "image")
    require_apart(output, reference)
    require_volume_file(reference)
    if warning:
        log.warning(warning)
    chosen = tilt_angles(range, step, angles)
    rng = np.random.default_rng([seed, 1])  # apart from the noise, so that the same shifts can be had at another SNR
    drawn = (
        Misalignment.drawn(len(chosen), rng, shift, axis, rotation, magnification) if any((shift, axis, rotation, magnification)) else None
    )
    series = simulate_tilts(
        read_volume(reference, spacing_nm=spacing_nm),
        chosen,
        snr=snr,
        dose=None if dose is None else Exposure(dose, contrast),
        misalignment=drawn,
        defocus=None if optics is None else instantiate(dict(optics), _convert_="all"),
        slab=None if thickness_nm is None else Slab(thickness_nm, mean_free_path_nm),
        field=field,
        pretilt=pretilt,
        seed=seed,
    )
    write_tilts(series, output)
    if errors is not None:
        write_json(errors, _record(chosen, drawn))
    seconds = time.perf_counter() - begin
    log.info("%s: %d projections of %d × %d pixels in %.1f s", output, *series.data.shape, seconds)
    return {"output": output, "projections": len(chosen), "seconds": seconds}


def tilt_angles(range: Sequence[float], step: float, angles: Any) -> NDArray[np.float64]:
    """Angles (N,) in degrees: given ones (numbers or an angle file), or from range[0] to range[1] in steps, both ends included.

    Raises CellmlError for a range that is empty, turned round or beyond ±180°, a step that is not positive, more than 100,000 angles, and
    angles that are no numbers.
    """
    if isinstance(angles, str):
        from cellml.io.tilt_angles import read_angles

        return read_angles(angles)
    if angles is not None:
        return _given(angles)
    if len(range) != 2 or not np.isfinite([*range, step]).all() or not range[0] < range[1] or step <= 0:
        raise CellmlError(f"range={list(range)}, step={step:g} make no tilt series; give range=[-60,60] step=2, for example.")
    if max(abs(range[0]), abs(range[1])) > 180:
        raise CellmlError(f"range={list(range)} goes beyond ±180°, where tilts repeat; give range=[-60,60], for example.")
    count = int(np.floor((range[1] - range[0]) / step + 1e-6)) + 1
    if count > 100_000:
        raise CellmlError(f"range={list(range)} in steps of {step:g}° are {count} projections; give a larger step.")
    return np.asarray(range[0] + step * np.arange(count))


def _given(angles: Any) -> NDArray[np.float64]:
    """Angles as the user wrote them. Raises CellmlError for what is no list of finite numbers."""
    try:
        found = np.asarray(angles, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        found = np.zeros(0)
    if not found.size or not np.isfinite(found).all():
        raise CellmlError(f"angles={angles} must be finite numbers in degrees, as in angles=[-60,0,60], or the name of an angle file.")
    return found


def _record(angles: NDArray[np.float64], drawn: Misalignment | None) -> dict[str, Any]:
    """What was done to each projection, as plain numbers."""
    from cellml.tomography.misalignment import Misalignment

    errors = drawn or Misalignment.of(len(angles))
    return {
        "angles_deg": angles.tolist(),
        "shifts_vu_px": errors.shifts.tolist(),
        "rotations_deg": errors.rotations.tolist(),
        "magnifications": errors.magnifications.tolist(),
    }

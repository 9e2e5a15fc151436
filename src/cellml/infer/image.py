"""Prediction of images: float volumes with named channels, in the units of what was predicted."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

log = logging.getLogger(__name__)


def require_image_options(name: str, *, probabilities: bool, decode: object) -> None:
    """Raise CellmlError for options that only predictions of labels have."""
    if probabilities or decode is not None:
        given = "probabilities=true" if probabilities else "decode"
        raise CellmlError(f"{name} predicts images, which have no {'probabilities' if probabilities else 'decoder'}; leave {given} out.")


def predict_image(task: Any, window: Any, image: Any, name: str, output: str, contract: Mapping[str, Any]) -> dict[str, Any]:
    """Write what an image task predicts, slab by slab, as float32 with axes CZYX (TCZYX with times) and the target's channel names.

    Values are in the units of the training targets: v · scale + shift of the contract's `outputs`; predicted scales, in the same units,
    are not shifted. A target with `input_units` predicts its own input, such as a denoised one, and is written in that one's units.
    Returns seconds and voxels.
    """
    from cellml.data.normalisation import Normalisation
    from cellml.infer.progress import tile_progress
    from cellml.io import create_array

    shape, timed = tuple(image.shape[-3:]), "T" in image.axes
    names = task.target.names
    scale, shift = output_units(contract, task.target)
    lead = (image.frames,) if timed else ()
    begin = time.perf_counter()
    with create_array(
        output, shape=(*lead, len(names), *shape), dtype=np.float32, axes="TCZYX" if timed else "CZYX", channels=names, name="prediction",
        spacing=image.spacing, origin=image.origin,
    ) as sink:  # fmt: skip
        for frame in range(image.frames):
            numbers = Normalisation.measure(image, method=contract["normalisation"], frame=frame if timed else None, name=name)

            def read(region: Any, frame: int = frame, numbers: Any = numbers) -> NDArray[np.float32]:
                return numbers.apply(image.read(region, frame=frame) if timed else image.read(region))

            with tile_progress(sum(len(row) for row in window.plan(task.net, shape).rows())) as advance:
                if getattr(task.target, "input_units", False):
                    scale, shift = numbers.scale, numbers.shift
                for z, block in window.slabs(task.net, read, shape, activation=task.target.activation, on_tile=advance):
                    block = block * scale + shift
                    region = (slice(0, len(names)), z, slice(0, shape[1]), slice(0, shape[2]))
                    sink.write((slice(frame, frame + 1), *region) if timed else region, block[None] if timed else block)
    seconds, voxels = time.perf_counter() - begin, int(np.prod(shape)) * image.frames
    log.info("%s: %s, %d voxels in %.1f s", output, ", ".join(names), voxels, seconds)
    return {"output": output, "voxels": voxels, "network": seconds, "total": seconds}


def output_units(contract: Mapping[str, Any], target: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Factor and summand, (K, 1, 1, 1) each, from normalised outputs to the units of the training targets; 1 and 0 without a record."""
    outputs = contract.get("outputs") or [{"scale": 1.0, "shift": 0.0}] * len(target.image_channels)
    scale, shift = [o["scale"] for o in outputs], [o["shift"] for o in outputs]
    if target.scale:
        scale, shift = scale * 2, shift + [0.0] * len(shift)
    return tuple(np.asarray(v, np.float32)[:, None, None, None] for v in (scale, shift))  # type: ignore[return-value]

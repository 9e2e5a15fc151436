"""Prediction of one frame: tiles to probabilities, probabilities to labels, uncertainties and drawn samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.infer.outputs import Outputs
from cellml.uncertainty.temperature import Calibration

# Probabilities larger than this wait for the decoder in a file beside the output instead of in memory.
_IN_MEMORY_BYTES = 4e9
_SAMPLE_DEPTH = 32


@dataclass(frozen=True)
class Asked:
    """What is asked of a frame. samples: label volumes to draw; correlation_nm: over which length chance is shared, None to have it
    estimated from the committee's residuals; calibration: makes what is written and drawn honest; seed: of the draws.
    """

    samples: int = 0
    correlation_nm: float | None = None
    calibration: Calibration = field(default_factory=Calibration)
    seed: int = 0


def predict_frame(
    task: Any,
    committee: Any,
    window: Any,
    read: Callable[[Any], NDArray[np.float32]],
    shape: tuple[int, int, int],
    spacing: Sequence[float],
    outputs: Outputs,
    asked: Asked,
    folder: Path,
) -> dict[str, float]:
    """Predict with the committee and write everything that was asked for; returns seconds of the network and the numbers of the draws.

    Labels are decoded from the mean probabilities as they are; the temperature acts on what is written and drawn, so that a decoder's
    parameters keep their meaning.
    """
    from cellml.infer.progress import tile_progress

    begin, exclusive, share = time.perf_counter(), committee.exclusive, np.zeros(2)
    dtype = np.uint32 if task.target.kind == "instance" else np.uint8
    wait = task.decoder is not None or asked.samples > 0
    tiles = sum(len(row) for row in window.plan(committee, shape).rows())
    with _waiting_room((task.target.channels, *shape) if wait else None, folder) as held:
        with tile_progress(tiles) as advance:
            for z, block in window.slabs(committee, read, shape, activation=_as_it_is, on_tile=advance):
                mean, variance, expected = block[:-2], block[-2], block[-1]
                share += _spread(mean, variance, exclusive)
                _write_probabilities(outputs, z, mean, variance, expected, asked.calibration, exclusive)
                if task.decoder is None:
                    outputs.write("labels", z, task.decode(mean).astype(dtype))
                if held is not None:
                    held[:, z] = mean
        numbers = {"network": time.perf_counter() - begin}
        if held is not None and task.decoder is not None:
            outputs.write("labels", slice(0, shape[0]), task.decode(held).astype(dtype))
        if held is not None and asked.samples:
            numbers |= _draw(task, committee, held, spacing, outputs, asked, share, folder)
    return numbers


def _as_it_is(values: Any) -> Any:
    """The committee answers with probabilities."""
    return values


def _spread(mean: NDArray[np.float32], variance: NDArray[np.float32], exclusive: bool) -> NDArray[np.float64]:
    """Sums of the members' variance and of the greatest that it could have, p (1 − p), pooled over channels alike."""
    possible = (mean * (1 - mean)).sum(axis=0) * (0.5 if exclusive else 1 / len(mean))
    return np.array([variance.sum(dtype=np.float64), possible.sum(dtype=np.float64)])


def _write_probabilities(
    outputs: Outputs,
    z: slice,
    mean: NDArray[np.float32],
    variance: NDArray[np.float32],
    expected: NDArray[np.float32],
    calibration: Calibration,
    exclusive: bool,
) -> None:
    from cellml.uncertainty.information import mutual_information, slab_entropy

    honest = calibration.apply(mean, exclusive=exclusive) if {"probabilities", "entropy"} & set(outputs.sinks) else mean
    outputs.write("probabilities", z, honest)
    outputs.write("variance", z, variance)
    if "entropy" in outputs.sinks:
        outputs.write("entropy", z, slab_entropy(honest, exclusive=exclusive))
        outputs.write("mutual_information", z, mutual_information(slab_entropy(mean, exclusive=exclusive), expected))


def _draw(
    task: Any,
    committee: Any,
    held: NDArray[np.float32],
    spacing: Sequence[float],
    outputs: Outputs,
    asked: Asked,
    share: NDArray[np.float64],
    folder: Path,
) -> dict[str, float]:
    """Draw label volumes: classes voxel by voxel, objects by decoding affinities as another member might have seen them.

    Classes are drawn from calibrated probabilities; affinities are perturbed as they are, as the decoder's parameters were chosen for them.
    """
    from cellml.uncertainty.draws import decisiveness_from_variance, draw_classes, drawn_member, fields_for_classes
    from cellml.uncertainty.field import CorrelatedField

    shape, exclusive, objects = held.shape[1:], committee.exclusive, task.target.kind == "instance"
    length = asked.correlation_nm or _estimated_length(committee, spacing)
    spread = decisiveness_from_variance(share[0] / max(share[1], 1e-9)) if committee.members > 1 else 0.5
    count = 1 if objects else fields_for_classes(len(held))
    for number in range(asked.samples):
        fields = [CorrelatedField(shape, spacing, length, [asked.seed, outputs.frame or 0, number, k]) for k in range(count)]
        with _waiting_room(held.shape if objects else None, folder) as drawn:
            for start in range(0, shape[0], _SAMPLE_DEPTH):
                z = slice(start, min(start + _SAMPLE_DEPTH, shape[0]))
                mean = np.asarray(held[:, z])
                if drawn is None:
                    honest = asked.calibration.apply(mean, exclusive=exclusive)
                    outputs.write_sample(number, z, draw_classes(honest, np.stack([f.slab(z) for f in fields])))
                else:
                    drawn[:, z] = drawn_member(mean, fields[0].slab(z), spread, exclusive=exclusive)
            if drawn is not None:
                outputs.write_sample(number, slice(0, shape[0]), task.decode(drawn).astype(np.uint32))
    return {"correlation_nm": length} | ({"decisiveness": spread} if objects else {})


def _estimated_length(committee: Any, spacing: Sequence[float]) -> float:
    length = committee.residuals.length_nm(spacing)
    if length is None:
        raise CellmlError(
            "samples need to know over which length the network errs together; with one network and one orientation nothing tells. "
            "Have it estimated (tta=8, several checkpoints or dropout_passes=8), or give it: correlation_nm=50."
        )
    return float(length)


@contextmanager
def _waiting_room(size: Sequence[int] | None, folder: Path) -> Iterator[NDArray[np.float32] | None]:
    """Room for the probabilities (K, Z, Y, X) of a whole frame until they are decoded or drawn from; None where there is no size."""
    import tempfile

    if size is None:
        yield None
        return
    if 4 * np.prod(size, dtype=float) <= _IN_MEMORY_BYTES:
        yield np.empty(size, np.float32)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".probabilities-") as stream:
        yield np.memmap(stream.name, dtype=np.float32, mode="w+", shape=tuple(size))

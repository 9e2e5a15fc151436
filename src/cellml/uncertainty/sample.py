"""The verb `sample`: label volumes drawn from a file of probabilities, for meshing and simulating what might be there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from cellml.errors import CellmlError


def sample_file(
    input: str,
    output: str,
    correlation_nm: float,
    samples: int = 8,
    temperature: float | str | None = None,
    spacing_nm: Sequence[float] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Draw label volumes `<output>_sample_000` … from probabilities, each voxel's own probability kept, errors shared over a length.

    input: (Z, Y, X) probability of the foreground, or (K, Z, Y, X) of classes that sum to 1, values in 0 to 1 or bytes; output: the suffix
    chooses the format; correlation_nm: l of the chance's correlation exp(−d²/(2 l²)); temperature: a number or the JSON of `cellml
    calibrate`; spacing_nm: (z, y, x) where the file does not say; seed: sample k of a seed is always the same. Works slab by slab.
    Returns the files and the mean share of foreground in them. Raises CellmlError for values that are no probabilities.
    """
    from cellml.infer.outputs import require_target, sample_path
    from cellml.io import create_array
    from cellml.io.overlap import require_apart
    from cellml.uncertainty.draws import draw_classes, fields_for_classes
    from cellml.uncertainty.field import CorrelatedField
    from cellml.uncertainty.probability_file import open_probabilities, require_classes
    from cellml.uncertainty.temperature import read_calibration

    require_target(output)
    if not 1 <= samples <= 1000:
        raise CellmlError(f"samples={samples} must be a number of label volumes from 1 to 1000.")
    calibration = read_calibration(temperature)
    paths = [sample_path(output, number) for number in range(samples)]
    filled = np.zeros(samples)
    with open_probabilities(input, spacing_nm) as volume, ExitStack() as stack:
        for path in paths:
            require_apart(path, input)
        frame: dict[str, Any] = {"spacing": volume.source.spacing, "origin": volume.source.origin, "kind": "semantic", "name": "labels"}
        sinks = [stack.enter_context(create_array(path, shape=volume.shape, dtype=np.uint8, **frame)) for path in paths]
        count = fields_for_classes(volume.channels)
        fields = [
            [CorrelatedField(volume.shape, volume.source.spacing, correlation_nm, [seed, 0, number, k]) for k in range(count)]
            for number in range(samples)
        ]
        for z, block in volume.slabs():
            require_classes(block, input)
            classes = np.concatenate([1 - block, block]) if len(block) == 1 else block
            honest = calibration.apply(classes, exclusive=True)
            for number, sink in enumerate(sinks):
                labels = draw_classes(honest, np.stack([field.slab(z) for field in fields[number]]))
                filled[number] += np.count_nonzero(labels)
                sink.write((z, slice(0, volume.shape[1]), slice(0, volume.shape[2])), labels)
    shares = filled / np.prod(volume.shape)
    print(f"{samples} label volumes, {shares.mean():.2%} labelled on average ({shares.min():.2%} to {shares.max():.2%}): {paths[0]} …")
    return {"files": paths, "labelled": shares.tolist()}

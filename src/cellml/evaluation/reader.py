"""A trained segmenter that reads images which another network made: what a repair or a denoiser is worth to the next step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, ContractError


class Reader:
    """Objects that a segmenter's checkpoint sees in an image.

    checkpoint: of a segmentation task with one input channel, opened when first asked; invert: whether it knows structures dark that the
    images show bright, as reconstructions of projections do.
    """

    def __init__(self, checkpoint: str, invert: bool = False) -> None:
        self.checkpoint, self.invert = checkpoint, invert
        self._task: Any = None

    def __call__(self, image: NDArray[Any]) -> NDArray[Any]:
        """Labels (Z, Y, X) of an image (Z, Y, X) or (1, Z, Y, X), normalised by its own mean and deviation as inference does.

        Raises ContractError for a checkpoint of another kind, CellmlError for several channels.
        """
        volume = np.asarray(image, np.float32).reshape(-1, *np.shape(image)[-3:])
        if len(volume) != 1:
            raise CellmlError(f"A reader reads one channel, got {len(volume)}.")
        signed = -volume if self.invert else volume
        spread = float(signed.std())
        normalised = (signed - signed.mean(dtype=np.float64)) / (spread if spread > 0 else 1.0)
        task = self._opened()
        return np.asarray(task.decode(task.predict_volume(np.ascontiguousarray(normalised, np.float32))))

    def _opened(self) -> Any:
        if self._task is None:
            from cellml.checkpoint import load

            model = load(self.checkpoint)
            if model.contract["channels"] != 1 or not hasattr(model.task, "decode"):
                raise ContractError(
                    f"{self.checkpoint} is no segmenter of images with one channel ({model.record['task']}, {model.contract['channels']} "
                    "channels); give the checkpoint of a segmentation."
                )
            self._task = model.task.eval().requires_grad_(False)
        return self._task

"""Augmentation that is a pure function of (sample, seed), whichever library a transform comes from.

MONAI's random transforms keep their own random state, and behind a plain `DataLoader` repeat it in every worker and every epoch; torchio's
draw from torch's global generator. Here each transform is seeded for each sample, so both traps are shut and resuming is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

Sample = dict[str, Tensor]


class SeededTransforms:
    """A list of MONAI dictionary transforms, torchio transforms and plain functions of a sample, applied in order.

    Keys: "image" (C, z, y, x) float32 and "labels" (z, y, x) int64, or (K, z, y, x) float32 where images are to be predicted. MONAI
    transforms see labels with a channel axis and must name their keys. torchio transforms see a subject with axes (C, x, y, z); the
    intensities of labels stay as they are.
    """

    def __init__(self, transforms: Sequence[Any] = ()) -> None:
        self.transforms = list(transforms)

    def __call__(self, sample: Sample, seed: int) -> Sample:
        """Apply all transforms with random numbers that depend on `seed` alone; the global generators are left as they were."""
        seeds = np.random.SeedSequence(seed).generate_state(len(self.transforms))
        numbers = sample["labels"].ndim == 3
        current = {"image": sample["image"], "labels": sample["labels"][None] if numbers else sample["labels"]}
        for transform, own in zip(self.transforms, seeds, strict=True):
            current = _apply(transform, current, int(own))
        image, labels = (_plain(torch.as_tensor(current[key])) for key in ("image", "labels"))
        return {"image": image.float().contiguous(), "labels": (labels[0].long() if numbers else labels.float()).contiguous()}


def _apply(transform: Any, sample: Sample, seed: int) -> Sample:
    if hasattr(transform, "set_random_state"):
        transform.set_random_state(seed=seed)
        return transform(sample)  # type: ignore[no-any-return]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if type(transform).__module__.startswith("torchio"):
            return _torchio(transform, sample)
        return transform(sample)  # type: ignore[no-any-return]


def _torchio(transform: Any, sample: Sample) -> Sample:
    import torchio

    subject = torchio.Subject(
        image=torchio.ScalarImage(tensor=_plain(sample["image"]).permute(0, 3, 2, 1).contiguous()),
        labels=torchio.LabelMap(tensor=_plain(sample["labels"]).permute(0, 3, 2, 1).contiguous()),
    )
    done = transform(subject)
    return {key: done[key].data.permute(0, 3, 2, 1) for key in ("image", "labels")}


def _plain(tensor: Tensor) -> Tensor:
    return tensor.as_tensor() if hasattr(tensor, "as_tensor") else tensor

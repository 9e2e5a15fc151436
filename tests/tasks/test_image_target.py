from __future__ import annotations

import pytest
import torch

from cellml.errors import CellmlError
from cellml.tasks.image_target import ImageTarget


def test_unmeasured_voxels_are_masked() -> None:
    images = torch.randn(2, 2, 1, 3, 4)
    images[0, 1, 0, 0, 0], images[1, 0, 0, 2, 3] = float("nan"), float("inf")
    target, mask = ImageTarget(["a", "b"])(images)
    assert torch.equal(mask, torch.isfinite(images)) and torch.equal(target[mask], images[mask]) and not target[~mask].any()


def test_scales_are_positive_and_output_is_the_inverse() -> None:
    target = ImageTarget(["a", "b"], scale=True)
    assert target.channels == 4 and target.names == ["a", "b", "a scale", "b scale"]
    raw = torch.randn(1, 4, 1, 2, 2)
    active = target.activation(raw)
    assert (active[:, 2:] > 0).all() and torch.equal(active[:, :2], raw[:, :2])
    torch.testing.assert_close(target.output(active), raw)
    assert torch.equal(ImageTarget().output(raw), raw)


def test_channels_must_match_and_differ() -> None:
    with pytest.raises(CellmlError, match=r"channels \['a'\], but the data gives images of shape \(1, 2, 1, 2, 2\)"):
        ImageTarget(["a"])(torch.zeros(1, 2, 1, 2, 2))
    with pytest.raises(CellmlError, match="different names"):
        ImageTarget(["a", "a"])

"""Augmentations that the voxels allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellml.plan.recipe import Plan

_ISOTROPIC = 1.3  # voxels up to so much longer than wide look the same turned by 90 degrees


def transforms(plan: Plan) -> list[dict[str, Any]]:
    """Flips, quarter turns that the voxels allow, brightness and noise, as `data.transforms` takes them."""
    keys = ["image", "labels"]
    found: list[dict[str, Any]] = [
        {"_target_": "monai.transforms.RandFlipd", "keys": keys, "prob": 0.5, "spatial_axis": axis}
        for axis in range(3)
        if axis or plan.image.shape[0] > 1
    ]
    for first, second in turnable(plan):
        found.append({"_target_": "monai.transforms.RandRotate90d", "keys": keys, "prob": 0.5, "spatial_axes": [first, second]})
    found += [
        {"_target_": "monai.transforms.RandScaleIntensityd", "keys": ["image"], "factors": 0.25, "prob": 0.7},
        {"_target_": "monai.transforms.RandShiftIntensityd", "keys": ["image"], "offsets": 0.3, "prob": 0.7},
    ]
    if plan.task.group != "regression":
        found.append({"_target_": "torchio.RandomNoise", "std": [0, 0.25], "p": 0.3})
    return found


def turnable(plan: Plan) -> list[tuple[int, int]]:
    """Pairs of axes along which voxels and patch are alike, so that a quarter turn changes neither."""
    spacing, patch = plan.image.spacing, plan.network.patch
    return [
        (a, b)
        for a, b in ((0, 1), (0, 2), (1, 2))
        if max(spacing[a], spacing[b]) <= _ISOTROPIC * min(spacing[a], spacing[b]) and patch[a] == patch[b]
    ]

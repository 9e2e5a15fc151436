from __future__ import annotations

from typing import Any

import pytest
import torch

from cellml.data.augment import SeededTransforms


def sample() -> dict[str, torch.Tensor]:
    labels = torch.arange(4 * 5 * 6).reshape(4, 5, 6)
    return {"image": labels[None].float(), "labels": labels}


def monai_flip() -> Any:
    from monai.transforms import RandFlipd

    return RandFlipd(keys=["image", "labels"], prob=0.5, spatial_axis=2)


def torchio_flip() -> Any:
    from torchio import RandomFlip

    return RandomFlip(axes=(0,), flip_probability=0.5)


def function_flip(current: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: value.flip(-1) for key, value in current.items()} if torch.rand(()) < 0.5 else current


@pytest.mark.parametrize("make", [monai_flip, torchio_flip, lambda: function_flip])
def test_image_and_labels_move_together_along_the_same_axis_in_every_library(make: Any) -> None:
    """torchio's first axis is x, our last."""
    given, flipped = sample(), 0
    for seed in range(20):
        done = SeededTransforms([make()])(given, seed)
        assert done["image"].dtype == torch.float32 and done["labels"].dtype == torch.int64
        assert torch.equal(done["image"][0].long(), done["labels"])
        assert torch.equal(done["labels"], given["labels"]) or torch.equal(done["labels"], given["labels"].flip(-1))
        flipped += not torch.equal(done["labels"], given["labels"])
    assert 3 < flipped < 17


@pytest.mark.parametrize("make", [monai_flip, torchio_flip, lambda: function_flip])
def test_the_seed_decides_and_the_global_generator_is_left_alone(make: Any) -> None:
    transforms, state = SeededTransforms([make(), make()]), torch.get_rng_state()
    first = [transforms(sample(), seed)["labels"] for seed in range(8)]
    torch.manual_seed(7)
    second = [transforms(sample(), seed)["labels"] for seed in range(8)]
    torch.set_rng_state(state)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    transforms(sample(), 1)
    assert torch.equal(torch.get_rng_state(), state)


def test_two_equal_transforms_in_a_row_draw_different_numbers() -> None:
    from torchio import RandomNoise

    noise = {"image": torch.zeros(1, 8, 8, 8), "labels": torch.zeros(8, 8, 8, dtype=torch.int64)}
    one = SeededTransforms([RandomNoise(std=1)])(noise, 3)["image"]
    two = SeededTransforms([RandomNoise(std=1), RandomNoise(std=1)])(noise, 3)["image"]
    assert not torch.allclose(two, 2 * one)


def test_labels_keep_their_numbers_under_interpolation() -> None:
    from torchio import RandomAffine

    labels = torch.zeros(12, 12, 12, dtype=torch.int64)
    labels[3:9, 3:9, 3:9] = 70_001
    done = SeededTransforms([RandomAffine(degrees=20)])({"image": labels[None].float(), "labels": labels}, 0)
    assert set(done["labels"].unique().tolist()) == {0, 70_001}


def test_without_transforms_nothing_changes() -> None:
    done = SeededTransforms()(sample(), 0)
    assert torch.equal(done["image"], sample()["image"]) and torch.equal(done["labels"], sample()["labels"])

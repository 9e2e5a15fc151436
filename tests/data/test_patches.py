from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from cellml.data.augment import SeededTransforms
from cellml.data.blocks import Block, OpenBlock
from cellml.data.patches import PatchDataset, PositionSampler, collate
from cellml.errors import CellmlError


def transforms() -> list:
    from monai.transforms import RandFlipd, RandScaleIntensityd
    from torchio import RandomNoise

    return [
        RandFlipd(keys=["image", "labels"], prob=0.5, spatial_axis=0),
        RandScaleIntensityd(keys=["image"], factors=0.5, prob=1.0),
        RandomNoise(std=(0, 0.5)),
    ]


@pytest.fixture(scope="module")
def dataset(phantom_file: Path) -> PatchDataset:
    blocks = [OpenBlock(Block(str(phantom_file), region={"z": [0, 20]})), OpenBlock(Block(str(phantom_file), region={"z": [24, 36]}))]
    return PatchDataset(blocks, (8, 8, 8), 6, seed=5, transform=SeededTransforms(transforms()))


def epochs(dataset: Dataset, workers: int, steps: int = 12, start: int = 0) -> list[torch.Tensor]:
    """The images of `steps` patches from a position on, epoch by epoch, as a trainer would ask for them."""
    position, images = start, []
    sampler = PositionSampler(6, lambda: position)
    loader = DataLoader(dataset, sampler=sampler, num_workers=workers, collate_fn=collate, persistent_workers=workers > 0)
    while position < steps:
        for batch in loader:
            images.append(batch["image"])
            position += 1
    return images


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_patches_depend_on_seed_epoch_and_index_alone(dataset: PatchDataset) -> None:
    for number in (0, 5, 6, 600):
        one, two = dataset[number], dataset[number]
        assert torch.equal(one["image"], two["image"]) and torch.equal(one["labels"], two["labels"])
    other = PatchDataset(dataset.blocks, (8, 8, 8), 6, seed=6, transform=dataset.transform)
    assert not torch.equal(other[0]["image"], dataset[0]["image"])


def test_loader_processes_change_nothing(dataset: PatchDataset) -> None:
    assert same(epochs(dataset, workers=0), epochs(dataset, workers=2))


def test_no_patch_comes_twice_in_many_epochs(dataset: PatchDataset) -> None:
    images = [dataset[number]["image"].numpy().tobytes() for number in range(60)]
    assert len(set(images)) == 60


def test_the_global_generators_neither_matter_nor_move(dataset: PatchDataset) -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    before, first = torch.get_rng_state(), dataset[3]
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(99)
    np.random.seed(99)
    assert torch.equal(dataset[3]["image"], first["image"])


def test_resuming_in_the_middle_of_an_epoch_gives_the_rest_of_it(dataset: PatchDataset) -> None:
    assert same(epochs(dataset, workers=0)[8:], epochs(dataset, workers=0, start=8))


class MonaiAlone(Dataset):
    """The trap: a MONAI random transform, with its own random state, behind a plain DataLoader."""

    def __init__(self) -> None:
        from monai.transforms import RandGaussianNoise

        self.transform = RandGaussianNoise(prob=1.0, std=1.0)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.as_tensor(self.transform(torch.zeros(1, 4, 4, 4))).as_subclass(torch.Tensor)


def test_monai_transforms_repeat_behind_a_plain_loader_and_do_not_in_ours(dataset: PatchDataset) -> None:
    torch.manual_seed(0)
    loader = DataLoader(MonaiAlone(), batch_size=1, num_workers=2)
    (first, second), (third, _) = list(loader), list(loader)
    assert torch.equal(first, second), "two workers repeat one another: the trap is still there, so the next line means something"
    assert torch.equal(first, third), "and so do epochs"

    from monai.transforms import RandGaussianNoised

    noise = SeededTransforms([RandGaussianNoised(keys=["image"], prob=1.0, std=1.0)])
    ours = PatchDataset(dataset.blocks, (8, 8, 8), 2, seed=0, transform=noise)
    plain = PatchDataset(dataset.blocks, (8, 8, 8), 2, seed=0)
    drawn = [ours[n]["image"] - plain[n]["image"] for n in range(4)]
    assert all(d.std() > 0 for d in drawn)
    assert not any(torch.equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])


@pytest.mark.parametrize("world", [1, 2, 3])
def test_ranks_partition_an_epoch(world: int) -> None:
    parts = [list(PositionSampler(12, lambda: 24, rank=rank, world=world)) for rank in range(world)]
    assert sorted(sum(parts, [])) == list(range(24, 36))
    assert {len(p) for p in parts} == {12 // world}


def test_two_processes_see_at_each_step_what_one_sees_with_twice_the_batch() -> None:
    one = list(PositionSampler(12, lambda: 0))
    two = [list(PositionSampler(12, lambda: 0, rank=r, world=2)) for r in range(2)]
    assert [set(one[i : i + 2]) for i in range(0, 12, 2)] == [set(pair) for pair in zip(*two, strict=True)]


def test_resumed_ranks_share_the_rest() -> None:
    parts = [list(PositionSampler(12, lambda: 16, rank=rank, world=2)) for rank in range(2)]
    assert sorted(sum(parts, [])) == list(range(16, 24))


def test_an_epoch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(CellmlError, match="is 7; it must be a multiple of the 2 processes"):
        PositionSampler(7, lambda: 0, world=2)


def test_a_patch_larger_than_the_region_is_refused_with_both_sizes(dataset: PatchDataset) -> None:
    with pytest.raises(CellmlError, match=r"\(12, 32, 32\) voxels \(z, y, x\), smaller than the patch \(16, 16, 16\)"):
        PatchDataset(dataset.blocks, (16, 16, 16), 6, seed=0)


def test_patches_come_from_everywhere_in_proportion(dataset: PatchDataset) -> None:
    assert dataset.places.shares == pytest.approx([13 / 18, 5 / 18])


def test_patches_poor_in_labels_are_drawn_again(tmp_path: Path, write_block: Callable[..., Path]) -> None:
    labels = np.zeros((16, 16, 64), np.uint8)
    labels[:, :, 40:] = 1
    path = write_block(tmp_path, labels=labels)
    block = OpenBlock(Block(str(path), ignore=0))
    poor, rich = (PatchDataset([block], (8, 8, 8), 30, seed=0, min_labelled=share) for share in (0.0, 0.9))
    shares = [[float((d[n]["labels"] > 0).float().mean()) for n in range(30)] for d in (poor, rich)]
    assert min(shares[0]) == 0.0 and min(shares[1]) >= 0.9

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.device_augment import NUMBER, Flips, GaussianNoise, Intensity, QuarterTurns, augment_on_device
from cellml.data.module import VolumeDataModule
from cellml.errors import CellmlError


def batch(numbers: list[int], side: int = 4) -> dict[str, torch.Tensor]:
    labels = torch.arange(side**3).reshape(1, side, side, side).repeat(len(numbers), 1, 1, 1)
    return {"image": labels[:, None].float(), "labels": labels, NUMBER: torch.tensor(numbers)}


@pytest.mark.parametrize("transform", [Flips(), QuarterTurns(), QuarterTurns(plane=(0, 2))])
def test_image_and_labels_move_together_and_samples_differ(transform: Any) -> None:
    done = augment_on_device(batch(list(range(40))), [transform], seed=1)
    assert set(done) == {"image", "labels"} and torch.equal(done["image"][:, 0].long(), done["labels"])
    assert len({tuple(one.flatten().tolist()) for one in done["labels"]}) == (8 if isinstance(transform, Flips) else 4)
    assert all(torch.equal(one.flatten().sort()[0], torch.arange(64)) for one in done["labels"])


def test_flips_along_one_axis_only() -> None:
    done = augment_on_device(batch(list(range(20))), [Flips(axes=(1,))], seed=0)["labels"]
    straight = batch([0])["labels"][0]
    assert all(torch.equal(one, straight) or torch.equal(one, straight.flip(1)) for one in done)


def test_a_turn_in_a_plane_that_is_not_square_is_refused() -> None:
    wide = {"image": torch.zeros(1, 1, 4, 4, 8), "labels": torch.zeros(1, 4, 4, 8), NUMBER: torch.tensor([0])}
    augment_on_device(wide, [QuarterTurns(plane=(0, 1))], seed=0)
    with pytest.raises(CellmlError, match=r"square there, and these are \[4, 4, 8\] voxels"):
        augment_on_device(wide, [QuarterTurns(plane=(1, 2))], seed=0)


def test_intensities_are_what_the_ranges_say_and_labels_stay() -> None:
    given = batch(list(range(200)))
    given["image"] = torch.ones_like(given["image"])
    done = augment_on_device(given, [Intensity(factor=0.25, offset=0.3, prob=1.0)], seed=0)
    values = done["image"][:, 0, 0, 0, 0]
    assert torch.equal(done["labels"], given["labels"]) and (done["image"].flatten(1).std(1) == 0).all()
    assert values.min() >= 0.45 and values.max() <= 1.55 and values.std() > 0.15 and abs(values.mean() - 1) < 0.1


def test_noise_has_the_strength_asked_for_in_the_share_of_samples_asked_for() -> None:
    given = batch(list(range(200)), side=8)
    given["image"] = torch.zeros_like(given["image"])
    spread = augment_on_device(given, [GaussianNoise(std=0.4, prob=0.5)], seed=0)["image"].flatten(1).std(1).numpy()
    noisy = spread[spread > 0]
    assert 70 < len(noisy) < 130 and abs(noisy.mean() - 0.2) < 0.05 and noisy.max() < 0.45


def test_a_sample_depends_on_seed_and_number_alone() -> None:
    transforms = [Flips(), GaussianNoise(prob=1.0)]
    together = augment_on_device(batch([3, 8, 9]), transforms, seed=5)["image"]
    alone = augment_on_device(batch([8]), transforms, seed=5)["image"]
    assert torch.equal(together[1], alone[0]) and not torch.equal(augment_on_device(batch([8]), transforms, seed=6)["image"], alone)
    state = torch.get_rng_state()
    augment_on_device(batch([1]), transforms, seed=0)
    assert torch.equal(state, torch.get_rng_state())


def loaded(path: Path, workers: int, **changes: Any) -> VolumeDataModule:
    usual: dict[str, Any] = {"train": [{"region": {"z": [0, 20]}}], "val": [], "patch": [8, 8, 8], "patches_per_epoch": 4, "batch_size": 2}
    data = VolumeDataModule(**{**usual, "path": str(path), "num_workers": workers, **changes})
    data.setup()
    return data


def epochs(data: VolumeDataModule, rank: int = 0, world: int = 1) -> list[torch.Tensor]:
    """The batches of two epochs as a trainer would see them, on the device."""
    data.trainer = SimpleNamespace(world_size=world, global_rank=rank, accumulate_grad_batches=1, global_step=0)  # type: ignore[assignment]
    loader, seen, step = data.train_dataloader(), [], 0
    for _ in range(2):
        for one in loader:
            seen += list(data.on_after_batch_transfer(one, 0)["image"])
            step += 1
            data.trainer.global_step = step  # type: ignore[misc, union-attr]
    return seen


def test_no_random_number_is_drawn_twice_by_workers_epochs_or_ranks_and_all_are_drawn_again_alike(phantom_file: Path) -> None:
    """MONAI's transforms behind a plain loader repeat themselves in every worker and every epoch; here noise on equal patches shows it."""
    from monai.transforms import RandGaussianNoised

    noise = {"transforms": [RandGaussianNoised(keys=["image"], prob=1.0, std=1.0)], "device_transforms": [GaussianNoise(prob=1.0)]}
    fixed = {**noise, "train": [{"region": {"z": [0, 8], "y": [0, 8], "x": [0, 8]}}]}  # one place, so that patches differ by noise alone
    serial, parallel = (epochs(loaded(phantom_file, workers, **fixed)) for workers in (0, 2))
    assert len(serial) == 8 and all(torch.equal(a, b) for a, b in zip(serial, parallel, strict=True))
    assert len({one.numpy().tobytes() for one in serial}) == 8
    ranks = [epochs(loaded(phantom_file, 0, **{**fixed, "batch_size": 1}), rank, 2) for rank in (0, 1)]
    together = {one.numpy().tobytes() for rank in ranks for one in rank}
    assert len(together) == 8 and together == {one.numpy().tobytes() for one in serial}


@pytest.mark.parametrize("kind", ["h5", "zarr"])
def test_patches_are_read_from_the_file_when_they_are_needed(tmp_path: Path, kind: str) -> None:
    """Neither opening a volume of 16.8 MB nor reading a patch of 0.03 MB from it keeps or takes memory of its size."""
    import tracemalloc

    import h5py

    from cellml.io import write_labels, write_volume
    from cellml.types import Labels, Volume

    values = np.tile(np.arange(1, 257, dtype=np.uint8), (256, 256, 1))
    names = [str(tmp_path / f"{name}.{kind}") for name in ("raw", "labels")]
    if kind == "h5":
        for name in names:
            with h5py.File(name, "w") as file:
                file.create_dataset("data", data=values, chunks=(32, 64, 64), compression="gzip").attrs["voxel_nm"] = [10.0] * 3
        names = [f"{name}:/data" for name in names]
    else:
        write_volume(Volume(values, (10, 10, 10)), names[0])
        write_labels(Labels(values, (10, 10, 10)), names[1])
    blocks = [{"image": names[0], "labels": names[1]}]
    data = VolumeDataModule(blocks, [], [32, 32, 32], patches_per_epoch=4, normalisation="dtype", spacing_nm=[10, 10, 10])
    tracemalloc.start()
    try:
        data.setup()
        patches = data.patches()
        kept = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        assert patches[1]["image"].shape == (1, 32, 32, 32)
        taken = tracemalloc.get_traced_memory()[1] - kept
    finally:
        tracemalloc.stop()
    assert kept < 4e6 and taken < 6e6, (kept, taken)

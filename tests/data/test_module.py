from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.module import VolumeDataModule
from cellml.data.phantom import em_phantom
from cellml.errors import CellmlError


def module(source: Path, **changes: Any) -> VolumeDataModule:
    usual: dict[str, Any] = {
        "train": [{"region": {"z": [0, 20]}}],
        "val": [{"region": {"z": [24, 40]}}],
        "patch": [8, 8, 8],
        "patches_per_epoch": 4,
        "guard": 4,
    }
    data = VolumeDataModule(**{**usual, "path": str(source), **changes})
    data.setup()
    return data


def test_the_contract_says_what_a_checkpoint_must_know(phantom_file: Path) -> None:
    contract = {"axes": "ZYX", "channels": 1, "spacing_nm": [10.0, 10.0, 10.0], "normalisation": "volume", "patch": [8, 8, 8]}
    assert module(phantom_file).contract == contract


def test_batches_are_stacked_patches(phantom_file: Path) -> None:
    batch = next(iter(module(phantom_file, batch_size=2).train_dataloader()))
    assert batch["image"].shape == (2, 1, 8, 8, 8) and batch["image"].dtype == torch.float32
    assert batch["labels"].shape == (2, 8, 8, 8) and batch["labels"].dtype == torch.int64


def test_validation_blocks_come_whole_with_their_frame(phantom_file: Path) -> None:
    (block,) = module(phantom_file).val_dataloader()
    assert block["image"].shape == (1, 16, 32, 32) and block["labels"].shape == (16, 32, 32)
    assert tuple(block["spacing"]) == (10, 10, 10) and tuple(block["origin"]) == (240, 0, 0)
    assert np.array_equal(block["labels"], np.load(phantom_file)["labels"][24:])


def test_training_goes_on_where_the_trainer_stands(phantom_file: Path) -> None:
    data, steps = module(phantom_file), 0
    data.trainer = SimpleNamespace(world_size=1, global_rank=0, accumulate_grad_batches=1, global_step=0)  # type: ignore[assignment]
    loader = data.train_dataloader()
    uninterrupted = []
    for _ in range(2):
        for batch in loader:
            uninterrupted.append(batch["image"])
            steps += 1
            data.trainer.global_step = steps  # type: ignore[union-attr, misc]
    data.trainer.global_step = 5  # type: ignore[union-attr, misc]
    resumed = [batch["image"] for batch in data.train_dataloader()]
    assert len(resumed) == 3 and all(torch.equal(a, b) for a, b in zip(resumed, uninterrupted[5:], strict=True))


@pytest.mark.parametrize(("world", "accumulated"), [(1, 3), (3, 1), (2, 2)])
def test_an_epoch_that_steps_cannot_divide_is_refused(phantom_file: Path, world: int, accumulated: int) -> None:
    data = module(phantom_file, batch_size=2, patches_per_epoch=10)
    data.trainer = SimpleNamespace(world_size=world, global_rank=0, accumulate_grad_batches=accumulated, global_step=0)  # type: ignore[assignment]
    with pytest.raises(CellmlError, match=f"is 10; it must be a multiple of the {2 * world * accumulated} patches"):
        data.train_dataloader()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": []}, "lists no block"),
        ({"val": [{}], "path": None}, "names no image, and there is no data.path"),
        ({"train": [{"area": 1}]}, r"has the fields \['area'\]; known are image"),
        ({"batch_size": 3}, r"patches_per_epoch \(4\) must be a multiple of data.batch_size \(3\)"),
        ({"guard": 5}, "4 voxels apart, and data.guard asks for 5"),
        ({"normalisation": "none"}, "'none'; use 'volume' or 'dtype'"),
    ],
)
def test_settings_that_cannot_work_are_refused(phantom_file: Path, changes: dict, message: str) -> None:
    with pytest.raises(CellmlError, match=message):
        module(phantom_file, **changes)


def test_blocks_of_different_voxel_size_are_refused(phantom_file: Path, tmp_path: Path, write_block: Callable[..., Path]) -> None:
    coarse = write_block(tmp_path, voxel_nm=np.array([40.0, 10.0, 10.0]))
    with pytest.raises(CellmlError, match=r"different voxel sizes .*40.0, 10.0, 10.0"):
        module(phantom_file, val=[{"image": str(coarse)}])


def test_blocks_of_different_channels_are_refused(phantom_file: Path, tmp_path: Path, write_block: Callable[..., Path]) -> None:
    from cellml.io import write_volume
    from cellml.types import Volume

    two = tmp_path / "two.npz"
    write_volume(Volume(np.random.default_rng(0).random((2, 16, 16, 16), np.float32), (10, 10, 10), axes="CZYX"), two)
    with pytest.raises(CellmlError, match="channels"):
        module(phantom_file, val=[{"image": str(two), "labels": str(write_block(tmp_path))}])


def test_loader_processes_open_hdf5_files_of_their_own(tmp_path: Path) -> None:
    import h5py

    from cellml.data.module import VolumeDataModule

    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        for name, values in (("raw", np.arange(24**3, dtype=np.uint16)), ("labels", np.arange(24**3, dtype=np.uint32) + 1)):
            file.create_dataset(name, data=values.reshape(24, 24, 24), chunks=(4, 4, 4), compression="gzip").attrs["voxel_nm"] = [10.0] * 3

    def batches(workers: int) -> list[np.ndarray]:
        blocks = [{"image": f"{path}:/raw", "labels": f"{path}:/labels"}]
        data = VolumeDataModule(blocks, [], [8, 8, 8], patches_per_epoch=24, num_workers=workers)
        data.setup()
        return [batch["labels"].numpy() for batch in data.train_dataloader()]

    assert all(np.array_equal(a, b) for a, b in zip(batches(0), batches(2), strict=True))


def test_what_is_labelled_is_said_once_for_all_training_blocks_and_validation_sees_everything(phantom_file: Path) -> None:
    data = module(phantom_file, labelled_sections=[3, 9], train=[{"region": {"z": [0, 10]}}, {"region": {"z": [10, 20]}, "labelled": [{}]}])
    first, second, held_out = (block.known(block.read_labels()).any(axis=(1, 2)) for block in [*data._train, *data._val])
    assert np.flatnonzero(first).tolist() == [3, 9] and second.all() and held_out.all()


def test_a_labelled_box_of_a_block_wins_over_the_sections_of_all(phantom_file: Path) -> None:
    data = module(phantom_file, train=[{"region": {"z": [0, 20]}, "labelled_sections": None}], labelled_sections=[3])
    assert data._train[0].rules.boxes is None


def test_patches_around_sparse_labels(phantom_file: Path) -> None:
    from cellml.data.sampling import AroundLabels

    data = module(phantom_file, labelled_sections=[3], sampling=AroundLabels(), patches_per_epoch=20)
    assert all((batch["labels"] >= 0).any() for batch in data.train_dataloader())


def test_a_training_block_without_a_labelled_voxel_is_refused(phantom_file: Path) -> None:
    with pytest.raises(CellmlError, match="counts as labelled .* have predictions fill the block"):
        module(phantom_file, labelled_sections=[])


def test_images_without_labels_make_patches_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "raw.npz", raw=np.random.default_rng(0).integers(0, 255, (40, 16, 16)).astype(np.uint8), voxel_nm=[10.0] * 3)
    data = module(tmp_path / "raw.npz", need_labels=False)
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == (1, 1, 8, 8, 8) and (batch["labels"] == -1).all()


def test_a_voxel_size_that_no_file_states_is_asked_for_by_its_key_and_given_once(tmp_path: Path) -> None:
    raw, labels = em_phantom((40, 16, 16), seed=1)
    np.savez(tmp_path / "a.npz", raw=raw.data, labels=labels.data)
    common = {
        "path": str(tmp_path / "a.npz"),
        "train": [{"region": {"z": [0, 20]}}],
        "val": [{"region": {"z": [28, 40]}}],
        "patch": [8, 8, 8],
    }
    with pytest.raises(CellmlError, match=r"as in data\.spacing_nm=\[10,10,10\]"):
        VolumeDataModule(**common).setup()
    with pytest.raises(CellmlError, match=r"data\.spacing_nm must be three positive numbers"):
        VolumeDataModule(**common, spacing_nm=[10, 0, 10]).setup()
    assert VolumeDataModule(**common, spacing_nm=[40, 10, 10]).contract["spacing_nm"] == [40, 10, 10]

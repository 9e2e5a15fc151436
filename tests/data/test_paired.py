from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.paired import OpenPair, PairedBlock
from cellml.data.paired_module import PairedDataModule
from cellml.data.planes import PlanesAsChannels
from cellml.errors import CellmlError
from cellml.io import open_image


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack of 5 planes of 40 × 24 pixels, two projections, a volume, and one without contrast."""
    rng = np.random.default_rng(0)
    phase = rng.integers(0, 255, (5, 40, 24)).astype(np.uint8)
    path = tmp_path_factory.mktemp("paired") / "stack.npz"
    np.savez(
        path, phase=phase, dapi=(phase.max(0) * 100.0 + 9000).astype(np.uint16), tubulin=phase.mean(0).astype(np.float32),
        volume=(phase * 2.0).astype(np.float32), flat=np.full((40, 24), 7, np.uint16), voxel_nm=np.array([50.0, 10.0, 10.0]),
    )  # fmt: skip
    return path


def targets(stack: Path, *names: str) -> list[dict[str, str]]:
    return [{"name": name, "image": f"{stack}:{name}"} for name in names]


def module(stack: Path, **changes: Any) -> PairedDataModule:
    usual: dict[str, Any] = {
        "path": f"{stack}:phase", "targets": targets(stack, "dapi", "tubulin"), "planes_as_channels": True,
        "train": [{"region": {"y": [0, 24]}}], "val": [{"region": {"y": [30, 40]}}], "patch": [1, 8, 8], "patches_per_epoch": 6, "guard": 4,
    }  # fmt: skip
    data = PairedDataModule(**{**usual, **changes})
    data.setup()
    return data


def test_planes_become_channels_of_one_thick_section(stack: Path) -> None:
    with open_image(f"{stack}:phase") as opened:
        image = PlanesAsChannels(opened)
        assert image.shape == (1, 40, 24) and image.full_shape == (5, 1, 40, 24) and len(image.channels) == 5
        assert image.spacing == (250.0, 10.0, 10.0)
        whole = np.load(stack)["phase"]
        assert np.array_equal(image.read()[:, 0], whole)
        assert np.array_equal(image.read((slice(0, 1), slice(3, 9), slice(2, 20)))[:, 0], whole[:, 3:9, 2:20])


def test_patches_hold_image_and_targets_of_the_same_place(stack: Path) -> None:
    data = module(stack)
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == (1, 5, 1, 8, 8) and batch["labels"].shape == (1, 2, 1, 8, 8) and batch["labels"].dtype == torch.float32
    pair = data._train[0]
    planes = batch["image"][0, :, 0] * torch.as_tensor(pair.normalisation.scale[:, 0]) + torch.as_tensor(pair.normalisation.shift[:, 0])
    dapi = batch["labels"][0, 0, 0] * data.scale[0] + data.shift[0]
    torch.testing.assert_close(dapi, planes.max(0).values * 100 + 9000, rtol=1e-5, atol=0.1)


def test_targets_are_scaled_by_the_training_blocks_alone(stack: Path) -> None:
    data, arrays = module(stack), np.load(stack)
    for k, name in enumerate(("dapi", "tubulin")):
        train = arrays[name][:24].astype(float)
        assert data.contract["outputs"][k] == {
            "name": name,
            "shift": pytest.approx(train.mean(), rel=1e-6),
            "scale": pytest.approx(train.std(), rel=1e-5),
        }
    (block,) = data.val_dataloader()
    expected = (arrays["dapi"][30:].astype(float) - data.shift[0]) / data.scale[0]
    np.testing.assert_allclose(block["labels"][0, 0], expected, rtol=1e-4, atol=1e-5)
    assert tuple(block["origin"]) == (0.0, 300.0, 0.0)


def test_volumes_are_predicted_from_volumes(stack: Path) -> None:
    data = module(stack, targets=targets(stack, "volume"), planes_as_channels=False, patch=[4, 8, 8])
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == batch["labels"].shape == (1, 1, 4, 8, 8)
    assert torch.corrcoef(torch.stack([batch["image"].ravel(), batch["labels"].ravel()]))[0, 1] > 0.999
    assert data.contract["axes"] == "ZYX" and data.contract["planes_as_channels"] is False


def test_spatial_transforms_turn_both_and_the_same_number_gives_the_same_patch(stack: Path) -> None:
    from monai.transforms import RandFlipd, RandScaleIntensityd

    flip = RandFlipd(keys=["image", "labels"], prob=1.0, spatial_axis=1)
    brighten = RandScaleIntensityd(keys=["image"], factors=(0.5, 0.5), prob=1.0)
    plain = [module(stack).train_dataloader().dataset[i] for i in range(3)]
    turned = [module(stack, transforms=[flip, brighten]).train_dataloader().dataset[i] for i in range(3)]
    for a, b in zip(plain, turned, strict=True):
        torch.testing.assert_close(a["labels"].flip(2), b["labels"])
        torch.testing.assert_close(1.5 * a["image"].flip(2), b["image"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"planes_as_channels": False}, r"its target dapi has \(1, 40, 24\).*planes_as_channels=true"),
        ({"val": [{"region": {"y": [26, 40]}}]}, "2 voxels apart, and data.guard asks for 4"),
        ({"targets": []}, "paired with no target"),
        ({"targets": [{"name": "dapi"}]}, "needs a name and an image"),
        ({"train": []}, "lists no block"),
        ({"train": [{"area": 3}]}, r"has the fields \['area'\]"),
        ({"path": None}, "names no image"),
        ({"batch_size": 4}, "must be a multiple of data.batch_size"),
    ],
)
def test_bad_configurations_are_refused(stack: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CellmlError, match=message):
        module(stack, **changes)


def test_a_constant_target_and_a_patch_larger_than_its_region_are_refused(stack: Path) -> None:
    with pytest.raises(CellmlError, match=r"target flat is constant \(7\)"):
        module(stack, targets=targets(stack, "flat"))
    with pytest.raises(CellmlError, match="smaller than the patch"):
        module(stack, patch=[1, 32, 8]).train_dataloader()


def test_planes_of_an_image_with_channels_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", raw=np.random.default_rng(0).random((2, 3, 4, 5)), voxel_nm=np.ones(3))
    with open_image(tmp_path / "a.npz", axes="CZYX") as opened, pytest.raises(CellmlError, match="only the planes of a stack"):
        PlanesAsChannels(opened)


def test_blocks_of_one_pair_agree_with_the_file(stack: Path) -> None:
    pair = OpenPair(PairedBlock(f"{stack}:phase", targets(stack, "tubulin"), {"x": [4, 20]}, planes_as_channels=True))
    assert pair.shape == (1, 40, 16) and pair.channels == 5 and pair.target_names == ["tubulin"]
    assert np.array_equal(pair.read_targets()[0, 0], np.load(stack)["tubulin"][:, 4:20])

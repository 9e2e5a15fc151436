"""The verb infer with committees, uncertainty and samples."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml.errors import CellmlError, ContractError
from cellml.infer.command import infer_file
from cellml.infer.context import warn_of_small_tiles
from cellml.infer.members import load_members, make_committee
from cellml.infer.predict import SlidingWindow
from cellml.io import read_labels, read_volume
from cellml.nets.unet import UNet

Command = Callable[..., int]
Overrides = Callable[..., list[str]]


def voxels(path: Path) -> np.ndarray:
    return read_volume(path).data


def test_classes_with_uncertainty_and_samples(semantic_run: Any, phantom_file: Path, cellml: Command, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    words = ["tta=4", "uncertainty=true", "probabilities=true", "samples=2", "precision=float32", "tile=[16,16,16]"]
    assert cellml("infer", f"checkpoint={semantic_run.model}", f"input={phantom_file}", f"output={out}", *words) == 0
    p = voxels(tmp_path / "out_probabilities.npz")
    np.testing.assert_allclose(p.sum(axis=0), 1, atol=1e-5)
    assert np.array_equal(voxels(out), p.argmax(axis=0))
    variance, entropy, information = (voxels(tmp_path / f"out_{n}.npz") for n in ("variance", "entropy", "mutual_information"))
    assert variance.shape == entropy.shape == (40, 32, 32) and variance.max() > 0 and variance.min() > -1e-7
    expected = -(p * np.log2(np.maximum(p, 1e-12))).sum(axis=0)
    np.testing.assert_allclose(entropy, expected, atol=1e-4)
    assert (information <= entropy + 1e-5).all() and information.max() > 0
    samples = [read_labels(tmp_path / f"out_sample_{k:03d}.npz") for k in range(2)]
    assert samples[0].kind == "semantic" and not np.array_equal(samples[0].data, samples[1].data)
    assert (samples[0].data == p.argmax(axis=0)).mean() > 0.4


def test_objects_are_drawn_by_decoding_perturbed_affinities(tiny_run: Any, phantom_file: Path, tmp_path: Path) -> None:
    result = infer_file(str(tiny_run.model), str(phantom_file), str(tmp_path / "o.tif"), samples=2, correlation_nm=40.0, seed=1)
    again = infer_file(str(tiny_run.model), str(phantom_file), str(tmp_path / "p.tif"), samples=2, correlation_nm=40.0, seed=1)
    assert result["correlation_nm"] == 40 and result["decisiveness"] == 0.5 and again["members"] == 1
    drawn = [read_labels(tmp_path / f"{name}_sample_{k:03d}.tif").data for name in "op" for k in range(2)]
    assert np.array_equal(drawn[0], drawn[2]) and np.array_equal(drawn[1], drawn[3]) and drawn[0].dtype == np.uint32


def test_one_network_alone_does_not_know_how_its_errors_hang_together(semantic_run: Any, phantom_file: Path, tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match=r"samples need to know over which length.*tta=8.*correlation_nm=50"):
        infer_file(str(semantic_run.model), str(phantom_file), str(tmp_path / "o.npz"), samples=1)
    assert not list(tmp_path.iterdir())


def test_an_ensemble_of_one_network_twice_is_that_network(semantic_run: Any, phantom_file: Path, cellml: Command, tmp_path: Path) -> None:
    model = semantic_run.model
    for name, given in (("a", f"checkpoint={model}"), ("b", f"checkpoint=[{model},{model}]")):
        words = [f"input={phantom_file}", f"output={tmp_path / name}.npz", "probabilities=true", "precision=float32"]
        assert cellml("infer", given, *words) == 0
    a, b = (voxels(tmp_path / f"{n}_probabilities.npz") for n in "ab")
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_checkpoints_that_disagree_are_refused_with_both_values(semantic_run: Any, tiny_run: Any) -> None:
    with pytest.raises(ContractError, match="do not go together: targets SemanticTarget against AffinityTarget"):
        load_members([str(semantic_run.model), str(tiny_run.model)])
    with pytest.raises(CellmlError, match="names no file"):
        load_members([])


@pytest.mark.parametrize(("key", "value"), [("spacing_nm", [20.0, 10.0, 10.0]), ("channels", 2), ("normalisation", "dtype")])
def test_an_ensemble_must_agree_on_its_input(semantic_run: Any, tmp_path: Path, key: str, value: Any) -> None:
    content = torch.load(semantic_run.model, weights_only=True)
    content["cellml"]["contract"][key] = value
    torch.save(content, tmp_path / "other.ckpt")
    with pytest.raises(ContractError, match="do not go together"):
        load_members([str(semantic_run.model), str(tmp_path / "other.ckpt")])


def test_dropout_is_asked_only_of_networks_that_have_it(semantic_run: Any) -> None:
    members = load_members(str(semantic_run.model))
    with pytest.raises(CellmlError, match=r"this one has none; train it with task\.net\.dropout"):
        make_committee(members, tta=1, dropout_passes=4, seed=0)
    with pytest.raises(CellmlError, match="tta=0 must be at least 1"):
        make_committee(members, tta=0, dropout_passes=0, seed=0)


def test_more_orientations_than_there_are_and_networks_that_saw_no_flips_are_told(
    semantic_run: Any, caplog: pytest.LogCaptureFixture
) -> None:
    members = load_members(str(semantic_run.model))
    with caplog.at_level(logging.WARNING):
        assert make_committee(members, tta=99, dropout_passes=0, seed=0).members == 48
    assert "48 orientations are allowed" in caplog.text
    members.record["config"] = "task: {}"
    caplog.clear()
    make_committee(members, tta=2, dropout_passes=0, seed=0)
    assert "trained without flips" in caplog.text


def test_another_number_of_channels_than_in_training_is_refused(semantic_run: Any, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "two.npz", raw=np.random.default_rng(0).integers(0, 255, (2, 8, 16, 16)).astype(np.uint8), voxel_nm=np.full(3, 10.0)
    )
    with pytest.raises(ContractError, match=r"has 2 channel\(s\), but the checkpoint was trained on 1"):
        infer_file(str(semantic_run.model), str(tmp_path / "two.npz"), str(tmp_path / "o.npz"), axes="CZYX")


def test_tiles_smaller_than_the_field_of_view_are_told_with_numbers(caplog: pytest.LogCaptureFixture) -> None:
    net = UNet(out_channels=2, widths=(2, 3, 4), norm="none")
    view = 2 * net.halo[0] + 1
    with caplog.at_level(logging.WARNING):
        text = warn_of_small_tiles(SlidingWindow((16, 16, 16), (8, 8, 8), (0, 0, 0)), net, (200, 200, 16))
    assert text is not None and f"({view}, {view}, {view})" in text and "along z, y it sees less" in text and text in caplog.text
    assert warn_of_small_tiles(SlidingWindow((160, 160, 160)), net, (400, 400, 400)) is None
    assert warn_of_small_tiles(SlidingWindow((16, 16, 16), (8, 8, 8), (0, 0, 0)), net, (16, 16, 16)) is None


def test_a_network_that_answers_nan_is_refused() -> None:
    class Broken(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor(float("nan")))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image * self.weight

    with pytest.raises(CellmlError, match=r"answered 512 of 512 numbers .* NaN or infinity.*precision=float32"):
        SlidingWindow((8, 8, 8), precision="bfloat16").whole(Broken(), np.zeros((1, 8, 8, 8), np.float32), activation=torch.sigmoid)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"samples": -1}, "samples=-1"),
        ({"correlation_nm": 0.0}, "length above 0 nm"),
        ({"temperature": "x"}, "between 0.01 and 100"),
        ({"tile": [8, 8]}, "three numbers of voxels"),
    ],
)
def test_impossible_numbers_are_refused(given: dict[str, Any], message: str, semantic_run: Any, phantom_file: Path, tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match=message):
        infer_file(str(semantic_run.model), str(phantom_file), str(tmp_path / "o.npz"), **given)


def test_blocks_are_predicted_by_several_checkpoints_and_orientations(semantic_run: Any, phantom_file: Path) -> None:
    from cellml.data.blocks import Block
    from cellml.infer.block import predict_block

    block = Block(str(phantom_file), f"{phantom_file}:classes", {"z": [0, 12]})
    one = predict_block(semantic_run.model, block).probabilities
    twice = predict_block([semantic_run.model, semantic_run.model], block).probabilities
    turned = predict_block(semantic_run.model, block, tta=8).probabilities
    np.testing.assert_allclose(twice, one, atol=1e-5)
    assert turned.shape == one.shape
    np.testing.assert_allclose(turned.sum(axis=0), 1, atol=1e-5)
    assert np.abs(turned - one).max() > 1e-3

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cellml.errors import CellmlError, FileError
from cellml.initialisation import best_fit, initialise, with_channels
from cellml.losses.semantic import SemanticLoss
from cellml.nets.unet import UNet
from cellml.tasks.segmentation import SegmentationTask
from cellml.tasks.targets import SemanticTarget


def task(classes: int = 2, **net: Any) -> SegmentationTask:
    names = [f"class {number}" for number in range(classes)]
    return SegmentationTask(
        UNet(**{"out_channels": classes, "widths": (2, 4), **net}), SemanticTarget(names), SemanticLoss(), torch.optim.SGD
    )


def saved(one: Any, path: Path) -> str:
    torch.save(one.state_dict(), path)
    return str(path)


def test_another_number_of_classes_leaves_the_head_new_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, target = task(2), task(5)
    head = target.net.head.weight.clone()
    with caplog.at_level(logging.INFO):
        initialise(target, saved(source, tmp_path / "a.pt"))
    given = source.state_dict()
    assert all(torch.equal(value, given[name]) for name, value in target.state_dict().items() if ".head." not in name)
    assert torch.equal(target.net.head.weight, head)
    assert ": stem, encoder.0, encoder.1, down.0, decoder.0, up.0\n" in caplog.text
    assert "New, from random weights: head" in caplog.text and "net.head.bias does not fit ([2] there, [5] here)" in caplog.text


def test_a_finer_network_takes_what_it_shares(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    target = task(2, widths=(2, 4, 4))
    with caplog.at_level(logging.INFO):
        initialise(target, saved(task(2), tmp_path / "a.pt"))
    assert "New, from random weights: encoder.2, down.1, decoder.1, up.1" in caplog.text


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_the_first_convolution_sees_an_image_repeated_over_channels_as_it_was(channels: int, tmp_path: Path) -> None:
    source, target = task(2, in_channels=3), task(2, in_channels=channels)
    initialise(target, saved(source, tmp_path / "a.pt"))
    grey = torch.rand(1, 1, 8, 8, 8)
    answers = [one.eval()(grey.expand(-1, one.net.in_channels, -1, -1, -1)) for one in (source, target)]
    torch.testing.assert_close(*answers)


def test_grey_adds_up_the_colours() -> None:
    weight = torch.rand(4, 3, 7, 7)
    torch.testing.assert_close(with_channels(weight, 1), weight.sum(1, keepdim=True))


def test_a_file_of_one_part_finds_its_place() -> None:
    one = task(2)
    fit = best_fit(one.net.encoder.state_dict(), one.state_dict())
    assert set(fit.taken) == {name for name in one.state_dict() if name.startswith("net.encoder.")} and fit.unused == 0


def test_a_checkpoint_of_cellml_is_read_as_one(tiny_run: Any, caplog: pytest.LogCaptureFixture) -> None:
    target = task(2)
    with caplog.at_level(logging.INFO):
        initialise(target, str(tiny_run.model))
    assert "New, from random weights: head" in caplog.text and "was trained on voxels of 10 × 10 × 10 nm" in caplog.text


def test_nothing_fits(tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match=r"No weight of .* fits this network \(2 against \d+ tensors\)"):
        initialise(task(), saved(nn.Linear(3, 3), tmp_path / "a.pt"))


def test_files_that_hold_no_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no file"):
        initialise(task(), str(tmp_path / "nowhere.pth"))
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(FileError, match="neither a checkpoint nor plain tensors"):
        initialise(task(), str(tmp_path / "text.pth"))
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(FileError, match="no tensors by name"):
        initialise(task(), str(tmp_path / "empty.pth"))
    torch.save(task(), tmp_path / "code.pth")
    with pytest.raises(FileError, match="could run code"):
        initialise(task(), str(tmp_path / "code.pth"))


def test_no_source_changes_nothing() -> None:
    one = task()
    before = {name: value.clone() for name, value in one.state_dict().items()}
    initialise(one, None)
    assert all(torch.equal(before[name], value) for name, value in one.state_dict().items())

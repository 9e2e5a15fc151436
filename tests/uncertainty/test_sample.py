from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.io import read_labels
from cellml.uncertainty.sample import sample_file

SPACING = np.array([20.0, 10.0, 10.0])


def ball(folder: Path, **arrays: np.ndarray) -> Path:
    """A ball whose border is unsure."""
    grid = np.stack(np.meshgrid(*(np.arange(n) * s for n, s in zip((20, 40, 40), SPACING, strict=True)), indexing="ij"))
    distance = np.sqrt(((grid - np.array([190.0, 195.0, 195.0])[:, None, None, None]) ** 2).sum(axis=0))
    p = (1 / (1 + np.exp((distance - 120) / 15))).astype(np.float32)
    path = folder / "p.npz"
    np.savez(path, **({"probabilities": p} | arrays), voxel_nm=SPACING)
    return path


def test_samples_are_label_files_in_the_frame_whose_mean_is_the_probability(tmp_path: Path) -> None:
    path = ball(tmp_path)
    result = sample_file(str(path), str(tmp_path / "s.npz"), correlation_nm=40.0, samples=24)
    labels = [read_labels(file) for file in result["files"]]
    assert labels[0].spacing == tuple(SPACING) and labels[0].kind == "semantic" and len(set(result["files"])) == 24
    p = np.load(path)["probabilities"]
    mean = np.mean([one.data for one in labels], axis=0)
    for low, high in ((0.0, 0.02), (0.4, 0.6), (0.98, 1.0)):
        part = (p >= low) & (p <= high)
        assert mean[part].mean() == pytest.approx(p[part].mean(), abs=0.06)
    volumes = [one.data.sum() for one in labels]
    assert np.std(volumes) > 0 and not np.array_equal(labels[0].data, labels[1].data)


def test_a_seed_gives_the_same_samples_and_its_number_does_not_matter(tmp_path: Path) -> None:
    path = str(ball(tmp_path))
    few, many = (sample_file(path, str(tmp_path / f"{n}.npz"), 40.0, samples=n, seed=3)["files"] for n in (1, 2))
    assert np.array_equal(read_labels(few[0]).data, read_labels(many[0]).data)


def test_bytes_and_classes(tmp_path: Path) -> None:
    p = np.full((3, 4, 20, 20), 1 / 3, np.float32)
    path = ball(tmp_path, probabilities=p)
    classes = read_labels(sample_file(str(path), str(tmp_path / "s.npz"), 10.0, samples=1)["files"][0]).data
    assert set(np.unique(classes)) == {0, 1, 2}
    path = ball(tmp_path, probabilities=np.full((4, 20, 20), 255, np.uint8))
    assert sample_file(str(path), str(tmp_path / "b.npz"), 10.0, samples=1)["labelled"] == [1.0]


@pytest.mark.parametrize("values", [np.linspace(-0.5, 1, 400), np.linspace(0, 100, 400), np.full(400, np.nan)])
def test_values_that_are_no_probabilities_are_refused(values: np.ndarray, tmp_path: Path) -> None:
    path = ball(tmp_path, probabilities=values.reshape(4, 10, 10).astype(np.float32))
    with pytest.raises(CellmlError, match=r"holds values from .* between 0 and 1"):
        sample_file(str(path), str(tmp_path / "s.npz"), 10.0)
    assert not list(tmp_path.glob("s_sample*"))


def test_channels_that_do_not_sum_to_one_are_refused(
    tmp_path: Path, cellml: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    path = ball(tmp_path, probabilities=np.full((9, 4, 10, 10), 0.9, np.float32))
    assert cellml("sample", f"input={path}", f"output={tmp_path / 's.npz'}", "correlation_nm=20") == 2
    assert "do not sum to 1" in capsys.readouterr().err


@pytest.mark.slow
def test_a_sample_can_be_meshed(tmp_path: Path, cellml: Callable[..., int]) -> None:
    sample_file(str(ball(tmp_path)), str(tmp_path / "s.npz"), correlation_nm=60.0, samples=1)
    assert cellml("mesh", f"input={tmp_path / 's_sample_000.npz'}", f"output={tmp_path / 'ball.vtu'}") == 0

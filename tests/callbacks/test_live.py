"""The live page: written while training runs, self-contained, carried on, and never the end of a training."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from cellml.callbacks import live
from cellml.callbacks.live import LivePage, middle_section, write_page

Command = Callable[..., int]


def trainer(step: int, **metrics: float) -> Any:
    values = {name.replace("__", "/"): torch.tensor(value) for name, value in metrics.items()}
    return SimpleNamespace(
        global_step=step, max_steps=10, log_every_n_steps=1, sanity_checking=False, is_global_zero=True, callback_metrics=values, loggers=[]
    )


def batch() -> dict[str, Any]:
    labels = np.zeros((6, 20, 24), np.int64)
    labels[:, 3:9, 3:12] = 4
    return {"image": torch.rand(1, 6, 20, 24), "labels": torch.from_numpy(labels), "spacing": (10.0, 10.0, 10.0), "name": "block"}


def test_a_training_leaves_a_page_that_stands_still(cellml: Command, tiny: Callable[..., list[str]], tmp_path: Path) -> None:
    assert cellml("train", *tiny(tmp_path / "run"), "callbacks=live") == 0
    text = (tmp_path / "run/live.html").read_text()
    assert "step 4 of 4, ended" in text and 'http-equiv="refresh"' not in text and "http" not in text.replace("http-equiv", "")
    pictures = re.findall(r'base64,([^"]+)"', text)
    sizes = [Image.open(io.BytesIO(base64.b64decode(picture))).size for picture in pictures]
    assert len(sizes) == 2 and min(min(size) for size in sizes) > 100
    assert Image.open(tmp_path / "run/live.png").size == sizes[0]


def test_the_page_of_a_running_training_loads_itself_anew(tmp_path: Path) -> None:
    page = LivePage(str(tmp_path), refresh=7)
    page.on_validation_start(trainer(3), None)  # type: ignore[arg-type]
    page.on_validation_batch_end(trainer(3), None, {"prediction": np.ones((6, 20, 24), int)}, batch(), 0)  # type: ignore[arg-type]
    page.on_validation_end(trainer(3, val__loss=0.5), None)  # type: ignore[arg-type]
    text = (tmp_path / "live.html").read_text()
    assert '<meta http-equiv="refresh" content="7">' in text and "step 3 of 10" in text and text.count("<img") == 2


def test_curves_go_on_after_resuming_and_stay_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_MOST_POINTS", 10)
    page = LivePage(str(tmp_path), seconds=1e9)
    for step in range(1, 40):
        page._drawn = 1e12
        page.on_train_batch_end(trainer(step, train__loss=1 / step, val__loss=9.0), None, None, None, 0)  # type: ignore[arg-type]
    steps = [step for step, _ in page.curves["train/loss"]]
    assert len(steps) <= 10 and steps == sorted(steps) and steps[-1] >= 38 and "val/loss" not in page.curves
    other = LivePage(str(tmp_path))
    other.load_state_dict(page.state_dict())
    assert other.curves == page.curves


def test_images_show_their_first_channel() -> None:
    one = {**batch(), "labels": torch.rand(2, 6, 20, 24)}
    found = middle_section(one, {"image": np.full((2, 6, 20, 24), 3.0)})
    assert found is not None and not found["labels"] and found["prediction"].shape == (20, 24) and found["position_nm"] == 30.0
    np.testing.assert_array_equal(found["truth"], one["labels"][0, 3].numpy())
    assert middle_section(one, {"surfaces": []}) is None


def test_a_picture_that_fails_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    page = LivePage(str(tmp_path))
    page.on_validation_batch_end(trainer(1), None, {"prediction": "nonsense"}, batch(), 0)  # type: ignore[arg-type]
    assert "shows no section of this validation" in caplog.text
    monkeypatch.setattr(live, "write_page", lambda *a: (_ for _ in ()).throw(OSError("disk")))
    page.on_validation_end(trainer(1, val__loss=0.5), None)  # type: ignore[arg-type]
    assert "The live page was not drawn: disk" in caplog.text


def test_loggers_that_take_images_get_the_figures(tmp_path: Path) -> None:
    taken: list[str] = []
    logger = SimpleNamespace(log_image=lambda key, images, step: taken.append(f"{key} {images[0].ndim} {step}"))
    page = LivePage(str(tmp_path))
    one = trainer(2, val__loss=0.5)
    one.loggers = [logger]
    page.on_validation_end(one, None)  # type: ignore[arg-type]
    assert taken == ["live/curves 3 2"]


def test_the_page_allows_no_request(tmp_path: Path) -> None:
    write_page(tmp_path, {"curves": b"x"}, "step 1", None)
    assert "default-src 'none'; img-src data:" in (tmp_path / "live.html").read_text()

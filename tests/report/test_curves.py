from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.report.curves import _running_mean, learning_curves, read_metrics


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_sparse_columns_keep_their_steps(tmp_path):
    path = write(tmp_path / "metrics.csv", "epoch,step,train/loss,val/loss\n0,0,3.0,\n0,1,2.0,\n0,1,,2.5\n1,2,nan,\n1,3,inf,1.5\n")
    found = read_metrics(path)
    assert sorted(found) == ["train/loss", "val/loss"]
    assert [a.tolist() for a in found["train/loss"]] == [[0.0, 1.0], [3.0, 2.0]]
    assert [a.tolist() for a in found["val/loss"]] == [[1.0, 3.0], [2.5, 1.5]]


def test_the_running_mean_is_that_of_a_loop():
    values = np.random.default_rng(0).random(30)
    expected = [values[max(0, i - 4) : i + 5].mean() for i in range(30)]
    np.testing.assert_allclose(_running_mean(values, 4), expected)


def test_training_and_validation_share_a_panel_and_rates_come_last(tmp_path):
    steps = "".join(f"0,{n},{1.0 / (n + 1)},,,0.1,,\n" for n in range(60))
    header = "epoch,step,train/loss_step,train/loss_epoch,val/loss,lr-Adam,val/sim/time/rel_error,speed\n"
    figure = learning_curves(write(tmp_path / "metrics.csv", header + steps + "0,59,,0.3,0.4,,0.2,9\n"))
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    assert titles == ["loss", "sim · time · rel error", "speed", "lr-Adam"]
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["train (step)", "val"]
    assert figure.axes[0].get_yscale() == "log"


@pytest.mark.parametrize("text", ["", "epoch,step,train/loss\n", "epoch,step,train/loss\n0,1,\n0,2,nan\n"])
def test_a_log_without_a_curve_is_an_error_with_its_name(tmp_path, text):
    with pytest.raises(FileError, match=r"metrics\.csv holds no curve"):
        learning_curves(write(tmp_path / "metrics.csv", text))

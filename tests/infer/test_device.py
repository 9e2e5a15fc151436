from __future__ import annotations

import os

import pytest
import torch

from cellml.errors import CellmlError
from cellml.infer import device
from cellml.infer.device import choose_device, choose_precision, set_threads


def test_auto_takes_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, name in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert choose_device("auto") == name


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CellmlError, match="sees no CUDA device"):
        choose_device("cuda")
    with pytest.raises(CellmlError, match="device=tpu is unknown"):
        choose_device("tpu")


@pytest.mark.parametrize(("hardware", "chosen"), [(True, "bfloat16"), (False, "float32")])
def test_bfloat16_only_where_the_processor_multiplies_it(monkeypatch: pytest.MonkeyPatch, hardware: bool, chosen: str) -> None:
    monkeypatch.setattr("cellml.training.cpu_has_bfloat16", lambda: hardware)
    assert choose_precision("cpu") == chosen
    assert choose_precision("cuda") == "bfloat16"


def test_threads_follow_the_argument_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", wanted.append)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    set_threads(None)
    set_threads(3)
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(device.os, "sched_getaffinity", lambda _: {0, 1, 2, 3, 4})
    set_threads(None)
    assert wanted == [3, 5]
    assert os is device.os

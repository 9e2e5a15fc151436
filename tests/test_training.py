from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from cellml import training
from cellml.errors import CellmlError
from cellml.training import TrainingPlan, plan_training

USUAL: dict[str, Any] = {"precision": "auto", "max_steps": 10, "budget_minutes": None, "validations": 4, "resumed": None, "gpu": False}


def plan(
    monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float] | None = None, hardware: bool = False, **changes: Any
) -> tuple[TrainingPlan, list[str]]:
    timed: list[str] = []

    def time_step(task: Any, data: Any, name: str, gpu: bool) -> float:
        timed.append(name)
        return (seconds or {})[name]

    monkeypatch.setattr(training, "time_step", time_step)
    monkeypatch.setattr(training, "cpu_has_bfloat16", lambda: hardware)
    return plan_training(None, None, **{**USUAL, **changes}), timed


@pytest.mark.parametrize(
    ("seconds", "chosen"), [({"32-true": 1.0, "bf16-mixed": 0.3}, "bf16-mixed"), ({"32-true": 1.0, "bf16-mixed": 3.0}, "32-true")]
)
def test_with_bfloat16_hardware_both_are_timed_and_the_faster_is_taken_and_logged(
    seconds: dict, chosen: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        found, timed = plan(monkeypatch, seconds, hardware=True)
    assert found.precision == chosen and timed == ["32-true", "bf16-mixed"]
    assert f"Precision {chosen} (32-true 1.00 s a step, bf16-mixed" in caplog.text


def test_without_the_hardware_bfloat16_is_never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(monkeypatch, {"32-true": 1.0}) == (TrainingPlan("32-true", 10, 2), [])
    assert plan(monkeypatch, {"32-true": 2.0}, max_steps=None, budget_minutes=1) == (TrainingPlan("32-true", 30, 7, 2.0), ["32-true"])


@pytest.mark.parametrize(
    ("flags", "has"),
    [
        ("flags : sse avx2 avx512f", False),
        ("flags : avx512_bf16 sse", True),
        ("flags : amx_bf16", True),
        ("Features : fp asimd bf16", True),
    ],
)
def test_the_processor_says_what_it_multiplies(flags: str, has: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpuinfo").write_text(flags)
    import pathlib

    monkeypatch.setattr(pathlib, "Path", lambda _: tmp_path / "cpuinfo")
    assert training.cpu_has_bfloat16() is has


def test_what_is_asked_for_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(monkeypatch, precision="bf16-mixed")[1] == []
    assert plan(monkeypatch, gpu=True)[0].precision == "bf16-mixed"


def test_several_processes_decide_alike_without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(monkeypatch, hardware=True, alone=False) == (TrainingPlan("bf16-mixed", 10, 2), [])
    with pytest.raises(CellmlError, match="give training.max_steps=N with trainer=ddp"):
        plan(monkeypatch, max_steps=None, budget_minutes=1, alone=False)


def test_a_resumed_training_keeps_its_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    old = TrainingPlan("32-true", 77, 11, 0.5)
    assert plan(monkeypatch, hardware=True, resumed=old.as_dict()) == (old, [])


@pytest.mark.parametrize("both", [{"max_steps": None}, {"budget_minutes": 3}])
def test_steps_or_a_budget_and_not_both(both: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CellmlError, match="not both"):
        plan(monkeypatch, **both)


def test_timing_leaves_the_network_as_it_was() -> None:
    from cellml.losses.semantic import SemanticLoss
    from cellml.nets.unet import UNet
    from cellml.tasks.segmentation import SegmentationTask
    from cellml.tasks.targets import SemanticTarget

    net = UNet(out_channels=2, widths=(2, 2))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    task = SegmentationTask(net, SemanticTarget(["a", "b"]), SemanticLoss(), torch.optim.SGD)
    batch = {"image": torch.rand(1, 1, 8, 8, 8), "labels": torch.randint(0, 2, (1, 8, 8, 8))}
    assert training.time_step(task, SimpleNamespace(train_dataloader=lambda: [batch]), "32-true", gpu=False) > 0
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items()) and all(p.grad is None for p in net.parameters())

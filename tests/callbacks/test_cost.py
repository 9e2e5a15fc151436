"""What a training cost is counted on when it is resumed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cellml.callbacks import cost
from cellml.callbacks.cost import TrainingCost, cost_of
from cellml.energy import Counter, EnergyMeter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock and a meter of 10 W that stand still until they are moved."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(cost.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(cost, "EnergyMeter", lambda: EnergyMeter([Counter("meter", lambda: 10 * clock.now)]))
    return clock


def test_seconds_and_joules_of_two_runs_add_up(clock: SimpleNamespace) -> None:
    first = TrainingCost()
    first.begin()
    clock.now = 60.0
    saved = first.state_dict()
    assert saved == {"seconds": 60.0, "joules": 600.0}
    second = TrainingCost()
    second.load_state_dict(saved)
    second.begin()
    clock.now = 70.0
    second.end()
    clock.now = 500.0
    found = second.as_dict()
    assert found["seconds"] == 70.0 and found["joules"] == 700.0 and found["meters"] == ["meter"] and found["machine"]["cores"] >= 1


def test_without_a_meter_energy_is_unknown_not_zero(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "EnergyMeter", lambda: EnergyMeter([]))
    one = TrainingCost()
    one.begin()
    assert one.as_dict()["joules"] is None


def test_the_trainers_own_is_found() -> None:
    own = TrainingCost()
    assert cost_of(SimpleNamespace(callbacks=[object(), own])) is own
    assert cost_of(SimpleNamespace(callbacks=[])).seconds == 0.0

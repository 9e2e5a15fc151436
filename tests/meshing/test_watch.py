from __future__ import annotations

import io
import time

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing import MeshingError, mesh_labels
from cellml.meshing.errors import MeshingTimeoutError
from cellml.meshing.progress import progress_line
from cellml.meshing.watch import Watch
from cellml.types import Labels


def _ball():
    grid = np.stack(np.meshgrid(*[np.arange(16) - 7.5] * 3, indexing="ij"))
    return Labels((np.sqrt((grid**2).sum(axis=0)) < 6).astype(np.uint8), (10.0, 10.0, 10.0))


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_no_time_at_all(seconds):
    with pytest.raises(CellmlError, match="timeout_s must be a positive time in seconds"):
        Watch.start(seconds)


def test_a_step_begins_only_while_there_is_time():
    told: list[str] = []
    watch = Watch.start(60.0, told.append)
    watch.begin("cutting out label 3")
    assert told == ["cutting out label 3"]
    late = Watch(watch.ends - 61.0, 60.0, told.append)
    assert late.over
    with pytest.raises(
        MeshingError, match=r"stopped after 60 s, before measuring \(timeout_s = 60\); give a larger timeout_s or a larger edge"
    ):
        late.begin("measuring")
    assert len(told) == 1


def test_meshing_tells_its_steps_in_order_and_ends_before_the_first_without_time():
    told: list[str] = []
    mesh_labels(_ball(), tell=told.append)
    first_words = [step.split()[0] for step in told]
    assert first_words[:4] == ["sampling", "making", "cutting", "optimising"]
    assert told[-1] == "measuring the mesh"
    with pytest.raises(MeshingError, match="Meshing was stopped after 1e-09 s, before "):
        mesh_labels(_ball(), timeout_s=1e-9)


def test_time_that_is_over_once_a_cut_was_set_aside_is_told(monkeypatch):
    now = time.monotonic

    def too_far(*_):
        monkeypatch.setattr(time, "monotonic", lambda: now() + 1000.0)
        return 1.2

    monkeypatch.setattr("cellml.meshing.labels.strays_by", too_far)
    with pytest.raises(MeshingTimeoutError, match="stopped after 500 s, before optimising"):
        mesh_labels(_ball(), timeout_s=500.0)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_shows_on_a_terminal_only(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    plain, terminal = io.StringIO(), _Terminal()
    for file in (plain, terminal):
        with progress_line("meshing a [b].tif", file) as tell:
            tell("cutting out label 3, 1 of 2")
    assert plain.getvalue() == ""
    assert "meshing a [b].tif: cutting out label 3, 1 of 2" in terminal.getvalue()

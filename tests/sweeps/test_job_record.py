from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from cellml.sweeps.job_record import FILE, JobRecord, read_record, recorded


def known(folder: Path) -> JobRecord:
    record = read_record(folder)
    assert record is not None
    return record


def test_a_run_says_that_it_lives_and_what_came_of_it(tmp_path: Path) -> None:
    with recorded(tmp_path, ["seed=1"], "val/loss") as value:
        record = known(tmp_path)
        assert (record.state, record.settled_state, record.process) == ("running", "running", os.getpid())
        value.append(0.25)
    record = known(tmp_path)
    assert (record.state, record.value, record.objective, record.starts, record.overrides) == ("done", 0.25, "val/loss", 1, ("seed=1",))


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_value_that_is_no_number_is_none(tmp_path: Path, value: float | None) -> None:
    with recorded(tmp_path, [], "val/loss") as given:
        given.append(value)
    assert known(tmp_path).value is None and known(tmp_path).state == "done"


@pytest.mark.parametrize(("error", "state"), [(ValueError("too\nlarge"), "failed"), (KeyboardInterrupt(), "interrupted")])
def test_how_it_ended_and_how_often_it_began(tmp_path: Path, error: BaseException, state: str) -> None:
    for starts in (1, 2):
        with pytest.raises(type(error)), recorded(tmp_path, [], "val/loss"):
            raise error
        assert (known(tmp_path).state, known(tmp_path).starts) == (state, starts)
    assert known(tmp_path).error == ("ValueError: too\nlarge" if state == "failed" else "")


def test_a_run_whose_process_is_gone_was_interrupted(tmp_path: Path) -> None:
    with recorded(tmp_path, [], "val/loss"):
        content = json.loads((tmp_path / FILE).read_text())
    gone = {**content, "state": "running", "process": 2**22 + 1}
    (tmp_path / FILE).write_text(json.dumps(gone))
    assert known(tmp_path).settled_state == "interrupted"
    (tmp_path / FILE).write_text(json.dumps({**gone, "host": socket.gethostname() + "-other"}))
    assert known(tmp_path).settled_state == "running", "of another machine's processes nothing is known"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "done", "unknown": 1}'])
def test_a_file_that_is_no_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_record(tmp_path) is None

"""What a run logged before it was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellml.logged_history import keep_logged_rows, last_values, logged_rows

TABLE = "step,train/loss,val/loss\r\n0,1.5,\r\n1,,0.75\r\n2,nan,\r\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_rows_up_to_the_step_that_training_goes_on_from(tmp_path: Path) -> None:
    path = write(tmp_path / "metrics.csv", TABLE)
    assert logged_rows(path, 1) == [{"step": 0, "train/loss": 1.5}, {"step": 1, "val/loss": 0.75}]
    assert len(logged_rows(path, 2)) == 3 and logged_rows(tmp_path / "none.csv", 9) == []
    assert last_values(path)["val/loss"] == 0.75


@pytest.mark.parametrize("torn", ["12", "1,0.", "3,1.2e-", "3,1.5,0.25,9", ",", '3,"1'])
def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path: Path, torn: str) -> None:
    """Its numbers may lack digits: the 12 may have become a 123."""
    path = write(tmp_path / "metrics.csv", TABLE + torn)
    assert [row["step"] for row in logged_rows(path, 100)] == [0, 1, 2]


@pytest.mark.filterwarnings("ignore:Experiment logs directory")
def test_of_several_processes_the_first_keeps_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytorch_lightning.loggers import CSVLogger
    from pytorch_lightning.utilities import rank_zero_only

    logger = CSVLogger(str(tmp_path), name="", version="")
    path = write(Path(logger.log_dir) / "metrics.csv", TABLE)
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    keep_logged_rows([logger], 1)
    assert path.read_bytes().decode() == TABLE
    monkeypatch.setattr(rank_zero_only, "rank", 0)
    keep_logged_rows([logger], 1)
    assert [row["step"] for row in logged_rows(path, 100)] == [0, 1], "and they are on the disk, whatever happens next"

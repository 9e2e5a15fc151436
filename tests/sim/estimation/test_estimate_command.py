from __future__ import annotations

import csv
from functools import partial

import pytest

from cellml.cli import main
from cellml.errors import FileError
from cellml.io import write_mesh
from cellml.sim.errors import SimulationError
from cellml.sim.estimation import results
from cellml.sim.estimation.coverage import MODEL
from cellml.sim.estimation.measurements import read_measurements
from cellml.sim.estimation.predictive import predictive
from cellml.sim.model_file import load_model


@pytest.fixture
def files(tmp_path, noisy, monkeypatch):
    """A mesh, a model and measurements in other units than those of the engine; few draws, since bands are tested by themselves."""
    monkeypatch.setattr(results, "predictive", partial(predictive, draws=10))
    write_mesh(noisy.mesh, tmp_path / "cell.vtu")
    (tmp_path / "binding.yaml").write_text(MODEL.replace("steps: 25", "steps: 12"))
    bound, far = noisy.measurements
    with (tmp_path / "measured.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["time (ms)", "bound (molecule)", "sd of bound (molecule)", "far (nM)", "sd of far (nM)"])
        nM = 0.602214076
        for i, t in enumerate(bound.times):
            far_now = ("", "") if i == 0 else (far.values[i] / nM, far.sd[i] / nM)
            table.writerow([t * 1e3, bound.values[i], bound.sd[i], *far_now])
    return tmp_path


def test_estimates_from_files(files, fitted, capsys):
    words = [f"mesh={files}/cell.vtu", f"model={files}/binding.yaml", f"measurements={files}/measured.csv", f"output={files}/out"]
    assert main(["estimate", *words]) == 0
    printed = capsys.readouterr().out
    assert "Laplace" in printed
    assert "Warning: the time step is too coarse for these data: with 24 instead of 12 steps" in printed
    assert "Warning: The time step of 0.167 s is longer than a tenth of the fastest reaction time" in printed  # as `simulate` says it
    assert "empty cells under far, taken as not measured: 1" in printed
    assert "under bound" not in printed
    with (files / "out" / "estimates.csv").open() as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert rows["D"]["unit"] == "um^2/s"
    assert float(rows["D"]["value"]) == pytest.approx(fitted.values["D"], rel=0.02)
    assert float(rows["k_on"]["low_90"]) < 0.06 < float(rows["k_on"]["high_90"])
    assert {"correlation.csv", "predictive.png", "model.yaml"} <= {path.name for path in (files / "out").iterdir()}
    assert main(["estimate", *words]) == 2  # not replaced unasked
    assert "overwrite=true" in capsys.readouterr().err


def test_profiles_from_the_command_line(files, capsys):
    words = [f"mesh={files}/cell.vtu", f"model={files}/binding.yaml", f"measurements={files}/measured.csv", f"output={files}/out"]
    assert main(["estimate", *words, "unknowns=[D]", "uncertainty=profile"]) == 0
    assert "profile likelihood" in capsys.readouterr().out
    assert (files / "out" / "profiles.png").stat().st_size > 5000


def test_measurements_keep_their_units_and_gaps(files, noisy):
    bound, far = read_measurements(files / "measured.csv", load_model(files / "binding.yaml"))
    assert bound.times == pytest.approx(noisy.measurements[0].times)
    assert far.values == pytest.approx(noisy.measurements[1].values[1:])
    assert len(far.times) == len(bound.times) - 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,bound (molecule)\n1,2", "needs a unit in brackets"),
        ("t (s),bound (molecule)\n1,2", "has no column `time"),
        ("time (s),bound (molecule)\n1,2", "`sd of bound` is missing"),
        ("time (s),bond (molecule),sd of bond (molecule)\n1,2,1", "'bond' is no time course .* it observes bound, far"),
        ("time (s),bound (uM),sd of bound (uM)\n1,2,1", "column 'bound': a unit such as molecule is needed"),
        ("time (s),bound (molecule),sd of bound (molecule)\n1,two,1", ":2: 'two' under 'bound .molecule.' is not a number"),
        ("time (s),bound (molecule),sd of bound (molecule)\n1,2,0", "must be positive; the least is 0"),
        ("time (s)\n", "holds no measurements"),
        ("time (s),bound (molecule),bound (kmolecule),sd of bound (molecule)\n1,2,1,1", "two columns 'bound'"),
        ("time (s),bound (molecule),sd of bound (molecule)\n0,2,1\n\n-1,2,1", ":4: the time -1 s is before 0"),
        ("time (s),bound (molecule),sd of bound (molecule)\n,2,1", ":2: the time is empty"),
        ("time (s),bound (molecule),sd of bound (molecule)\n1,2,1\n2,NaN,1", ":3: 'NaN' under 'bound .molecule.' is no number; leave"),
        ("time (s),bound (molecule),sd of bound (molecule)\n1,2,1\n2,-inf,1", ":3: '-inf' under 'bound .molecule.' is no number"),
        ("time (s),bound (molecule),sd of bound (molecule)\n1,2,1\n2,2,", ":3: bound is measured, but its deviation"),
        ("time (s),bound (molecule),sd of bound (molecule)\n1,2,1,7", ":2: 4 cells under 3 headings"),
    ],
)
def test_bad_measurements_name_what_and_where(files, text, message):
    path = files / "bad.csv"
    path.write_text(text)
    with pytest.raises(SimulationError, match=message):
        read_measurements(path, load_model(files / "binding.yaml"))


def test_measurements_that_excel_saved_are_read(files):
    """As UTF-8 with a byte-order mark, which stands before the first heading."""
    path = files / "measured.csv"
    plain = read_measurements(path, load_model(files / "binding.yaml"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    marked = read_measurements(path, load_model(files / "binding.yaml"))
    assert [one.values.tolist() for one in marked] == [one.values.tolist() for one in plain]


def test_a_time_may_be_measured_twice_and_blank_lines_are_nothing(files):
    path = files / "twice.csv"
    path.write_text("time (s),bound (molecule),sd of bound (molecule)\n1,2,1\n\n1,3,1\n0.5,,\n")
    (bound,) = read_measurements(path, load_model(files / "binding.yaml"))
    assert (bound.times.tolist(), bound.values.tolist(), bound.empty) == ([1.0, 1.0], [2.0, 3.0], 1)


def test_a_missing_file_is_said(files):
    with pytest.raises(FileError, match=r"There is no table of measurements .*none\.csv"):
        read_measurements(files / "none.csv", load_model(files / "binding.yaml"))

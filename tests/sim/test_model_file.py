from __future__ import annotations

import pytest

from cellml.errors import FileError
from cellml.sim.errors import SimulationError
from cellml.sim.model_file import load_model
from cellml.sim.quantities import Quantity
from cellml.sim.shipped import find_model

GOOD = """\
name: probe
D: {value: 2e2, unit: um^2/s, source: "Allbritton et al. 1992"}
observables:
  - type: relaxation_time
  - type: conductance
    from: cut_z0
    to: cut_z1
  - type: area
    on: membrane
release:
  at: [1.0, 2, 3e0]
  end: {value: 5, unit: ms}
  steps: 7
"""


@pytest.fixture
def write(tmp_path):
    def make(text: str):
        path = tmp_path / "model.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def test_a_model_is_read_as_written(write):
    model = load_model(write(GOOD))
    assert model.name == "probe"
    assert Quantity(200.0, "um^2/s", "Allbritton et al. 1992") == model.D
    assert [(o.type, o.name, dict(o.places)) for o in model.observables] == [
        ("relaxation_time", "relaxation_time", {}),
        ("conductance", "conductance", {"from": "cut_z0", "to": "cut_z1"}),
        ("area", "area", {"on": "membrane"}),
    ]
    assert model.observables[1].where.endswith("model.yaml:5")
    assert (model.release.at, model.release.end.to("s"), model.release.steps) == ((1.0, 2.0, 3.0), 0.005, 7)
    assert (model.release.scheme, model.release.snapshots) == ("bdf2", 5)


def test_shipped_models_are_valid():
    model = load_model(find_model("diffusion"))
    assert {"relaxation_time", "first_passage_time", "conductance"} <= {o.name for o in model.observables}
    assert model.D.source


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("name: probe", "nam: probe", 1, r"`nam`: is not a key of a model; known here: D, observables, name, release"),
        ("type: relaxation_time", "type: relaxation", 4, r"'relaxation' is not a type of observable; there are relaxation_time, first"),
        ("    to: cut_z1", "    into: cut_z1", 7, r"`observables.1.into`: is not a key"),
        ("    to: cut_z1\n", "", 5, r"`observables.1`: the key 'to' is missing"),
        ("value: 2e2, unit: um^2/s", "value: 2e2", 2, r"`D`: the key 'unit' is missing"),
        ("value: 2e2, unit: um^2/s", "value: 2e2, unit: um/s", 2, r"`D.unit`: a unit such as um\^2/s is needed"),
        ("unit: um^2/s", "unit: parsnips", 2, r"'parsnips' is not a unit"),
        ("value: 2e2", "value: -3", 2, r"`D.value`: must be positive, found -3"),
        ("value: 2e2", "value: .nan", 2, r"`D.value`: a finite number is needed, found nan"),
        ("value: 2e2", "value: true", 2, r"`D.value`: a finite number is needed, found True"),
        (
            "D: {value: 2e2, unit: um^2/s",
            "D: 3.0 #",
            2,
            r"`D`: a value with a unit is needed, such as \{value: 1.0, unit: um\^2/s\}, found 3.0",
        ),
        ("steps: 7", "steps: 0", 13, r"`release.steps`: a whole number of at least 1"),
        ("steps: 7", "scheme: magic", 13, r"'magic' is not a time-stepping scheme; there are bdf2, backward_euler"),
        ("[1.0, 2, 3e0]", "[1.0, 2]", 11, r"three coordinates \[x, y, z\] in nm, found 2"),
        ("unit: ms", "unit: nm", 12, r"`release.end.unit`: a unit such as s is needed"),
        ("  - type: area", "  - type: area\n    name: conductance", 8, r"a second observable has the name 'conductance'"),
        ("    on: membrane", "    on: 3", 9, r"`observables.2.on`: a name is needed, found 3"),
        ("steps: 7", "steps: 7\n  steps: 8", 14, r"`release.steps`: the key 'steps' stands here for a second time"),
        ("steps: 7", "steps: [7", 14, r"this is not YAML"),
    ],
)
def test_mistakes_are_named_with_file_line_and_key(write, old, new, line, message):
    assert old in GOOD
    path = write(GOOD.replace(old, new))
    with pytest.raises(SimulationError, match=rf"model\.yaml:{line}: .*{message}"):
        load_model(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "found NoneType"), ("- 1\n", "found list"), ("D: {value: 1, unit: um^2/s}\nobservables: []\n", "at least one observable")],
)
def test_empty_models_are_refused(write, text, message):
    with pytest.raises(SimulationError, match=message):
        load_model(write(text))


def test_code_in_a_model_is_not_run(write, tmp_path):
    path = write(f"D: !!python/object/apply:os.mkdir ['{tmp_path}/made']\nobservables: []\n")
    with pytest.raises(SimulationError, match="this is not YAML"):
        load_model(path)
    assert not (tmp_path / "made").exists()


def test_missing_files_list_the_shipped_models(tmp_path):
    with pytest.raises(FileError, match=r"no model file .*calzium; .* a shipped model: .*diffusion"):
        find_model("calzium")
    with pytest.raises(FileError, match="cannot be read"):
        load_model(tmp_path)


def test_a_file_wins_over_a_shipped_name(write, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "diffusion").write_text(GOOD, encoding="utf-8")
    assert load_model(find_model("diffusion")).name == "probe"

from __future__ import annotations

import pytest

from cellml.cli import main
from cellml.errors import FileError
from cellml.sim.imports.command import import_model
from cellml.sim.imports.reading import read_document
from cellml.sim.model_file import load_model

BINDING = """
model binding
  compartment cell = 2;
  species A in cell, B in cell, C in cell;
  A = 10; B = 5; C = 0;
  k1 = 0.5; k2 = 0.1;
  bind: A + B -> C; cell*(k1*A*B - k2*C);
end
"""


@pytest.fixture
def binding(tmp_path):
    path = tmp_path / "binding.ant"
    path.write_text(BINDING, encoding="utf-8")
    return path


def test_antimony_becomes_a_model_that_is_solved(binding, tmp_path, rod, capsys):
    from dataclasses import replace

    from cellml.sim.model import Compartment
    from cellml.sim.quantities import Quantity
    from cellml.sim.solve import solve_model

    target = tmp_path / "binding.yaml"
    words = [f"input={binding}", f"output={target}", "assume_units=true", "units.substance=umol"]
    assert main(["model", *words]) == 0
    printed = capsys.readouterr().out
    assert "1 compartment, 0 membranes, 3 species, 1 reaction, 2 parameters" in printed
    assert "Note: The unit of k1 is assumed to be " in printed
    assert "begins at" not in printed
    model = load_model(target)
    assert str(model.reactions[0].rate) == "k1 * A * B - k2 * C"
    assert model.parameters["k1"].quantity.to("1/(uM*s)") == pytest.approx(0.5)
    here = replace(model, compartments={"cell": Compartment("cell", ("*",))}, time=replace(model.time, end=Quantity(50.0, "s"), steps=200))
    solution = solve_model(rod, here, errors="never")
    # 0.5 (10 − c)(5 − c) = 0.1 c
    assert solution["C_mean_final"].value == pytest.approx((15.2 - (15.2**2 - 200) ** 0.5) / 2, rel=1e-6)


def test_an_older_file_is_kept_and_open_units_are_named(binding, tmp_path):
    (tmp_path / "old.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(FileError, match="exists; give another output, or overwrite=true"):
        import_model(binding, tmp_path / "old.yaml", assume_units=True)
    assert main(["model", f"input={binding}", f"output={tmp_path / 'new.yaml'}"]) == 2
    assert not (tmp_path / "new.yaml").exists()
    import_model(binding, tmp_path / "old.yaml", assume_units=True, overwrite=True)
    assert load_model(tmp_path / "old.yaml").name == "binding"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "", "the suffix must be one of .xml, .sbml, .ant, .antimony"),
        ("a.xml", "<html/>", "this is not SBML that can be used"),
        ("a.xml", "", "is empty"),
        ("a.ant", "model (", "is not Antimony"),
        ("a.xml", '<?xml version="1.0"?><sbml xmlns="http://www.sbml.org/sbml/level1" level="1" version="2"/>', "SBML"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_document(path)
    with pytest.raises(FileError, match="There is no file"):
        read_document(tmp_path / "missing.xml")

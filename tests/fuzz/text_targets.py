"""Readers of models, tables, recipes and checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from target import Target

_INFERRED = "label,voxels,inferred_share,boundary_share,deviation,mostly_inferred\n1,40,0.5,0.25,0.1,true\n2,9,0.1,,,false\n"


def _models(folder: Path) -> None:
    from cellml.sim.shipped import find_model

    for name in ("spine_decay", "receptor_binding", "turing", "elastic_indentation"):
        (folder / f"{name}.yaml").write_bytes(find_model(name).read_bytes())


def _model_read(path: Path) -> Any:
    from cellml.sim.mechanics_file import load_any_model

    return load_any_model(path)


def _antimony(folder: Path) -> None:
    (folder / "a.ant").write_text(
        "model cell\n compartment c; c = 1e-15;\n species A in c, B in c; A = 2e-20; B = 0;\n k = 0.1;\n J1: A -> B; k*A*c;\nend\n"
    )


def _sbml(folder: Path) -> None:
    import antimony

    _antimony(folder)
    antimony.clearPreviousLoads()
    antimony.loadAntimonyString((folder / "a.ant").read_text())
    (folder / "a.xml").write_text(antimony.getSBMLString(antimony.getMainModuleName()))
    (folder / "a.ant").unlink()


def _sbml_read(path: Path) -> Any:
    from cellml.sim.imports.reading import read_document

    return read_document(path)


def _coefficients(folder: Path) -> None:
    names = [f"shcoeffs_L{degree}M{order}{kind}" for degree in range(3) for order in range(degree + 1) for kind in "CS"]
    rows = [",".join(["CellId", *names])] + [",".join([str(n), *(f"{0.1 * n + k:.3f}" for k in range(len(names)))]) for n in range(3)]
    (folder / "a.csv").write_text("\n".join(rows) + "\n")


def _coefficients_read(path: Path) -> Any:
    from cellml.shapes.harmonics.tables import read_table

    return read_table(path)


def _hierarchy(folder: Path) -> None:
    (folder / "a.yaml").write_text("subsystems: {spine: [neck, head], neck: [neck_width, neck_length], head: [volume]}\n")


def _hierarchy_read(path: Path) -> Any:
    from cellml.interpret.hierarchy_files import read_hierarchy

    return read_hierarchy(path)


def _ontology(folder: Path) -> None:
    (folder / "a.txt").write_text("root\tneck\tdefault\nroot\thead\tdefault\nneck\twidth\tgene\nhead\tvolume\tgene\n")


def _checkpoint(folder: Path) -> None:
    import torch

    contract = {"channels": 1, "spacing_nm": [8.0, 8.0, 8.0], "normalisation": "percentile"}
    record = {"schema": 1, "task": "cellml.tasks.x", "config": "a: 1", "contract": contract}
    with (folder / "a.ckpt").open("wb") as stream:
        torch.save({"state_dict": {"w": torch.zeros(3)}, "cellml": record}, stream)


def _checkpoint_read(path: Path) -> Any:
    from cellml.checkpoint import read

    return read(path)


def _model_row(path: Path) -> Any:
    """What `cellml models` and `cellml card` make of a checkpoint without building it."""
    from cellml.checkpoint import read
    from cellml.sharing.card import card, facts_of
    from cellml.sharing.models_command import row_of

    return row_of(path), card(facts_of(read(path)["cellml"], name="x", size_mb=1.0))


def _recorded(folder: Path) -> None:
    import torch

    contract = {"channels": 1, "spacing_nm": [8.0, 8.0, 8.0], "normalisation": "volume"}
    record = {
        "schema": 1, "task": "cellml.tasks.x", "config": "{data: {path: tissue.npz}, task: {net: {_target_: x}}}", "contract": contract,
        "metrics": {"val/dice": 0.5}, "plan": {"max_steps": 4, "step_seconds": 1.5}, "step": 4, "overrides": ["a=1"], "versions": {"torch": "2"},
        "training": {"seconds": 3.0, "joules": None, "meters": [], "machine": {"cores": 2}}, "data": [{"name": "tissue", "licence": "MIT"}],
    }  # fmt: skip
    with (folder / "a.ckpt").open("wb") as stream:
        torch.save({"state_dict": {"w": torch.zeros(3)}, "cellml": record}, stream)


def _recipe(folder: Path) -> None:
    (folder / "a.yaml").write_text("dark: {_target_: cellml.annotation.thresholds.GreyRange, high: 90}\n")


def _recipe_read(path: Path) -> Any:
    from cellml.annotation.recipe import read_recipe

    return read_recipe(path)


def _decisions(folder: Path) -> None:
    (folder / "a.csv").write_text("label,decision\n1,accept\n2,reject\n")


def _decisions_read(path: Path) -> Any:
    from cellml.annotation.candidates import read_decisions

    return read_decisions(path)


def _text(name: str, content: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).write_text(content)

    return make


def _measurements_read(path: Path) -> Any:
    from cellml.sim.estimation.measurements import read_measurements
    from cellml.sim.model_file import load_model
    from cellml.sim.shipped import find_model

    return read_measurements(path, load_model(find_model("spine_calcium")))


def _measurements(folder: Path) -> None:
    from cellml.sim.engine.courses import course_requests
    from cellml.sim.model_file import load_model
    from cellml.sim.shipped import find_model

    name = course_requests(load_model(find_model("spine_calcium")))[0].name
    (folder / "a.csv").write_text(f"time (s),{name} (uM),sd of {name} (uM)\n0,0.1,0.01\n0.5,,\n1,0.2,0.02\n")


def _table_read(path: Path) -> Any:
    from cellml.data.table import read_columns

    return read_columns(path, ["length", "width"])


def _confidences_read(path: Path) -> Any:
    from cellml.metrics.confidences import read_confidences

    return read_confidences(path)


def _inferred_read(path: Path) -> Any:
    from cellml.tomography.inferred_objects import read_inferred_objects

    return read_inferred_objects(path)


def _edits_read(path: Path) -> Any:
    from cellml.annotation.edits import read_log

    return read_log(path)


TARGETS = (
    Target("model", ".yaml", _models, _model_read),
    Target("antimony", ".ant", _antimony, _sbml_read),
    Target("sbml", ".xml", _sbml, _sbml_read),
    Target("coefficients", ".csv", _coefficients, _coefficients_read),
    Target("hierarchy", ".yaml", _hierarchy, _hierarchy_read),
    Target("ontology", ".txt", _ontology, _hierarchy_read),
    Target("checkpoint", ".ckpt", _checkpoint, _checkpoint_read),
    Target("models", ".ckpt", _recorded, _model_row),
    Target("recipe", ".yaml", _recipe, _recipe_read),
    Target("measurements", ".csv", _measurements, _measurements_read),
    Target("table", ".csv", _text("a.csv", "name,length,width\na,1.5,2\nb,2.5,1\n"), _table_read),
    Target("confidences", ".csv", _text("a.csv", "label,confidence\n1,0.5\n2,0.25\n"), _confidences_read),
    Target("inferred", ".csv", _text("a.csv", _INFERRED), _inferred_read),
    Target("edits", ".jsonl", _text("a.jsonl", '{"number": 1, "action": "scribble"}\n{"number": 2, "action": "merge"}\n'), _edits_read),
    Target("decisions", ".csv", _decisions, _decisions_read),
)

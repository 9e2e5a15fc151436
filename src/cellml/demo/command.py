"""The verb `demo`: one command from a real EM volume to a report of simulated answers."""

from __future__ import annotations

import csv
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from cellml.demo.stages import Clock
from cellml.errors import CellmlError

# What comes from a solve; volume and area are read off the mesh, and the shape factor is the conductance in other units.
_SOLVED = ("relaxation_time", "first_passage_time", "conductance")
_REPORT_SECONDS, _SEGMENT_SECONDS, _SIMULATE_SECONDS = 60.0, 60.0, 300.0


def run_demo(
    output: str = "runs/demo",
    pretrained: str | None = None,
    recipe: str = "segmentation/fib25_demo",
    input: str = "fib25_train2",
    held_out: Mapping[str, Sequence[int]] | None = None,
    model: str = "diffusion",
    neurites: int = 8,
    seed: int = 0,
    minutes: float = 15.0,
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """Train (or take a checkpoint), segment a held-out block, mesh its neurites, solve a model in prediction and truth, write the report.

    Leaves in `output`: `fib25-neurites.ckpt`, `report.html`, `results.json`, and all artefacts in between. Returns the results by name.
    """
    if pretrained and not Path(pretrained).is_file():
        raise CellmlError(f"There is no checkpoint {pretrained}; leave pretrained out to train one.")
    folder, clock = _fresh(Path(output)), Clock(minutes)
    checkpoint = folder / "fib25-neurites.ckpt"
    training = _train(folder, checkpoint, pretrained, recipe, input, seed, overrides, clock)
    from cellml.demo.segment import segment_held_out
    from cellml.report.results import write_study_results

    with clock.stage("Segment the held-out block", _SEGMENT_SECONDS):
        block = segment_held_out(checkpoint, input, held_out or {})
        _write_block(folder, block)
    compared = _simulate(folder, block, model, neurites, seed, clock)
    results = _results(block, compared, clock, training)
    with clock.stage("Report", _REPORT_SECONDS):
        _write_summary(folder, block, results, clock, seed, checkpoint)
        page = _report(folder)
    results["total_time"]["value"] = round(clock.elapsed / 60, 2)
    write_study_results(folder, {key: (entry["value"], entry["unit"]) for key, entry in results.items()}, seed=seed)
    _print(results, clock, page)
    return results


def _fresh(folder: Path) -> Path:
    """An empty folder; an older one is moved aside."""
    if folder.exists():
        stamp = datetime.fromtimestamp(folder.stat().st_mtime).strftime("%Y%m%d-%H%M%S")
        older = folder.with_name(f"{folder.name}-{stamp}")
        print(f"{folder} exists and is moved to {older}", flush=True)
        shutil.move(folder, older)
    folder.mkdir(parents=True)
    return folder


def _train(
    folder: Path, checkpoint: Path, pretrained: str | None, recipe: str, data: str, seed: int, overrides: Sequence[str], clock: Clock
) -> float:
    """Seconds of training; the checkpoint lies at `checkpoint` afterwards."""
    if pretrained:
        shutil.copyfile(pretrained, checkpoint)
        return 0.0
    from cellml.infer.device import choose_device

    begin = time.monotonic()
    with clock.stage("Train a 3D U-Net", 6.5 * 60):
        words = [f"experiment={recipe}", f"data.path={data}", f"seed={seed}", f"hydra.run.dir={folder / 'train'}"]
        words += ["trainer=gpu"] if choose_device("auto") == "cuda" else []
        done = subprocess.run([sys.executable, "-m", "cellml", "train", *words, *overrides], env={**os.environ, "PYTHONUNBUFFERED": "1"})
        if done.returncode:
            raise CellmlError(
                f"Training ended with code {done.returncode}; what it said stands above; log: {folder / 'train' / 'cellml_train.log'}."
            )
        shutil.copyfile(folder / "train" / "model.ckpt", checkpoint)
    return time.monotonic() - begin


def _simulate(folder: Path, block: Any, model: str, neurites: int, seed: int, clock: Clock) -> list[Any]:
    """Mesh and solve prediction and truth, saving each as soon as it is there."""
    from cellml.evaluation.objects import ObjectChoice, compare_objects
    from cellml.sim.model_file import load_model
    from cellml.sim.shipped import find_model

    seconds = max(30.0, min(_SIMULATE_SECONDS, clock.left - _REPORT_SECONDS))
    choice, compared = ObjectChoice(most=neurites, seed=seed), []
    with clock.stage("Mesh and simulate", seconds):

        def announce(number: int, of: int) -> None:
            print(f"    neurite {number} of {of}", flush=True)

        for one in compare_objects(
            block.truth, block.prediction, load_model(find_model(model)), choice=choice, seconds=seconds, on_object=announce
        ):
            compared.append(one)
            one.truth.save(folder / "meshes", f"truth_{one.match.truth}")
            if one.prediction is not None:
                one.prediction.save(folder / "meshes", f"prediction_{one.match.truth}")
            _write_rows(folder, [row for c in compared for row in c.rows])
        wanted = len(choice.pick(block.truth))
        if len(compared) < wanted:
            clock.note(f"{len(compared)} of {wanted} neurites: the time was up")
    return compared


def _results(block: Any, compared: Sequence[Any], clock: Clock, training: float) -> dict[str, dict[str, Any]]:
    from cellml.report.objects import NO_ERROR

    errors = [row.error for one in compared for row in one.rows if row.outcome not in NO_ERROR and row.observable in _SOLVED]
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "adapted_rand_error": {"value": round(block.scores.adapted_rand_error, 4), "unit": "1"},
        "voi_sum": {"value": round(block.scores.voi_sum, 4), "unit": "bit"},
        "voi_split": {"value": round(block.scores.voi_split, 4), "unit": "bit"},
        "voi_merge": {"value": round(block.scores.voi_merge, 4), "unit": "bit"},
        "prediction_zero_share": {"value": round(block.scores.prediction_zero_share, 5), "unit": "1"},
        "sim_rel_error_median": {"value": round(float(np.median(errors)), 4) if errors else None, "unit": "1"},
        "neurites": {"value": len(compared), "unit": "count"},
        "training_time": {"value": round(training / 60, 2), "unit": "min"},
        "total_time": {"value": round(clock.elapsed / 60, 2), "unit": "min"},
        "peak_memory": {"value": round(peak / 1e6, 2), "unit": "GB"},
    }


def _write_block(folder: Path, block: Any) -> None:
    from cellml.io import write_labels, write_volume
    from cellml.types import Volume

    write_volume(block.raw, folder / "raw.npz")
    write_labels(block.truth, folder / "truth.npz")
    write_labels(block.prediction, folder / "prediction.npz")
    boundary = Volume(np.round(255 * block.boundary).astype(np.uint8), block.raw.spacing, block.raw.origin, name="boundary")
    write_volume(boundary, f"{folder / 'boundary.npz'}:boundary")


def _write_rows(folder: Path, rows: Sequence[Any]) -> None:
    from cellml.io import atomic_path

    with atomic_path(folder / "objects.csv") as aside, aside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(asdict(rows[0])))
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def _write_summary(folder: Path, block: Any, results: Mapping[str, Any], clock: Clock, seed: int, checkpoint: Path) -> None:
    from cellml import checkpoint as checkpoints
    from cellml.provenance import commit, machine, versions
    from cellml.report.summary import Fact, FactGroup, FieldMeaning, Summary

    record = checkpoints.read(checkpoint)["cellml"]
    z, y, x = block.raw.shape
    protocol = FactGroup(
        "Segmentation",
        [
            Fact(
                "scored block",
                f"{z} × {y} × {x}",
                "voxels",
                "never trained on; thresholds and best weights were chosen on it, so read it as a validation score",
            ),
            Fact("voxel size", " × ".join(f"{s:g}" for s in block.raw.spacing), "nm"),
            *[Fact(name.replace("_", " "), value, _unit(name)) for name, value in asdict(block.scores).items()],
        ],
    )
    Summary(
        title="From an EM volume to a simulated answer",
        subtitle="Neurites of a held-out block: segmented, meshed, simulated, and set beside the truth",
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        command="make demo",
        phantom=bool(block.warning),
        warnings=[w for w in (block.warning, *record.get("warnings", [])) if w],
        headline=_headline(results),
        sections=[protocol],
        timings=clock.finished,
        nodal_field=FieldMeaning(
            "concentration", "1/µm³", "One molecule released at the largest cut face, a tenth of the diffusion time later."
        ),
        seed=seed,
        commit=commit(),
        machine=machine(),
        versions=versions(),
        config=record["config"],
    ).write(folder)


def _headline(results: Mapping[str, Any]) -> list[Any]:
    from cellml.report.summary import Fact

    error, neurites = results["sim_rel_error_median"]["value"], results["neurites"]["value"]
    return [
        Fact("adapted Rand error", results["adapted_rand_error"]["value"]),
        Fact("variation of information", results["voi_sum"]["value"], "bit"),
        Fact(
            "error of the simulated answer",
            None if error is None else round(100 * error, 1),
            "%",
            f"median over {neurites} neurites and their solved observables; unmatched and failed ones count as 100 %",
        ),
    ]


def _unit(score: str) -> str:
    return "bit" if score.startswith("voi_") else "voxels" if score == "voxels_scored" else ""


def _report(folder: Path) -> Path:
    from cellml.report.command import write_report

    return Path(write_report(str(folder), str(folder / "report.html")))


def _print(results: Mapping[str, Mapping[str, Any]], clock: Clock, page: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Results")
    for title, justify in (("quantity", "left"), ("value", "right"), ("unit", "left")):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for name, entry in results.items():
        table.add_row(name.replace("_", " "), str(entry["value"]), "" if entry["unit"] == "1" else str(entry["unit"]))
    console = Console()
    console.print(table)
    for stage in clock.finished:
        console.print(f"{stage.stage}: {stage.seconds:.0f} s" + (f" ({stage.note})" if stage.note else ""))
    console.print(f"\nReport: {page}")

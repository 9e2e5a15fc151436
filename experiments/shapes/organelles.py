"""Organelles in cells: placements judged on blocks held out, neighbours against simulations, and a neurite filled without overlap.

    CELLML_DATA=… python experiments/shapes/organelles.py

Each row of organelle_rows.csv holds one number with its 95 % interval (low, high), its unit and a note in words. Rows that are there are
not computed again.
"""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import numpy as np

from cellml.io import read_labels
from cellml.report.rows import append_row, read_rows
from cellml.shapes.organelles.around import host_around
from cellml.shapes.organelles.distribution import Distribution, load_distribution, save_distribution
from cellml.shapes.organelles.fill import Filled, fill
from cellml.shapes.organelles.flow import fit_flow
from cellml.shapes.organelles.frame import Frame, frame_of
from cellml.shapes.organelles.host import host_of_labels
from cellml.shapes.organelles.learn import Example, learn
from cellml.shapes.organelles.logistic import fit_logistic
from cellml.shapes.organelles.mixture import fit_mixture
from cellml.shapes.organelles.neighbours import envelope, g_function, simulate_centres
from cellml.shapes.organelles.objects import Objects, objects_of
from cellml.shapes.organelles.placement import Examples, Placement, UniformPlacement, examples_of, joined, log_likelihood
from cellml.types import Labels

HERE = Path(__file__).parent
TABLE = HERE / "organelle_rows.csv"
KEPT = Path(os.environ.get("CELLML_CACHE", "runs")) / "shapes_organelles"
SPACING = (15.0, 16.0, 16.0)
BLOCKS = ("fib1-0-0-0", "fib1-3-2-1", "fib1-3-3-0")  # those in which vesicles are labelled
REACH, GUARD = 400.0, 300.0  # nm
FITS = {
    "logistic": fit_logistic,
    "mixture": fit_mixture,
    "flow": partial(fit_flow, sized=False),
    "flow, given size": fit_flow,
}
SIMULATIONS = 39
RADII = np.linspace(50, 900, 35)


def urocell(block: str, array: str) -> Labels:
    """One array of a UroCell block."""
    return read_labels(Path(os.environ["CELLML_DATA"], f"urocell_labels_{block}.npz:{array}"), spacing_nm=SPACING)


def vesicles(block: str) -> tuple[Frame, Objects]:
    """The frame around mitochondria and lysosomes of a block, and its vesicles."""
    return frame_of(host_around([urocell(block, "mito"), urocell(block, "lyso")], REACH, GUARD, block)), objects_of(urocell(block, "fv"))


def profiles(part: int) -> Examples:
    """Mitochondria in neurite profiles (single sections) of one quadrant, 0 to 3, of the ventral nerve cord's stack.

    A host is a profile between its membranes of at least 3000 pixels that does not touch the quadrant's border and holds a mitochondrion.
    """
    from scipy.ndimage import label

    with np.load(Path(os.environ["CELLML_DATA"], "vnc_stack1_y000-703.npz")) as archive:
        classes = archive["classes"]
    down, across = (half * (part // 2 if axis == 1 else part % 2) for axis, half in ((1, 352), (2, 512)))
    classes = classes[:, down : down + 352 : 2, across : across + 512 : 2]
    found: list[Examples] = []
    for section in range(len(classes)):
        pieces, count = label(np.isin(classes[section], (2, 3, 4)))
        for number in range(1, count + 1):
            rows, columns = np.nonzero(pieces == number)
            low, high = (rows.min(), columns.min()), (rows.max(), columns.max())
            if len(rows) < 750 or min(low) == 0 or high[0] == pieces.shape[0] - 1 or high[1] == pieces.shape[1] - 1:
                continue
            box = slice(low[0] - 1, high[0] + 2), slice(low[1] - 1, high[1] + 2)
            inside = pieces[box] == number
            mitochondria, some = label(inside & (classes[section][box] == 2))
            if some and np.bincount(mitochondria.ravel())[1:].max() >= 75:
                found.append(_profile(inside, mitochondria, len(found) + 1000 * section))
    return joined(found)


def _profile(inside: np.ndarray, mitochondria: np.ndarray, seed: int) -> Examples:
    spacing = (45.0, 9.2, 9.2)
    frame = frame_of(host_of_labels(Labels(inside[None].astype(np.uint8), spacing)))
    objects = objects_of(Labels(mitochondria[None].astype(np.int32), spacing), fewest=75)
    radius = np.sqrt(objects.volumes / 45.0 / np.pi)
    return examples_of(frame, objects.centres, np.log(4 / 3 * np.pi * radius**3), objects.balls, places=128, seed=seed)


def grouped() -> dict[str, dict[str, Examples]]:
    """Examples by data set and block that is held out in turn."""
    found: dict[str, dict[str, Examples]] = {"UroCell vesicles": {}, "VNC mitochondria": {}}
    for block in BLOCKS:
        frame, objects = vesicles(block)
        found["UroCell vesicles"][block] = examples_of(frame, objects.centres, np.log(objects.volumes), objects.balls)
    for part in range(4):
        found["VNC mitochondria"][f"quadrant {part + 1}"] = profiles(part)
    for blocks in found.values():
        for number, examples in enumerate(blocks.values()):
            examples.groups[:] = number
    return found


def judge_placements(table: Path = TABLE) -> None:
    """Held-out ln likelihood over uniform where it fits, in nats an organelle, with a bootstrap interval over organelles."""
    done = {(r["data"], r["model"], r["held_out"]) for r in read_rows(table) if r["stage"] == "placement"}
    wanted = {(data, model) for data in ("UroCell vesicles", "VNC mitochondria") for model in FITS}
    if all(sum((d, m) == pair for d, m, _ in done) >= 3 for pair in wanted):
        return
    for data, blocks in grouped().items():
        for block, examples in blocks.items():
            train = joined([e for other, e in blocks.items() if other != block])
            for model, fit in FITS.items():
                if (data, model, block) not in done:
                    _placement_row(table, data, block, model, fit(train), train, examples)


def _placement_row(table: Path, data: str, block: str, model: str, placement: Placement, train: Examples, held: Examples) -> None:
    gain = log_likelihood(placement, held)
    means = gain[np.random.default_rng(0).integers(len(gain), size=(2000, len(gain)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    note = f"{len(held)} held out, {len(train)} learned from, {log_likelihood(placement, train).mean():.4f} on them"
    row = {"stage": "placement", "data": data, "model": model, "held_out": block, "seed": 0, "value": round(float(gain.mean()), 5)}
    append_row(table, row | {"low": round(float(low), 5), "high": round(float(high), 5), "unit": "nats", "note": note})


def judge_neighbours(table: Path = TABLE) -> None:
    """Nearest neighbours of real vesicles in a held-out block against patterns simulated there: p of the largest deviation of G."""
    done = {(r["model"], r["held_out"]) for r in read_rows(table) if r["stage"] == "neighbours"}
    if len(done) >= 2 * len(BLOCKS):
        return
    known = {block: vesicles(block) for block in BLOCKS}
    for block, (frame, objects) in known.items():
        others = [
            examples_of(f, o.centres, np.log(o.volumes), o.balls, group=n) for n, (b, (f, o)) in enumerate(known.items()) if b != block
        ]
        for model, placement in (("uniform", UniformPlacement()), ("logistic", fit_logistic(joined(others)))):
            if (model, block) not in done:
                _neighbours_row(table, block, model, placement, frame, objects)


def _neighbours_row(table: Path, block: str, model: str, placement: Placement, frame: Frame, objects: Objects) -> None:
    rows = np.flatnonzero(frame.rows_at(objects.centres) >= 0)
    sizes, balls = np.log(objects.volumes[rows]), np.minimum(objects.balls[rows], frame.depth[frame.rows_at(objects.centres[rows])])
    simulated = [simulate_centres(frame, placement, sizes, balls, seed=seed) for seed in range(SIMULATIONS)]
    found = envelope(objects.centres[rows], simulated, RADII, partial(g_function, radii=RADII))
    worst = int(np.abs(found.observed - found.mean).argmax())
    note = (
        f"G({RADII[worst]:.0f} nm) = {found.observed[worst]:.3f}, simulated {found.mean[worst]:.3f} ({SIMULATIONS} patterns of {len(rows)})"
    )
    row = {
        "stage": "neighbours",
        "data": "UroCell vesicles",
        "model": model,
        "held_out": block,
        "seed": 0,
        "value": round(found.p_value, 4),
    }
    append_row(table, row | {"low": "", "high": "", "unit": "p", "note": note})


def kinds() -> list[Distribution]:
    """Mitochondria and vesicles with UroCell's shapes, sized for a thin neurite; mitochondria lie as the nerve cord's do."""
    KEPT.mkdir(parents=True, exist_ok=True)
    found = []
    for name, array, blocks, facets in (("mitochondria", "mito", BLOCKS, 600), ("vesicles", "fv", BLOCKS, 200)):
        path = KEPT / f"{name}.npz"
        if not path.is_file():
            save_distribution(learn(name, [Example(urocell(block, array)) for block in blocks], facets=facets), path)
        found.append(load_distribution(path))
    return found


def filled_neurite(seed: int = 0) -> tuple[Filled, float, float]:
    """The largest neurite of FIB-25 with 20 mitochondria and 200 vesicles; the cell, wall-clock and CPU seconds from its labels on."""
    from dataclasses import replace

    from cellml.shapes.organelles.sources import SizeModel

    mitochondria, small = kinds()
    placement = fit_logistic(joined([profiles(part) for part in range(4)]))
    mitochondria = replace(mitochondria, size=SizeModel.of_diameter(250.0, 0.12), placement=placement)
    small = replace(small, size=SizeModel.of_diameter(70.0, 0.15))
    labels = read_labels(Path(os.environ["CELLML_DATA"], "fib25_train2_z000-169.npz:neurons"), spacing_nm=(10.0, 10.0, 10.0))
    began, used = time.perf_counter(), time.process_time()
    host = host_of_labels(labels, 350, name="FIB-25 neurite 350")
    cell = fill(host, [mitochondria, small], {"mitochondria": 20, "vesicles": 200}, seed=seed)
    return cell, time.perf_counter() - began, time.process_time() - used


def judge_filling(table: Path = TABLE, seeds: tuple[int, ...] = (0,)) -> None:
    """Time and overlaps of filling: rows fill_time (CPU s, the wall clock in the note) and fill_intersections."""
    done = {int(r["seed"]) for r in read_rows(table) if r["stage"] == "fill_time"}
    for seed in (s for s in seeds if s not in done):
        cell, wall, used = filled_neurite(seed)
        draw(cell)
        row = {"data": "FIB-25 neurite 350", "model": "rejection", "held_out": "", "seed": seed, "low": "", "high": ""}
        smaller = sum(p.scale < 1 for p in cell.placed)
        note = f"{len(cell.placed)} of 220 placed, {smaller} of them made smaller, {wall:.0f} s by the clock on a busy machine"
        facets = f"{cell.overlaps.facets} facets compared exactly; {len(cell.overlaps.outside)} outside, {len(cell.overlaps.nested)} nested"
        order = ("stage", "data", "model", "held_out", "seed", "value", "low", "high", "unit", "note")
        for stage, value, unit, said in (
            ("fill_time", round(used, 1), "s", note),
            ("fill_intersections", cell.overlaps.count, "count", facets),
        ):
            full = row | {"stage": stage, "value": value, "unit": unit, "note": said}
            append_row(table, {key: full[key] for key in order})


def judge_structure(table: Path = TABLE, checkpoint: Path = HERE / "structure.ckpt") -> None:
    """Held-out cross-entropy of the image model less that of the training blocks' share, nats a voxel, resampled over cubes of 8³ voxels.

    The checkpoint: cellml train experiment=shapes/structure.
    """
    if any(r["stage"] == "structure" for r in read_rows(table)):
        return
    import cellml
    from cellml.data.structure_module import StructureBlock

    def block(name: str) -> dict[str, np.ndarray]:
        file = Path(os.environ["CELLML_DATA"], f"urocell_labels_{name}.npz")
        made = StructureBlock(f"{file}:fv", [f"{file}:mito", f"{file}:lyso"], SPACING, REACH, 4).content()
        return {key: tensor.numpy() for key, tensor in made.items()}

    learned = np.concatenate([block(name)["labels"].ravel() for name in ("fib1-0-0-0", "fib1-3-3-0")])
    share = (learned == 1).sum() / (learned >= 0).sum()
    held = block("fib1-3-2-1")
    truth, known = held["labels"] == 1, held["labels"] >= 0
    chance = np.clip(np.asarray(cellml.load(checkpoint).task.predict_volume(held["image"]))[1], 1e-6, 1 - 1e-6)
    gain = np.where(truth, np.log(chance / share), np.log((1 - chance) / (1 - share))) * known
    cubes = np.stack([f.reshape(8, 8, 8, 8, 8, 8).sum(axis=(1, 3, 5)).ravel() for f in (gain, known)])
    drawn = cubes[:, np.random.default_rng(0).integers(512, size=(2000, 512))].sum(axis=2)
    low, high = np.quantile(-drawn[0] / drawn[1], [0.025, 0.975])
    row = {"stage": "structure", "data": "UroCell vesicles", "model": "U-Net", "held_out": "fib1-3-2-1", "seed": 0}
    row |= {"value": round(float(-gain.sum() / known.sum()), 5), "low": round(float(low), 5), "high": round(float(high), 5), "unit": "nats"}
    append_row(table, row | {"note": f"below 0: better than a share of {share:.4f} everywhere"})


def draw(cell: Filled, path: Path = HERE / "organelles.png") -> None:
    """A section through the filled host, and its organelles seen through it along z, nearer ones lighter."""
    from cellml.report.figure_style import figure_style, new_figure
    from cellml.report.palette import BLUE, ORANGE, rgb
    from cellml.shapes.organelles.outputs import classes_of

    classes = classes_of(cell)
    names = {name: number for number, name in classes.names.items()}
    colours = {names["cytosol"]: rgb("#d0d5dd"), names["mitochondria"]: rgb(ORANGE), names["vesicles"]: rgb(BLUE)}
    table = np.ones((max(names.values()) + 1, 3))
    for number, colour in colours.items():
        table[number] = colour
    data = classes.data
    taken = data > names["cytosol"]
    section = int(taken.sum(axis=(1, 2)).argmax())
    first = np.where(taken.any(axis=0), taken.argmax(axis=0), 0)
    seen = np.take_along_axis(data, first[None], axis=0)[0]
    seen = np.where(taken.any(axis=0), seen, (data > 0).any(axis=0) * names["cytosol"])
    light = np.where(taken.any(axis=0), 1 - 0.6 * first / len(data), 1.0)[..., None]
    extent = (0, data.shape[2] * classes.spacing[2] / 1000, 0, data.shape[1] * classes.spacing[1] / 1000)
    with figure_style():
        figure = new_figure(7.0, 3.7)
        for axes, image, title in zip(
            figure.subplots(1, 2),
            (table[data[section]], np.clip(table[seen] * light, 0, 1)),
            (f"Section at z = {section * classes.spacing[0] / 1000:.2f} µm", "Seen along z, farther ones darker"),
            strict=True,
        ):
            axes.imshow(image, origin="lower", extent=extent, interpolation="nearest")
            axes.set(title=title, xlabel="x (µm)", ylabel="y (µm)")
            axes.grid(False)
        counts = {name: sum(p.kind == name for p in cell.placed) for name in cell.asked}
        kinds_said = f"{counts['mitochondria']} mitochondria (orange) and {counts['vesicles']} vesicles (blue)"
        figure.suptitle(f"{cell.host.name}: {kinds_said}, {cell.overlaps.count} overlaps", fontsize=10)
        figure.savefig(path, dpi=200)


def judge(table: Path = HERE / "organelles.csv") -> None:
    """All stages, their rows in organelle_rows.csv; the numbers of the study (key, value, unit) go to `table`."""
    judge_filling(seeds=(0, 1))
    judge_placements()
    judge_neighbours()
    judge_structure()
    rows = read_rows(TABLE)
    table.unlink(missing_ok=True)
    for key, unit in (("fill_time", "s"), ("fill_intersections", "count")):
        append_row(table, {"key": key, "value": max(float(r["value"]) for r in rows if r["stage"] == key), "unit": unit})


if __name__ == "__main__":
    judge()

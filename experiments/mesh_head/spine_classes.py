"""Spines understood: classes by experts, cross-validated by image stack, and parts of procedural spines.

Headline, named beforehand: PointNet on Mushroom/Thin/Stubby. How it sees a spine (`SETTINGS`) is chosen for each fold by training on three
of the four training folds and scoring the fourth; the outer fold is scored once. MeshCNN and a random forest on ten numbers
(`spine_forest`) have the same spines and folds. Each fold has its rows when it is finished, and what has rows is not computed again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from spine_forest import by_forest

from cellml.data.labelled_mesh import LabelledMesh, collate_meshes, folds_by_group, mesh_sample, prepared
from cellml.data.mesh_module import ProceduralSpines
from cellml.data.spine_meshes import read_spines
from cellml.nets.meshcnn import MeshCNN
from cellml.nets.pointnet import PointNet
from cellml.report.rows import append_row, read_rows
from cellml.tasks.mesh_classification import balanced_accuracy

HERE = Path(__file__).parent
CLASSES, PARTS = ("Mushroom", "Thin", "Stubby"), ("base", "neck", "head")
LEFT_OUT = ("26-1/spine_0.off", "3_full_res (1)/spine_2.off")  # have no closed manifold simplification of 300 faces
FOLDS, FACES, POINTS, VIEWS, DRAWS = 5, 300, 128, 8, 2000
# name: (align, sized, steps)
SETTINGS = {"turned, sized": (False, True, 600), "aligned": (True, False, 600), "aligned, sized": (True, True, 900)}
Value = tuple[float | None, str]
Meshes = list[LabelledMesh]


def fit(net: Any, meshes: Meshes, steps: int, batch: int, rate: float, form: dict[str, bool], points: int = POINTS) -> None:
    """Train on meshes drawn with each label as often; one cycle of the learning rate."""
    rng, labels = np.random.default_rng(0), np.array([mesh.label for mesh in meshes])
    among = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    net.train()
    for _ in range(steps):
        chosen = [meshes[int(rng.choice(among[n % len(among)]))] for n in range(batch)]
        data = collate_meshes([mesh_sample(mesh, rng, points, turn=True, **form) for mesh in chosen])
        optimizer.zero_grad()
        logits = net(*(data[name] for name in net.inputs))
        torch.nn.functional.cross_entropy(logits, data[net.answers], label_smoothing=0.1).backward()
        optimizer.step()
        schedule.step()
    net.eval()


@torch.no_grad()
def answers(net: Any, meshes: Meshes, views: int, form: dict[str, bool]) -> NDArray[np.int64]:
    """The class of each mesh: largest mean probability over turned views."""
    rng, found = np.random.default_rng(1), []
    for mesh in meshes:
        data = collate_meshes([mesh_sample(mesh, rng, POINTS, turn=views > 1, **form) for _ in range(views)])
        found.append(int(net(*(data[name] for name in net.inputs)).softmax(1).mean(0).argmax()))
    return np.array(found)


def counts_of(truth: Any, answer: Any) -> NDArray[np.int64]:
    """(3, 3): how often each true class (row) got each answer (column)."""
    counts = np.zeros((3, 3), np.int64)
    np.add.at(counts, (truth, answer), 1)
    return counts


def by_pointnet(train: Meshes, test: Meshes, setting: str) -> NDArray[np.int64]:
    """Train a PointNet that sees spines in one of SETTINGS, and classify others."""
    align, sized, steps = SETTINGS[setting]
    form = {"align": align, "sized": sized}
    torch.manual_seed(0)
    net = PointNet(3, channels=6 + sized)
    fit(net, train, steps, 15, 4e-3, form)
    return answers(net, test, VIEWS, form)


def by_meshcnn(train: Meshes, test: Meshes) -> NDArray[np.int64]:
    """Train a MeshCNN, whose edge features see neither turns nor size, and classify others."""
    torch.manual_seed(0)
    net = MeshCNN(3, widths=(16, 32), targets=(400, 320), head=32)
    fit(net, train, 250, 6, 4e-3, {})
    return answers(net, test, 1, {})


def choose(train: Meshes, fold: NDArray[np.int64], inner: int) -> str:
    """The setting that scores best on fold `inner` of the training folds, after training on the others."""
    rest = [mesh for mesh, f in zip(train, fold, strict=True) if f != inner]
    held = [mesh for mesh, f in zip(train, fold, strict=True) if f == inner]
    truth = [mesh.label for mesh in held]
    scores = {name: balanced_accuracy(counts_of(truth, by_pointnet(rest, held, name))) for name in SETTINGS}
    print("inner fold", inner, {name: round(score, 3) for name, score in scores.items()}, flush=True)
    return max(scores, key=lambda name: scores[name])


OTHERS: dict[str, Callable[[Meshes, Meshes], NDArray[np.int64]]] = {"meshcnn": by_meshcnn, "forest": by_forest}


def classify(method: str) -> None:
    """Cross-validate a network, or the forest, fold by fold."""
    path = HERE / "spine_classes.csv"
    done = {int(row["fold"]) for row in read_rows(path) if row["method"] == method}
    if len(done) == FOLDS:
        return
    meshes = [mesh for mesh in read_spines(CLASSES) if mesh.name not in LEFT_OUT]
    fold = folds_by_group([mesh.group for mesh in meshes], FOLDS)
    if method != "forest":
        meshes = [prepared(mesh, FACES, align=True) for mesh in meshes]
    for number in sorted(set(range(FOLDS)) - done):
        train = [mesh for mesh, f in zip(meshes, fold, strict=True) if f != number]
        test = [mesh for mesh, f in zip(meshes, fold, strict=True) if f == number]
        setting = choose(train, fold[fold != number], (number + 1) % FOLDS) if method == "pointnet" else ""
        found = by_pointnet(train, test, setting) if method == "pointnet" else OTHERS[method](train, test)
        for mesh, answer in zip(test, found, strict=True):
            row = {"method": method, "fold": number, "stack": mesh.group, "spine": mesh.name, "truth": CLASSES[mesh.label]}
            append_row(path, row | {"answer": CLASSES[answer], "setting": setting})


@torch.no_grad()
def part_counts(net: Any, meshes: Meshes, form: dict[str, bool]) -> NDArray[np.int64]:
    """Confusion counts over the points or edges of meshes."""
    rng, counts = np.random.default_rng(1), np.zeros((3, 3), np.int64)
    for mesh in meshes:
        data = collate_meshes([mesh_sample(mesh, rng, 512, turn=True, **form)])
        answer = net(*(data[name] for name in net.inputs)).argmax(dim=1)
        counts += counts_of(data[net.answers].reshape(-1).numpy(), answer.reshape(-1).numpy())
    return counts


def label_parts() -> None:
    """Train on 40 procedural spines, and count right parts on 20 of another seed."""
    path = HERE / "spine_parts.csv"
    done = {row["network"] for row in read_rows(path)}
    train, test = ([prepared(mesh, FACES, align=True) for mesh in ProceduralSpines(n, seed)()] for n, seed in ((40, 0), (20, 1)))
    ways: dict[str, tuple[Callable[[], Any], int, int, dict[str, bool]]] = {
        "pointnet": (lambda: PointNet(3, per_point=True, dropout=0.0), 400, 8, {"align": True}),
        "meshcnn": (lambda: MeshCNN(3, widths=(16, 32), targets=(400, 320), head=32, per_edge=True, dropout=0.0), 150, 4, {}),
    }
    for name, (build, steps, batch, form) in ways.items():
        if name in done:
            continue
        torch.manual_seed(0)
        net = build()
        fit(net, train, steps, batch, 4e-3, form, points=256)
        counts = part_counts(net, test, form)
        right = counts.diagonal()
        unions = counts.sum(axis=0) + counts.sum(axis=1) - right
        row = {"network": name, "items": int(counts.sum()), "accuracy": round(float(right.sum() / counts.sum()), 4)}
        append_row(path, row | {f"iou_{part}": round(float(one), 4) for part, one in zip(PARTS, right / unions, strict=True)})


def interval(rows: list[dict[str, str]]) -> tuple[float, float, float]:
    """Balanced accuracy of pooled predictions, and its 95 % interval by drawing whole stacks with replacement (Efron & Tibshirani 1993)."""
    stacks = sorted({row["stack"] for row in rows})
    counts = {stack: np.zeros((3, 3), np.int64) for stack in stacks}
    for row in rows:
        counts[row["stack"]][CLASSES.index(row["truth"]), CLASSES.index(row["answer"])] += 1
    table = np.stack(list(counts.values()))
    rng = np.random.default_rng(0)
    drawn = [balanced_accuracy(table[rng.integers(0, len(stacks), len(stacks))].sum(axis=0)) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return balanced_accuracy(table.sum(axis=0)), float(low), float(high)


def values(folder: Path) -> dict[str, Value]:
    """Numbers for results.json; a network of which folds are missing has None."""
    rows, found = read_rows(folder / "spine_classes.csv"), dict[str, Value]()
    for method, prefix in (("pointnet", ""), ("meshcnn", "meshcnn_"), ("forest", "forest_")):
        mine = [row for row in rows if row["method"] == method]
        whole = len({row["fold"] for row in mine}) == FOLDS
        for name, value in zip(("", "_low", "_high"), interval(mine) if whole else (None,) * 3, strict=True):
            found[f"{prefix}spine_class_balanced_accuracy{name}"] = (value, "1")
    for row in read_rows(folder / "spine_parts.csv"):
        found |= {f"spine_parts_{row['network']}_{name}": (float(row[name]), "1") for name in row if name not in ("network", "items")}
    return found


def judge_spines(methods: list[str] | None = None) -> None:
    """All of it."""
    label_parts()
    for method in methods or ["pointnet", "meshcnn", "forest"]:
        classify(method)
    for name, (value, _) in values(HERE).items():
        print(f"{name:46} {'–' if value is None else f'{value:.3f}'}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    judge_spines(sys.argv[1:])

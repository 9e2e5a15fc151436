"""Spine classes by PointNet, MeshCNN and a random forest on ten descriptors, cross-validated by image stack. See README.md.

`python experiments/mesh_understanding/run.py` (methods=forest,pointnet,meshcnn). Rows already in predictions.csv are not computed again.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from descriptors import descriptors
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from cellml.data.labelled_mesh import LabelledMesh, collate_meshes, folds_by_group, mesh_sample, prepared
from cellml.data.spine_meshes import read_spines
from cellml.errors import CellmlError
from cellml.nets.meshcnn import MeshCNN
from cellml.nets.pointnet import PointNet
from cellml.report.results import write_study_results
from cellml.surfaces import repair
from cellml.tasks.mesh_classification import balanced_accuracy

HERE = Path(__file__).parent
CLASSES = ("Mushroom", "Thin", "Stubby")
FOLDS, FACES, POINTS, BATCH, VIEWS, SEED, DRAWS = 5, 300, 512, 12, 4, 0, 2000
STEPS = {"pointnet": 300, "meshcnn": 60}


def network(method: str) -> Any:
    if method == "pointnet":
        return PointNet(len(CLASSES), widths=(32, 64, 128), head=(64,))
    return MeshCNN(len(CLASSES), widths=(16, 32), targets=(400, 320), head=32)


def by_network(method: str, train: list[LabelledMesh], test: list[LabelledMesh], fold: int) -> NDArray[np.int64]:
    """Train on meshes turned at random, each class as often; the answer is the mean over views of the test meshes."""
    torch.manual_seed(SEED + fold)
    rng, net = np.random.default_rng([SEED, fold]), network(method)
    labels = np.array([mesh.label for mesh in train])
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, STEPS[method])
    for _ in range(STEPS[method]):
        chosen = [int(rng.choice(np.flatnonzero(labels == n % len(CLASSES)))) for n in range(BATCH)]
        batch = collate_meshes([mesh_sample(train[i], rng, POINTS, turn=True) for i in chosen])
        optimizer.zero_grad()
        logits = net(*(batch[name] for name in net.inputs))
        torch.nn.functional.cross_entropy(logits, batch["labels"], label_smoothing=0.1).backward()
        optimizer.step()
        schedule.step()
    net.eval()
    views = VIEWS if method == "pointnet" else 1  # edge features see no rotation
    answers = []
    with torch.no_grad():
        for mesh in test:
            batch = collate_meshes([mesh_sample(mesh, rng, POINTS, turn=views > 1) for _ in range(views)])
            answers.append(int(net(*(batch[name] for name in net.inputs)).softmax(1).mean(0).argmax()))
    return np.array(answers)


def by_forest(spines: list[LabelledMesh], fold: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """A forest of 500 trees, classes weighted by their rarity."""
    numbers = np.stack([descriptors(spine.surface) for spine in spines])
    labels = np.array([spine.label for spine in spines])
    forest = RandomForestClassifier(500, class_weight="balanced", min_samples_leaf=2, random_state=SEED)
    return np.asarray(forest.fit(numbers[fold != number], labels[fold != number]).predict(numbers[fold == number]))


def interval(rows: list[dict[str, str]]) -> tuple[float, float, float, list[list[int]]]:
    """Balanced accuracy, its 95 % interval by drawing whole stacks with replacement (Efron & Tibshirani 1993), and the confusion counts."""
    stacks = sorted({row["stack"] for row in rows})
    counts = {stack: np.zeros((len(CLASSES),) * 2, np.int64) for stack in stacks}
    for row in rows:
        counts[row["stack"]][CLASSES.index(row["truth"]), CLASSES.index(row["answer"])] += 1
    table, rng = np.stack([counts[stack] for stack in stacks]), np.random.default_rng(SEED)
    drawn = [balanced_accuracy(table[rng.integers(0, len(stacks), len(stacks))].sum(axis=0)) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return balanced_accuracy(table.sum(axis=0)), float(low), float(high), table.sum(axis=0).tolist()


def both_kinds(found: list[LabelledMesh]) -> tuple[list[LabelledMesh], list[LabelledMesh]]:
    """Repaired spines, and the same with FACES faces for the networks; spines without a manifold simplification are left out, and said."""
    spines, meshes = [], []
    for spine in found:
        whole = LabelledMesh(repair(spine.surface)[0], spine.label, spine.group, spine.name)
        try:
            meshes.append(prepared(whole, FACES))
        except CellmlError as reason:
            print(f"left out: {reason}", flush=True)
            continue
        spines.append(whole)
    return spines, meshes


def main(methods: list[str]) -> None:
    torch.set_num_threads(1)
    path = HERE / "predictions.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8"))) if path.is_file() else []
    done = {(row["method"], int(row["fold"])) for row in rows}
    spines, meshes = both_kinds(read_spines(CLASSES))
    fold = folds_by_group([spine.group for spine in spines], FOLDS)
    for method in methods:
        for number in range(FOLDS):
            if (method, number) in done:
                continue
            begin, test = time.perf_counter(), np.flatnonzero(fold == number)
            if method == "forest":
                answers = by_forest(spines, fold, number)
            else:
                train = [mesh for mesh, f in zip(meshes, fold, strict=True) if f != number]
                answers = by_network(method, train, [meshes[i] for i in test], number)
            new = [
                {"method": method, "fold": str(number), "stack": spines[i].group, "spine": spines[i].name,
                 "truth": CLASSES[spines[i].label], "answer": CLASSES[answer]}
                for i, answer in zip(test, answers, strict=True)
            ]  # fmt: skip
            rows += new
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(new[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
            print(f"{method} fold {number}: {time.perf_counter() - begin:.0f} s", flush=True)
    report(rows)


def report(rows: list[dict[str, str]]) -> None:
    values: dict[str, tuple[float | None, str]] = {}
    for method in dict.fromkeys(row["method"] for row in rows):
        value, low, high, counts = interval([row for row in rows if row["method"] == method])
        values |= {f"{method}_balanced_accuracy": (value, "1"), f"{method}_low": (low, "1"), f"{method}_high": (high, "1")}
        print(f"{method:9s} {value:.3f} [{low:.3f}, {high:.3f}]  {counts}")
    if "pointnet_balanced_accuracy" in values:
        values["spine_class_balanced_accuracy"] = values["pointnet_balanced_accuracy"]  # named before any fold was scored
    stacks, spines = {row["stack"] for row in rows}, {row["spine"] for row in rows}
    write_study_results(HERE, values, seed=SEED, spines=len(spines), stacks=len(stacks), folds=FOLDS)


if __name__ == "__main__":
    given = dict(word.split("=", 1) for word in sys.argv[1:])
    main(given.get("methods", "forest,pointnet,meshcnn").split(","))

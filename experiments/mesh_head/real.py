"""Real mitochondria of CDeep3M, straight to tetrahedra and in two steps, by the same measures on the same objects."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import cKDTree

from cellml.checkpoint import load
from cellml.data.blocks import Block, OpenBlock
from cellml.data.compartment_distances import compartment_distances
from cellml.errors import CellmlError
from cellml.evaluation.objects import ObjectChoice, ObjectComparison, compare_objects
from cellml.evaluation.solved import SolvedObject, solve_object
from cellml.infer.block import PredictedBlock, predict_block
from cellml.meshhead.certified import certified, mesh_of, pieces
from cellml.meshhead.head import CertifiedHead, Frame
from cellml.meshing import mesh_labels
from cellml.meshing.topology import boundary_facets
from cellml.metrics.mesh_scores import mesh_distances
from cellml.sim.model_file import load_model
from cellml.sim.shipped import find_model
from cellml.surfaces.extraction import extract_surface
from cellml.tasks.decoder_choice import choose_on
from cellml.types import Labels, Surface

HERE = Path(__file__).parent
SEGMENTATION = HERE.parent / "segmentation_cdeep3m"
SPACING = (60.0, 7.5, 7.5)  # assumed; the source states none
VOXEL_NM = float(np.cbrt(np.prod(SPACING)))
REGION, VALIDATION = {"y": [0, 384], "x": [544, 1024]}, {"y": [848, 1024], "x": [0, 512]}
FEWEST = 1000  # voxels of an object
MODEL, SEED = "diffusion", 0
SMOOTHING = 0.5
TIMEOUT_S = 600.0


@dataclass(frozen=True, eq=False)
class Prediction:
    """labels: instances; meshes: MeshResult of each by number; network_s, mesh_s: processor seconds."""

    labels: Labels
    meshes: dict[int, Any]
    network_s: float
    mesh_s: float


def cpu() -> float:
    """Processor seconds of this process and of the children that have ended, which is where the two-step way meshes."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in used)


def objects_of(mask: Any, name: str) -> Labels:
    """Parts of a mask that hang together through faces, of at least FEWEST voxels, numbered."""
    parts, _ = ndimage.label(mask)
    large = np.bincount(parts.reshape(-1)) >= FEWEST
    large[0] = False
    number = np.where(large, np.cumsum(large), 0)
    return Labels(number[parts], SPACING, name=name)


def straight() -> Prediction:
    """By the certified head: one network, one mesh with a certificate, its pieces as objects."""
    loaded = load(HERE / "certified_cdeep3m.ckpt")
    image = opened(loaded.contract["normalisation"]).read_image()
    begin = cpu()
    maps = torch.from_numpy(loaded.task.predict_volume(image))
    return by_pieces(loaded.task.head, maps, cpu() - begin, "certified head")


def given_truth() -> Prediction:
    """What the head makes of the true distances: the errors that its geometry alone brings."""
    labels, head = opened().read_labels(), CertifiedHead()
    distances = torch.from_numpy(compartment_distances(labels, SPACING, [[1]], smoothing=SMOOTHING))
    return by_pieces(head, torch.cat([distances / head.step_nm(SPACING), torch.zeros(3, *labels.shape)]), 0.0, "true distances")


def by_pieces(head: CertifiedHead, maps: torch.Tensor, network_s: float, name: str) -> Prediction:
    """Maps (4, Z, Y, X) to one certified mesh, and its pieces to instances: a voxel inside belongs to the piece that is nearest to it."""
    frame = Frame(tuple(maps.shape[1:]), SPACING)
    begin = cpu()
    with torch.no_grad():
        grid = head.grid(frame, maps)
        made = head(grid, frame, maps)
    parts = [part for part in pieces(mesh_of(grid, made, {1: "mitochondrion"}), 1) if part.volumes().sum() >= FEWEST * np.prod(SPACING)]
    centres = np.concatenate([part.points[part.tets].mean(axis=1) for part in parts])
    owner = np.repeat(np.arange(1, len(parts) + 1), [len(part.tets) for part in parts])
    mask = head.moved(maps[:-3])[0].numpy() < 0
    away, nearest = cKDTree(centres).query((np.argwhere(mask) * np.asarray(SPACING))[:, ::-1])
    labels = np.zeros(mask.shape, np.int64)
    labels[mask] = np.where(away < 2 * head.step_nm(SPACING), owner[nearest], 0)
    meshes = {number: certified(part, VOXEL_NM) for number, part in enumerate(parts, 1)}
    return Prediction(Labels(labels, SPACING, name=name), meshes, network_s, cpu() - begin)


def opened(normalisation: str = "volume") -> OpenBlock:
    """The block that everything is judged on."""
    return OpenBlock(Block("cdeep3m_mito", "cdeep3m_mito:mito", REGION, SPACING), normalisation=normalisation)


def two_steps(checkpoints: list[Path], orientations: int) -> Prediction:
    """By segmentation networks, and `mesh_labels` for each object; what it refuses is no object. The threshold is from validation rows."""

    def predicted(region: dict[str, list[int]]) -> PredictedBlock:
        return predict_block(checkpoints, Block("cdeep3m_mito", "cdeep3m_mito:mito", region, SPACING), tta=orientations)

    begin = cpu()
    found = predicted(REGION)
    network = cpu() - begin
    if len(checkpoints) > 1:
        validation = predicted(VALIDATION)
        choose_on(validation.task, [("validation rows", validation.probabilities, validation.truth)], HERE)
        found.task.decoder = validation.task.decoder
    begin = cpu()
    labels = objects_of(found.task.decode(found.probabilities) > 0, "segmentation")
    meshes: dict[int, Any] = {}
    for number in range(1, int(labels.data.max()) + 1):
        try:
            meshes[number] = mesh_labels(labels, label=number, components="largest", timeout_s=TIMEOUT_S)
        except CellmlError as refusal:
            print(f"object {number} is refused: {refusal}", flush=True)
    meshing = cpu() - begin
    kept = np.where(np.isin(labels.data, list(meshes)), labels.data, 0)
    return Prediction(Labels(kept, SPACING, name="segmentation"), meshes, network, meshing)


WAYS: dict[str, Callable[[], Prediction]] = {
    "true distances": given_truth,
    "head": straight,
    "two steps, one network": lambda: two_steps([SEGMENTATION / "model.ckpt"], 1),
    "two steps, best": lambda: two_steps([SEGMENTATION / "model.ckpt", SEGMENTATION / "second.ckpt"], 8),
}


def judge_objects(table: Any, times: Any, most: int) -> None:
    """Rows of `most` truth objects, the same for every way, and processor seconds of each way."""
    truth, model = objects_of(opened().read_labels() > 0, "truth"), load_model(find_model(MODEL))
    choice, solved = ObjectChoice(3000, 100_000, most, SEED), dict[int, SolvedObject]()
    for way, make in WAYS.items():
        waiting = [number for number in choice.pick(truth) if (way, str(number)) not in table]
        if not waiting or (way == "head" and not (HERE / "certified_cdeep3m.ckpt").is_file()):
            continue
        for number in waiting:
            if number not in solved:  # with more time than a callback has: the machine may be busy
                solved[number] = solve_object(truth, number, model, timeout_s=TIMEOUT_S)
        made = make()
        if (way,) not in times:
            spent = {"network_s": round(made.network_s, 2), "mesh_s": round(made.mesh_s, 2), "objects": len(made.meshes)}
            times.add({"way": way, **spent})
        compared = compare_objects(
            truth, made.labels, model, choice=choice, iou=0.3, solved_truth=solved, predicted_mesh=made.meshes.__getitem__
        )
        for found in compared:
            if found.match.truth in waiting:
                table.add({"way": way, "object": found.match.truth, **row_of(found, truth)})


def row_of(found: ObjectComparison, truth: Labels) -> dict[str, Any]:
    """Distances in voxels between the surfaces of a match, and the relative error of each simulated number (1 where there is none)."""
    row: dict[str, Any] = {"voxels": int((truth.data == found.match.truth).sum()), "iou": round(found.match.iou, 4), "assd": "", "hd95": ""}
    mesh = found.prediction.mesh.mesh if found.prediction is not None and found.prediction.mesh is not None else None
    if mesh is not None:
        true = extract_surface(truth, label=found.match.truth, smoothing=SMOOTHING)
        distances = mesh_distances(Surface(mesh.points, boundary_facets(mesh.tets), "prediction"), true)
        row |= {name: round(value / VOXEL_NM, 4) for name, value in zip(("assd", "hd95"), distances, strict=True)}
    row["failure"] = found.truth.failure or (found.prediction.failure if found.prediction is not None else "")
    return row | {f"{one.observable}_error": round(one.error, 5) for one in found.rows}

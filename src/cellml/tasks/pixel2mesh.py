"""The mesh task: surfaces of several structures straight from the image (Wang et al. 2018)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.metrics.mesh_scores import mesh_distances, mesh_soundness
from cellml.nets.mesh_template import icosphere, mean_shape
from cellml.tasks.base import Schedule, VolumeTask
from cellml.tasks.mesh_target import MeshTarget
from cellml.types import Surface, Triple

log = logging.getLogger(__name__)

_TEMPLATE_CELLS = 64


class Pixel2MeshTask(VolumeTask):
    """A `Pixel2Mesh` network with a `MeshTarget` and a `Pixel2MeshLoss`; data with surface points (`cellml.data.procedural_module`).

    mean_template: deform the mean shape of the training cells, measured when training begins, instead of spheres; samples: points on each
    surface from which validation distances are measured; the other arguments as in VolumeTask. A volume is predicted whole, never in
    tiles, because the template is that of the whole. Validation logs means over cells and structures, by name `val/<score>_<structure>`
    and over all `val/<score>`: `assd_voxels` and `hd95_voxels` (of the finest stage, a voxel being the cube root of its volume), and
    `self_intersections` (share of faces that cross another), `meshes_crossing` (share of meshes with any), and `genus_correct` (share).
    """

    net: Any
    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  a mesh has nothing to decode

    def __init__(
        self,
        net: nn.Module,
        target: MeshTarget,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        schedule: Schedule | None = None,
        mean_template: bool = True,
        samples: int = 4000,
    ) -> None:
        if net.structures != target.channels:
            raise CellmlError(
                f"The network has {net.structures} structures, but the target names {target.channels}: {target.structures}; set "
                f"task.net.structures={target.channels}."
            )
        super().__init__(net, target, loss, optimizer, schedule)
        self.mean_template, self.samples = mean_template, samples

    def on_fit_start(self) -> None:
        """Check the data's compartments, and at the very start measure the mean shape of the training cells."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        found = data.contract.get("compartments")
        if found is not None and list(found) != self.target.structures:
            raise CellmlError(f"The data's compartments are {list(found)}, but task.target.structures names {self.target.structures}.")
        if self.mean_template and self.global_step == 0:
            self.net.set_template(self._mean_of(data).to(self.net.template))

    def _mean_of(self, data: Any) -> Tensor:
        """The mean shape of each structure over the first training samples, (K, V, 3) in the network's units."""
        samples, directions = data.patches(), icosphere(self.net.level).vertices
        chosen = [samples[number] for number in range(min(len(samples), _TEMPLATE_CELLS))]
        clouds = torch.stack([self.scaled(item["points"], item["image"].shape[-3:]) for item in chosen])
        log.info("The template is the mean shape of %d training cells.", len(chosen))
        return torch.stack([mean_shape(clouds[:, k], directions) for k in range(clouds.shape[1])])

    def scaled(self, points: Tensor, shape: Any) -> Tensor:
        """Points (…, 3) in nm → half edges of the shortest side about the centre; shape: (z, y, x) voxels of the volume."""
        centre, half = self._box(points, shape)
        return (points - centre) / half

    def unscaled(self, points: Tensor, shape: Any) -> Tensor:
        """The inverse of `scaled`: (…, 3) → nm, the centre of the first voxel at 0."""
        centre, half = self._box(points, shape)
        return points * half + centre

    def _box(self, points: Tensor, shape: Any) -> tuple[Tensor, float]:
        spacing = self.net.spacing
        middle = [(n - 1) * s / 2 for n, s in zip(shape, spacing, strict=True)]
        half = min(n * s for n, s in zip(shape, spacing, strict=True)) / 2
        return points.new_tensor(middle[::-1]), half

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """The loss on {"image": (B, C, Z, Y, X), "points", "normals": (B, K, P, 3) in nm}."""
        stages = self.net(batch["image"])
        points = self.scaled(batch["points"].float(), batch["image"].shape[-3:]).flatten(0, 1)
        with torch.autocast(batch["image"].device.type, enabled=False):
            return self.loss(stages, points, batch["normals"].float().flatten(0, 1))  # type: ignore[no-any-return]

    def predict_surfaces(self, image: NDArray[np.float32] | Tensor, origin: Triple = (0.0, 0.0, 0.0)) -> list[Surface]:
        """Normalised image (C, Z, Y, X) → one surface for each structure, nm; origin: (z, y, x) of the first voxel's centre.

        The image is padded at its far ends, by repeating its border, to what the network can halve.
        """
        tensor = torch.as_tensor(np.asarray(image), dtype=torch.float32, device=self.device)[None]
        multiple = self.net.multiple
        missing = [(-n) % m for n, m in zip(tensor.shape[2:], multiple, strict=True)]
        padded = nn.functional.pad(tensor, [p for m in reversed(missing) for p in (0, m)], mode="replicate")
        training = self.net.training
        self.net.eval()
        with torch.no_grad():
            meshes = self.net(padded)[-1].after
        self.net.train(training)
        shift = torch.tensor(origin[::-1], dtype=torch.float64)
        vertices = [self.unscaled(v.double().cpu(), padded.shape[2:]) + shift for v in meshes.vertex_list()]
        faces = [f.cpu().numpy() for f in meshes.face_list()]
        return [Surface(v.numpy(), f, name) for v, f, name in zip(vertices, faces, self.target.structures, strict=True)]

    def on_validation_epoch_start(self) -> None:
        """Start the lists of cells anew."""
        self.found: list[dict[str, float]] = []

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Predict and judge one whole cell; returns {"surfaces": list of Surface}."""
        one = {name: batch[name][None] for name in ("image", "points", "normals")}
        self.log("val/loss", self.loss_of(one).total, batch_size=1)
        predicted = self.predict_surfaces(batch["image"].float().cpu().numpy())
        voxel = float(np.cbrt(np.prod(self.net.spacing)))
        row: dict[str, float] = {}
        for surface, (vertices, faces), genus in zip(predicted, batch["surfaces"], batch["genus"].tolist(), strict=True):
            truth = Surface(vertices.cpu().numpy(), faces.cpu().numpy(), "truth")
            scores = judge(surface, truth, int(genus), voxel, self.samples)
            row |= {f"{name}_{surface.name}": value for name, value in scores.items()}
        self.found.append(row)
        return {"surfaces": predicted}

    def on_validation_epoch_end(self) -> None:
        """Log means over cells, of each structure and of all."""
        for name, value in self.scores().items():
            self.log(f"val/{name}", value, prog_bar=name == "assd_voxels")

    def scores(self) -> dict[str, float]:
        """Means over everything judged since validation began."""
        if not self.found:
            return {}
        each = {name: float(np.mean([row[name] for row in self.found])) for name in self.found[0]}
        names = [name.removesuffix(f"_{self.target.structures[0]}") for name in each if name.endswith(f"_{self.target.structures[0]}")]
        every = {name: float(np.mean([each[f"{name}_{structure}"] for structure in self.target.structures])) for name in names}
        return {**every, **each}


def judge(surface: Surface, truth: Surface, genus: int, voxel_nm: float, samples: int) -> dict[str, float]:
    """Scores of one predicted surface against the true one: see `Pixel2MeshTask`."""
    assd, hd95 = mesh_distances(surface, truth, samples=samples)
    sound = mesh_soundness(surface)
    return {
        "assd_voxels": assd / voxel_nm,
        "hd95_voxels": hd95 / voxel_nm,
        "self_intersections": sound.crossing_faces / sound.faces,
        "meshes_crossing": float(sound.crossing_faces > 0),
        "genus_correct": float(sound.genus == genus),
    }

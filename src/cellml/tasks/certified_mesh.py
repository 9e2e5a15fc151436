"""The certified mesh task: an image in, certified tetrahedra of its compartments out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cellml.data.procedural_cells import three_numbers
from cellml.infer.predict import SlidingWindow
from cellml.losses.physics import PhysicsLoss
from cellml.losses.record import LossRecord
from cellml.meshhead.certified import certified, largest_part, mesh_of, polished
from cellml.meshhead.cut import CutGrid, Cutting
from cellml.meshhead.grid import BackgroundGrid
from cellml.meshhead.head import CertifiedHead, Frame
from cellml.meshhead.scores import labels_of, scores_of_nested
from cellml.meshing.errors import MeshingError
from cellml.provenance import versions
from cellml.sim.shape_gradient.answers import answers_of_cut
from cellml.tasks.base import Schedule, VolumeTask
from cellml.tasks.certified_scores import MeshScores, scores_of_mesh
from cellml.types import TetMesh, Triple


class CertifiedMeshTask(VolumeTask):
    """A network that predicts distances and a velocity, from which tetrahedra are cut that are sound by construction.

    net: (B, C, Z, Y, X) → (B, K + 3, Z, Y, X); target: names the K compartments; loss: such as `cellml.losses.certified`; spacing_nm:
    (z, y, x) of the training voxels; step_voxels, bound, offsets: of `CertifiedHead`; standoff, least_deg: of `Cutting`; begin: share of
    the training before surfaces are compared, while they are still noise; settle: share of the training before batch norms go on with the
    statistics that they have gathered, as they will when they predict: those of a batch of one volume are its own; quality: whether
    what is left of bad angles (of facets, mostly) is mended in meshes of validation and inference, which takes ten times as long;
    physics: `cellml.losses.physics`, by which simulated answers of the predicted mesh count in the loss (not at all where None or of weight
    0); optimizer, schedule, window: as for every task on volumes.
    """

    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  a mesh has nothing to decode

    def __init__(
        self,
        net: nn.Module,
        target: Any,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        spacing_nm: Sequence[float],
        step_voxels: float = 2.0,
        bound: float = 0.3,
        standoff: float = 0.25,
        least_deg: float = 10.2,
        begin: float = 0.9,
        settle: float = 0.5,
        quality: bool = False,
        offsets: Sequence[float] = (),
        schedule: Schedule | None = None,
        window: SlidingWindow | None = None,
        physics: PhysicsLoss | None = None,
    ) -> None:
        super().__init__(net, target, loss, optimizer, schedule, window)
        self.physics = physics if physics is not None and physics.weight else None
        self.spacing = three_numbers(spacing_nm, "task.spacing_nm", "[12,12,12]")
        self.head = CertifiedHead(
            step_voxels, bound, Cutting(standoff=standoff, least_deg=least_deg), offsets=tuple(float(o) for o in offsets)
        )
        # What drawing back bad angles changes (0.02 voxels at most) teaches nothing, and takes half the time of a step.
        self.learning_head = replace(self.head, cutting=Cutting(standoff=standoff, least_deg=0.0, least_facet_deg=0.0), offsets=())
        self.begin, self.settle, self.quality = begin, settle, quality
        self._settled = False
        self.scores: list[MeshScores] = []
        self._grids: dict[Frame, BackgroundGrid] = {}

    def grid(self, frame: Frame, device: torch.device) -> BackgroundGrid:
        """The grid over all of a volume, for training; that of the last kind of volume is kept."""
        if frame not in self._grids:
            self._grids = {frame: self.head.grid(frame)}
        return self._grids[frame].to(device)

    @property
    def progress(self) -> float:
        """Share of the training that is done."""
        return self.global_step / max(1, int(self.trainer.estimated_stepping_batches))

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Settle the batch norms when their time has come, after resuming too."""
        if not self._settled and self.progress >= self.settle:
            self._settled = True
            self.train(self.training)

    def train(self, mode: bool = True) -> CertifiedMeshTask:
        """Training mode, but for batch norms that have settled."""
        super().train(mode)
        if self._settled:
            for module in self.net.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """The loss on {"image": (B, C, Z, Y, X), "distances": (B, K, Z, Y, X) nm, "points": (B, K, P, 3) nm on the surfaces}, and, for a
        physics loss, "answers": (B, O), which are those of the distances where there are none.
        """
        maps = self.net(batch["image"]).float()
        parts: dict[str, list[Tensor]] = {}
        for one, distances, points in zip(maps, batch["distances"], batch["points"], strict=True):
            for name, value in self._losses(one, distances, points, with_surface=self.progress >= self.begin).items():
                parts.setdefault(name, []).append(value)
        if self.physics is not None:
            true = batch["answers"] if "answers" in batch else [self._true_answers(distances) for distances in batch["distances"]]
            parts["physics"] = [self.physics(self._answers(one), of).to(maps.device) for one, of in zip(maps, true, strict=True)]
        return self.loss({name: torch.stack(values).mean() for name, values in parts.items()})  # type: ignore[no-any-return]

    def _losses(self, maps: Tensor, distances: Tensor, points: Tensor, *, with_surface: bool) -> dict[str, Tensor]:
        z, y, x = maps.shape[1:]
        frame = Frame((z, y, x), self.spacing)
        size = self.head.step_nm(self.spacing)
        loss: Any = self.loss
        # At the voxels: between them the grid's vertices see means, which say nothing of what each voxel contributes.
        parts = loss.of_distances(maps[:-3].flatten(1), distances.flatten(1) / size)
        parts["displacement"] = loss.of_velocity(maps[-3:])
        if with_surface:
            grid = self.grid(frame, maps.device)
            parts["surface"] = loss.of_surface(self.learning_head(grid, frame, maps), points.reshape(-1, 3), size)
        return parts  # type: ignore[no-any-return]

    def _answers(self, maps: Tensor) -> Tensor:
        """Simulated answers (O,) of the very mesh that inference makes of maps (K + 3, Z, Y, X), with gradient."""
        assert self.physics is not None
        z, y, x = maps.shape[1:]
        frame = Frame((z, y, x), self.spacing)
        grid = self.head.grid(frame, maps.detach()).to(maps.device)
        return answers_of_cut(self.physics.observables, grid, self.head(grid, frame, maps), self.target.names)

    @torch.no_grad()
    def _true_answers(self, distances: Tensor) -> Tensor:
        return self._answers(
            torch.cat([distances / self.head.step_nm(self.spacing), torch.zeros_like(distances[:1]).expand(3, -1, -1, -1)])
        )

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """One step; logs the share of simulated answers that could not be had, and so taught nothing."""
        loss = super().training_step(batch, batch_idx)
        if self.physics is not None:
            self.log("train/physics_left_out", self.physics.left_out, batch_size=len(batch["image"]))
        return loss

    @torch.no_grad()
    def cut(self, maps: Any, frame: Frame) -> tuple[BackgroundGrid, CutGrid]:
        """The grid near the compartments of maps (K + 3, Z, Y, X) and how they cut it."""
        tensor = torch.as_tensor(np.asarray(maps), dtype=torch.float32)
        grid = self.head.grid(frame, tensor)
        return grid, self.head(grid, frame, tensor)

    def mesh(self, maps: Any, frame: Frame, name: str = "mesh", *, largest: bool = False) -> Any:
        """Maps (K + 3, Z, Y, X) → MeshResult, whose certificate names the compartments that were not found.

        largest: keep the largest part that hangs together through facets, over all compartments. Raises MeshingError where no compartment
        was predicted.
        """
        began, found = time.process_time(), versions()
        grid, made = self.cut(maps, frame)
        part, share, said = _kept(mesh_of(grid, made, self.target.names, name=name), largest)
        return certified(
            polished(grid, part) if self.quality else part,
            float(np.prod(frame.spacing)) ** (1 / 3),
            asked=self.target.names,
            repairs=said,
            discarded_share=share,
            settings={**self.settings(frame.spacing), "components": "largest" if largest else "all"},
            versions={package: found[package] for package in ("cellml", "numpy", "torch")},
            cpu_s=time.process_time() - began,
        )

    def settings(self, spacing: Triple) -> dict[str, Any]:
        """What meshes are made with, as the certificate says it; spacing: (z, y, x) in nm."""
        head = self.head
        return {
            "step_voxels": head.step_voxels,
            "step_nm": head.step_nm(spacing),
            "bound": head.bound,
            "offsets": list(head.offsets),
            "standoff": head.cutting.standoff,
            "least_deg": head.cutting.least_deg,
            "least_facet_deg": head.cutting.least_facet_deg,
            "quality": self.quality,
        }

    def predict_tetrahedra(self, image: Any, spacing: Triple, origin: Triple, name: str = "mesh", *, largest: bool = False) -> Any:
        """Normalised image (C, Z, Y, X) → MeshResult, as `mesh`; spacing, origin: (z, y, x) in nm."""
        maps = self.predict_volume(image)
        z, y, x = maps.shape[1:]
        return self.mesh(maps, Frame((z, y, x), spacing, origin), name, largest=largest)

    def on_validation_epoch_start(self) -> None:
        """Forget the last validation."""
        self.scores = []

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """Mesh one whole block; returns {"prediction": labels (Z, Y, X), "mesh": MeshResult or None} for callbacks."""
        maps = self.predict_volume(batch["image"].float().cpu().numpy())
        frame = Frame(tuple(maps.shape[1:]), tuple(batch["spacing"]), tuple(batch["origin"]))
        result = None
        with suppress(MeshingError):  # an empty prediction is scored as one
            result = self.mesh(maps, frame, str(batch["name"]))
        self.scores.append(scores_of_mesh(result, batch, len(self.target.compartments)))
        self.log("val/loss", self._validation_loss(maps, batch, frame), batch_size=1)
        flat = self.head.moved(torch.from_numpy(maps[:-3].reshape(len(maps) - 3, -1)))
        return {"prediction": labels_of(scores_of_nested(flat)).reshape(maps.shape[1:]).numpy(), "mesh": result}

    def _validation_loss(self, maps: Any, batch: dict[str, Any], frame: Frame) -> Tensor:
        truth = batch["distances"].cpu().flatten(1) / self.head.step_nm(frame.spacing)
        loss: Any = self.loss
        parts = loss.of_distances(torch.from_numpy(maps[:-3]).flatten(1), truth)
        return torch.stack(list(parts.values())).sum()

    def on_validation_epoch_end(self) -> None:
        """Log means over blocks: distances in voxels, shares of sound and topologically right meshes, the smallest angle of all."""
        for name, value in MeshScores.summary(self.scores).items():
            self.log(f"val/{name}", value, prog_bar=name in ("assd_voxels", "genus_correct"))


def _kept(whole: TetMesh, largest: bool) -> tuple[TetMesh, float, tuple[str, ...]]:
    """The whole mesh or its largest part, the share of the volume that was left out, and what was done in words."""
    part, parts, share = largest_part(whole) if largest else (whole, 1, 0.0)
    if parts == 1:
        return part, 0.0, ()
    gone = [name for number, name in whole.region_names.items() if number not in part.region_names]
    lost = f", and with them all of {', '.join(gone)}" if gone else ""
    return part, share, (f"the largest of {parts} parts was kept; the others, {100 * share:.2g} % of the volume, were left out{lost}",)

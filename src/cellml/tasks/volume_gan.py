"""Missing-wedge repair by an adversarial network in the volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.nets.average import WeightAverage
from cellml.tasks.adversarial import Health, Opponent, uncounted
from cellml.tasks.base import Schedule
from cellml.tasks.overflow import require_finite
from cellml.tasks.restoration import RestorationTask


class AveragedWeights:
    """What tasks share whose `average` (`WeightAverage`) predicts: checkpoints for prediction hold the averages alone."""

    average: WeightAverage
    rates: dict[str, float]

    def prediction_state(self) -> dict[str, Tensor]:
        """The averages under the names of what they are averages of: neither the weights of the last step nor any critic."""
        inside = "" if isinstance(self.average.net, nn.ModuleDict) else "net."
        return {f"{inside}{name}": value for name, value in self.average.net.state_dict().items()}

    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> Any:
        """Weights of a training, or of a checkpoint for prediction, whose generators are then their own averages; critics stay."""
        if not any(name.startswith("average.") for name in state_dict):
            inside = "average.net." if isinstance(self.average.net, nn.ModuleDict) else "average."
            own: dict[str, Tensor] = self.state_dict()  # type: ignore[attr-defined]  # a module's
            averaged = {f"{inside}{name}": value for name, value in state_dict.items() if f"{inside}{name}" in own}
            state_dict = {**{name: own[name] for name in own if name not in averaged}, **averaged, **state_dict}
        return super().load_state_dict(state_dict, strict, assign)  # type: ignore[misc]  # a module's

    def refuse_rates(self) -> None:
        """Raise CellmlError for learning rates by layer."""
        if self.rates:
            raise CellmlError("training.layer_rates and rate_decay are for one network, adversarial tasks train several; leave them out.")


class VolumeGanTask(AveragedWeights, RestorationTask):
    """A 3D generator and a 3D patch critic: answers must be near the truth and look like it along all three axes.

    Repairs of single slices across the tilt axis differ from slice to slice; here generator and critic both see blocks, so that the answer
    is continuous along the axis, which validation measures: `val/axis_roughness`, the mean square difference of neighbours along Y over
    the truth's (1: as rough as the truth; larger: slices disagree). Arguments as in RestorationTask; opponent: critic, loss and second time
    scale; average: decay of the running average of the generator's weights, which validates and is what `cellml infer` uses; clip: largest
    norm of the generator's gradient. Optimised by hand, so that a step is one of the generator; the trainer must not clip.
    """

    def __init__(
        self,
        net: nn.Module,
        target: Any,
        loss: nn.Module,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        opponent: Opponent,
        schedule: Schedule | None = None,
        window: Any = None,
        consistency: Any = None,
        average: float = 0.999,
        clip: float = 1.0,
    ) -> None:
        super().__init__(net, target, loss, optimizer, schedule, window, consistency)
        self.automatic_optimization = False
        self.opponent, self.average, self.clip, self.health = opponent, WeightAverage(net, average), clip, Health()

    @property
    def predictor(self) -> nn.Module:
        """The averaged generator."""
        return self.average.net

    def configure_optimizers(self) -> Any:
        """The generator's and the critic's optimisers, and their schedules."""
        self.refuse_rates()
        optimizers = [
            self.make_optimizer([p for p in self.net.parameters() if p.requires_grad]),
            self.opponent.make_optimizer(list(self.opponent.critic.parameters())),
        ]
        return optimizers, schedulers(self, optimizers)

    def loss_of(self, batch: dict[str, Tensor]) -> LossRecord:
        """Generator's and critic's losses together: for timing a step, not for training."""
        answer = self.repaired(batch)
        record = self.loss(answer, batch["labels"], batch["wedge"])
        critic = self.opponent.loss.critic(self.opponent.critic, batch["labels"], answer.detach())
        return LossRecord(record.total + critic.total, record.parts)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> None:  # type: ignore[override]  # optimised by hand
        """A step of the critic, then one of the generator. Raises CellmlError where a loss is no longer finite."""
        generator, critic = self.optimizers()  # type: ignore[misc, attr-defined]  # two of them
        answer, truth = self.repaired(batch), batch["labels"]
        judged = self.opponent.learn(self, uncounted(critic), truth, answer)
        record = self.loss(answer, truth, batch["wedge"])
        total = record.total + self.opponent.opinion(answer, progress(self))
        slope = stepped(self, generator, total, self.net, self.clip)
        self.average.update(self.net)
        log_losses(self, {"loss": record.total, **{f"{name}_loss": value for name, value in record.parts.items()}}, len(truth))
        log_losses(self, {f"critic_{name}": value for name, value in judged.parts.items()}, len(truth))
        log_losses(self, self.health.note(answer, truth, distance=judged.parts["distance"], slope=slope), len(truth))

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Any]:
        """As for restoration, with the averaged generator, and the roughness along the tilt axis."""
        output = super().validation_step(batch, batch_idx)
        self.found[-1]["axis_roughness"] = axis_roughness(batch["labels"].float().cpu(), torch.from_numpy(output["image"]))
        return output


def axis_roughness(truth: Tensor, answer: Tensor) -> float:
    """Mean square difference of neighbours along Y, of the answer over that of the truth, both (…, Z, Y, X) and of one scale."""
    rough = [float(volume.diff(dim=-2).square().mean()) for volume in (answer, truth)]
    return rough[0] / max(rough[1], 1e-12)


def progress(task: Any) -> float:
    """Share of the training that has passed, 0 to 1."""
    return float(task.global_step / max(1, task.trainer.max_steps))


def schedulers(task: Any, optimizers: list[Any]) -> list[Any]:
    """A scheduler for each optimiser that follows the task's schedule over the trainer's steps, none without one."""
    if task.schedule is None:
        return []
    total, schedule = int(task.trainer.max_steps), task.schedule
    return [torch.optim.lr_scheduler.LambdaLR(o, lambda step: schedule(step, total)) for o in optimizers]


def stepped(task: Any, optimizer: Any, total: Tensor, net: nn.Module, clip: float) -> Tensor:
    """One counted step on a scalar loss: gradient, clipped to a norm of `clip`, step, and all schedules moved on. Returns the norm."""
    require_finite(total, step=task.global_step, precision=task.trainer.precision)
    optimizer.zero_grad()
    task.manual_backward(total)
    slope = torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
    optimizer.step()
    for scheduler in task.lr_schedulers() or []:
        scheduler.step()
    return slope.detach()


def log_losses(task: Any, values: dict[str, Any], size: int) -> None:
    """Log numbers of a step as `train/<name>`."""
    for name, value in values.items():
        task.log(f"train/{name}", value, prog_bar=name == "loss", batch_size=size)

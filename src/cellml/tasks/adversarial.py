"""The opponent of a generator, one step of both, and what tells whether the game still makes sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.tasks.overflow import require_finite


class Opponent(nn.Module):
    """A critic, how it learns, and what it and the generator play for.

    critic: images (B, C, …) → scores; loss: of `cellml.losses.adversarial`; optimizer(parameters): a factory, whose learning rate is the
    second of two time scales (Heusel et al. 2017, arXiv:1706.08500: a critic that learns faster than its generator lets both settle);
    weight: of the generator's adversarial loss beside what it is told of the truth; rounds: steps of the critic for one of the generator;
    begin: share of the training that passes before the generator is told what the critic thinks, while the critic learns already.
    Raises CellmlError for numbers outside these meanings.
    """

    def __init__(
        self,
        critic: nn.Module,
        loss: Any,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        weight: float = 0.01,
        rounds: int = 1,
        begin: float = 0.1,
    ) -> None:
        super().__init__()
        if weight < 0 or rounds < 1 or not 0 <= begin <= 1:
            raise CellmlError(
                f"Adversarial training needs a weight of at least 0, a round and a beginning between 0 and 1; got weight={weight}, "
                f"rounds={rounds}, begin={begin}."
            )
        self.critic, self.loss, self.make_optimizer = critic, loss, optimizer
        self.weight, self.rounds, self.begin = weight, rounds, begin

    def learn(self, task: Any, optimizer: Any, real: Tensor, fake: Tensor | Callable[[], Tensor]) -> LossRecord:
        """Let the critic take its steps on real and fake images (B, C, …); returns the last record.

        task: the Lightning module, for its precision and step; optimizer: torch's; fake: images, or what makes new ones for each round, as
        a generator of codes can (Gulrajani et al. 2017, algorithm 1). Raises CellmlError where the loss is no longer finite.
        """
        real = real.float()
        self.critic.requires_grad_(True)
        for _ in range(self.rounds):
            with torch.no_grad():
                made = fake() if callable(fake) else fake
            optimizer.zero_grad()
            record: LossRecord = self.loss.critic(self.critic, real, made.detach().float())
            require_finite(record.total, step=task.global_step, precision=task.trainer.precision)
            task.manual_backward(record.total)
            optimizer.step()
        return record

    def opinion(self, fake: Tensor, progress: float) -> Tensor:
        """What the generator is told: weight × loss of its images (B, C, …), with gradient; 0 before the beginning.

        progress: share of the training that has passed. The critic's own weights get no gradient from it.
        """
        if progress < self.begin or self.weight == 0:
            return fake.new_zeros(())
        self.critic.requires_grad_(False)
        return self.weight * self.loss.generator(self.critic, fake)  # type: ignore[no-any-return]


class Health:
    """Numbers of each step that show a game going wrong, for `cellml.callbacks.adversarial_watch`.

    spread: deviation of the answers over that of the truth; sameness: correlation of this step's answer with the last one's, which was
    made from another input; variety: how much the answers of a batch differ from each other, over how much the truth's do (1 for batches
    of one); distance: by which the critic tells truth from answers; slope: norm of the generator's gradient.
    """

    def __init__(self) -> None:
        self.numbers: dict[str, float] = {}
        self._last: Tensor | None = None

    def note(self, answer: Tensor, truth: Tensor, *, distance: Tensor, slope: Tensor) -> dict[str, float]:
        """Take the numbers of a step from its answer and truth (B, 1, …)."""
        now = answer.detach().float()
        self.numbers = {
            "spread": float(now.std() / truth.float().std().clamp(min=1e-12)),
            "sameness": self._sameness(now),
            "variety": _variety(now, truth.float()),
            "distance": float(distance),
            "slope": float(slope),
        }
        self._last = now
        return self.numbers

    def _sameness(self, now: Tensor) -> float:
        last = self._last
        if last is None or last.shape != now.shape:
            return 0.0
        pair = torch.stack([now.flatten(), last.flatten()])
        return float(torch.corrcoef(pair)[0, 1]) if bool((pair.std(dim=1) > 0).all()) else 1.0


def _variety(answer: Tensor, truth: Tensor) -> float:
    """Mean over voxels of the deviation within the batch, of answers over that of the truth, both (B, 1, …)."""
    if len(answer) < 2 or len(truth) < 2:  # one answer differs from nothing
        return 1.0
    return float(answer.std(dim=0).mean() / truth.std(dim=0).mean().clamp(min=1e-12))


def uncounted(optimizer: Any) -> Any:
    """The torch optimiser inside of Lightning's. Its steps are not counted, so that `global_step` counts the generator's alone, and with it
    checkpoints, validations and the position in the data do.
    """
    return getattr(optimizer, "optimizer", optimizer)

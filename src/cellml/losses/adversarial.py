"""What critic and generator play for: the Wasserstein distance with a gradient penalty, the hinge, or the first GAN's cross-entropy."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord

Critic = Callable[[Tensor], Tensor]


class WassersteinLoss:
    """Critic: mean D(fake) − mean D(real) + penalty · E (‖∇D(x̂)‖ − 1)²; generator: −mean D(fake).

    Arjovsky et al. 2017 (arXiv:1701.07875); the penalty on random mixtures x̂ of real and fake is Gulrajani et al. 2017
    (arXiv:1704.00028, eq. 3). D is the mean of a critic's scores over an image's patches. drift: weight of mean D(real)², which keeps
    scores from wandering off together (Karras et al. 2018, arXiv:1710.10196, appendix A).
    """

    def __init__(self, penalty: float = 10.0, drift: float = 1e-3) -> None:
        if penalty < 0 or drift < 0:
            raise CellmlError(f"The Wasserstein loss needs weights of at least 0, got penalty={penalty}, drift={drift}.")
        self.penalty, self.drift = penalty, drift

    def critic(self, critic: Critic, real: Tensor, fake: Tensor) -> LossRecord:
        """real, fake: (B, C, …), without gradient. Returns what the critic minimises; part "distance" estimates how far apart they are."""
        true, false = critic(real).float(), critic(fake).float()
        distance = true.mean() - false.mean()
        total = -distance + self.drift * true.square().mean()
        parts = {"distance": distance.detach()}
        if self.penalty:
            steepness = gradient_penalty(critic, real, fake)
            total, parts["penalty"] = total + self.penalty * steepness, steepness.detach()
        return LossRecord(total, parts)

    def generator(self, critic: Critic, fake: Tensor) -> Tensor:
        """fake: (B, C, …) with gradient → scalar."""
        return -critic(fake).float().mean()


class HingeLoss:
    """Critic: mean max(0, 1 − D(real)) + mean max(0, 1 + D(fake)); generator: −mean D(fake) (Lim and Ye 2017, arXiv:1705.02894).

    Bounded steps of the critic come from spectral normalisation, so nothing is penalised. Computed patch by patch.
    """

    def critic(self, critic: Critic, real: Tensor, fake: Tensor) -> LossRecord:
        """real, fake: (B, C, …), without gradient. Part "distance": mean D(real) − mean D(fake)."""
        true, false = critic(real).float(), critic(fake).float()
        total = torch.relu(1 - true).mean() + torch.relu(1 + false).mean()
        return LossRecord(total, {"distance": (true.mean() - false.mean()).detach()})

    def generator(self, critic: Critic, fake: Tensor) -> Tensor:
        """fake: (B, C, …) with gradient → scalar."""
        return -critic(fake).float().mean()


class NonSaturatingLoss:
    """Critic: −mean log σ(D(real)) − mean log(1 − σ(D(fake))); generator: −mean log σ(D(fake)) (Goodfellow et al. 2014, section 3).

    smoothing: the critic is asked for 1 − smoothing of what is real, which keeps it from certainty (Salimans et al. 2016,
    arXiv:1606.03498, section 3.4). Raises CellmlError for one outside 0 to 0.5.
    """

    def __init__(self, smoothing: float = 0.1) -> None:
        if not 0 <= smoothing < 0.5:  # from one half on, real would be called generated
            raise CellmlError(f"Labels can be smoothed by 0 up to 0.5, not by {smoothing}.")
        self.smoothing = smoothing

    def critic(self, critic: Critic, real: Tensor, fake: Tensor) -> LossRecord:
        """real, fake: (B, C, …), without gradient. Part "distance": mean D(real) − mean D(fake)."""
        true, false = critic(real).float(), critic(fake).float()
        wanted = torch.full_like(true, 1 - self.smoothing)
        total = functional.binary_cross_entropy_with_logits(true, wanted) + functional.softplus(false).mean()
        return LossRecord(total, {"distance": (true.mean() - false.mean()).detach()})

    def generator(self, critic: Critic, fake: Tensor) -> Tensor:
        """fake: (B, C, …) with gradient → scalar."""
        return functional.softplus(-critic(fake).float()).mean()


def gradient_penalty(critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """Mean over the batch of (‖∇ D(x̂)‖₂ − 1)², x̂ = ε real + (1 − ε) fake with ε uniform, one for each sample; scalar with gradient.

    Gulrajani et al. 2017, algorithm 1. In float32: second derivatives of bfloat16 layers are too coarse to hold a norm at 1.
    """
    with torch.autocast(real.device.type, enabled=False):
        real, fake = real.float(), fake.float()
        share = torch.rand((len(real), *[1] * (real.ndim - 1)), device=real.device)
        mixed = (share * real + (1 - share) * fake).requires_grad_(True)
        scores = critic(mixed).flatten(1).mean(1).sum()
        (slope,) = torch.autograd.grad(scores, mixed, create_graph=True)
        return (slope.flatten(1).square().sum(1).add(1e-12).sqrt() - 1).square().mean()

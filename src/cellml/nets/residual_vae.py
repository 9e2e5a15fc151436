"""An autoencoder of shape coefficients that begins as probabilistic PCA and learns what PCA cannot say.

x = μ + W z + Q g(z) + ε,  z ~ N(0, 1), ε ~ N(0, σ²)

W are the first modes of the training shapes scaled as Tipping and Bishop (1999, eq. 7) do, Q further modes, and g a network whose last
layer is zero at first. g bends the flat space of PCA: it predicts from the code what PCA leaves out. Because Q is orthogonal to W, what g
learns never competes with what the modes say already.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError


class ResidualVae(nn.Module):
    """Coefficients (B, C, (L+1)²) in nm ↔ codes (B, K).

    degree: L; channels: C, 3 for vector-valued coefficients and 1 for radii; latent: K; higher: most modes that g predicts; hidden: widths
    of the encoder's correction and, where `bend` is None, of g; bend: g, such as `cellml.nets.kernel_bend.KernelBend`; conditions: numbers
    that shapes are conditioned on. `start` must see the training shapes before the first step. Raises CellmlError for sizes that are none.
    """

    sized = False
    mean: Tensor
    modes: Tensor
    variances: Tensor
    noise: Tensor
    amount: Tensor
    bend: Any

    def __init__(
        self,
        degree: int = 10,
        channels: int = 3,
        latent: int = 16,
        higher: int = 48,
        hidden: Sequence[int] = (64,),
        bend: Any = None,
        conditions: int = 0,
    ) -> None:
        super().__init__()
        size = channels * (degree + 1) ** 2
        if not 1 <= latent < size or higher < 0 or degree < 0:
            raise CellmlError(f"A code of {latent} numbers and {higher} further modes do not fit {size} coefficients.")
        self.in_channels, self.degree, self.latent, self.conditions = channels, degree, latent, conditions
        self.higher = min(higher, size - latent)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("modes", torch.zeros(latent + self.higher, size))
        self.register_buffer("variances", torch.ones(latent + self.higher))
        self.register_buffer("noise", torch.ones(()))
        self.register_buffer("amount", torch.ones(()))
        inside = latent + conditions
        self.bend = _network([inside, *hidden, self.higher]) if bend is None else bend.build(inside, self.higher)
        self.correct = _network([latent + self.higher + conditions, *hidden, 2 * latent])

    @torch.no_grad()
    def start(self, values: Tensor, conditions: Tensor | None = None) -> None:
        """Become probabilistic PCA of shapes (N, C, (L+1)²), whatever their conditions.

        Raises CellmlError for fewer shapes than codes need.
        """
        flat = values.flatten(1).double()
        if flat.shape[1] != self.mean.numel():
            raise CellmlError(f"The shapes have {flat.shape[1]} coefficients and the network {self.mean.numel()}; set task.net.degree.")
        if len(flat) <= self.latent:
            raise CellmlError(f"A code of {self.latent} numbers needs {self.latent + 1} shapes or more, and there are {len(flat)}.")
        middle = flat.mean(dim=0)
        _, singular, modes = torch.linalg.svd(flat - middle, full_matrices=False)
        variances = singular**2 / len(flat)
        known = min(len(variances), len(self.modes))
        noise = variances[self.latent :].sum() / (flat.shape[1] - self.latent)
        self.mean.copy_(middle)
        self.modes.zero_()
        self.modes[:known] = modes[:known].float()
        self.variances.fill_(float(noise))
        self.variances[:known] = variances[:known].float()
        self.noise.fill_(float(noise.clamp(min=1e-12 * variances[0])))

    @property
    def scales(self) -> Tensor:
        """Length of each column of W, (K,) nm: √(λ − σ²)."""
        kept = self.variances[: self.latent] - self.noise
        return kept.clamp(min=1e-12 * self.variances[0]).sqrt()

    def scores(self, values: Tensor) -> Tensor:
        """Coordinates along all known modes, (B, K + higher) nm."""
        return (values.flatten(1) - self.mean) @ self.modes.T

    def posterior(self, values: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the code, (B, K) each: those of probabilistic PCA (Tipping and Bishop 1999, §3.3), corrected."""
        scores = self.scores(values)
        kept = self.variances[: self.latent]
        mean = scores[:, : self.latent] * self.scales / kept
        standard = scores / self.variances.clamp(min=1e-20).sqrt()
        shift, spread = self.correct(torch.cat([standard, conditions], dim=1)).chunk(2, dim=1)
        return mean + shift, torch.log(self.noise / kept) + spread

    def projected(self, values: Tensor) -> Tensor:
        """The code that PCA reconstructs best with, (B, K): the orthogonal projection on the modes."""
        return self.scores(values)[:, : self.latent] / self.scales

    def bent(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """Coordinates along the further modes, (B, higher) nm, that the code implies: g(z)."""
        told = self.bend(torch.cat([codes, conditions], dim=1))
        amount = 1.0 if self.training else self.amount
        return amount * told * self.variances[self.latent :].sqrt()

    def decode(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """(B, K) → coefficients (B, C, (L+1)²) in nm."""
        linear = (codes * self.scales) @ self.modes[: self.latent]
        flat = self.mean + linear + self.bent(codes, conditions) @ self.modes[self.latent :]
        return flat.reshape(len(codes), self.in_channels, -1)

    @torch.no_grad()
    def trust(self, values: Tensor, conditions: Tensor, steps: int = 15) -> dict[str, float]:
        """Choose on shapes (N, C, (L+1)²) that were not trained on which part of g is added, of 0 to 1, so that they are told best.

        Returns the chosen `amount`, the mean surface error of best codes with it and with PCA alone (`bent_nm`, `pca_nm`), their ratio
        (`over_pca`), and the mean length of the residual that was added (`residual_nm`), as root mean squares over a surface.
        """
        errors = {}
        for amount in (0.0, 0.25, 0.5, 0.75, 1.0):
            self.amount.fill_(amount)
            codes = self.refined(values, conditions, steps if amount else 0)
            errors[amount] = _surface_rms(self.decode(codes, conditions) - values).mean(), codes
        best = min(errors, key=lambda amount: float(errors[amount][0]))
        self.amount.fill_(best)
        bent = self.bent(errors[best][1], conditions)
        found, pca = float(errors[best][0]), float(errors[0.0][0])
        return {
            "amount": best,
            "bent_nm": found,
            "pca_nm": pca,
            "over_pca": found / max(pca, 1e-12),
            "residual_nm": float(_surface_rms(bent).mean()),
        }

    @torch.no_grad()
    def solve(self, values: Tensor, conditions: Tensor, steps: int = 4) -> None:
        """Find g for shapes (N, C, (L+1)²) from their best codes so far, where g is one that can be solved for (`KernelBend`).

        Called again it takes the codes that the bent space gives, as a step of coordinate descent over codes and g.
        """
        if not hasattr(self.bend, "solve"):
            return
        codes = self.refined(values, conditions, steps)
        wanted = self.scores(values)[:, self.latent :] / self.variances[self.latent :].sqrt()
        self.bend.solve(torch.cat([codes, conditions], dim=1), wanted)

    def linear(self, codes: Tensor) -> Tensor:
        """What PCA decodes, (B, C, (L+1)²) in nm."""
        return (self.mean + (codes * self.scales) @ self.modes[: self.latent]).reshape(len(codes), self.in_channels, -1)

    def refined(self, values: Tensor, conditions: Tensor, steps: int = 15) -> Tensor:
        """The codes that reconstruct best, (B, K), by Levenberg–Marquardt steps from the projection.

        Without a residual the projection is the best already, so that both decoders are judged by their best codes. A step that does not
        help a shape is not taken, and its damping grows.
        """
        from torch.func import jacfwd, vmap

        target = self.scores(values).detach()
        codes, damping = self.projected(values), torch.full((len(values), 1, 1), 1e-2).to(values)

        def miss(code: Tensor, wanted: Tensor, condition: Tensor) -> Tensor:
            told = torch.cat([code * self.scales, self.bent(code[None], condition[None])[0]])
            return (told - wanted) / self.scales[-1]

        slopes, away = vmap(jacfwd(miss)), vmap(miss)
        error = away(codes, target, conditions)
        for _ in range(steps):
            jacobian = slopes(codes, target, conditions)
            normal = jacobian.transpose(1, 2) @ jacobian
            scaled = damping * torch.diag_embed(normal.diagonal(dim1=1, dim2=2))
            step = torch.linalg.solve(normal + scaled, (jacobian.transpose(1, 2) @ error[:, :, None]))[:, :, 0]
            trial = codes - step
            found = away(trial, target, conditions)
            better = found.square().sum(1) < error.square().sum(1)
            codes, error = torch.where(better[:, None], trial, codes), torch.where(better[:, None], found, error)
            damping = torch.where(better[:, None, None], damping / 4, damping * 4)
        return codes


def _surface_rms(difference: Tensor) -> Tensor:
    """Area-weighted root mean square over the surface, (B,) nm, of differences of orthonormal coefficients (B, …)."""
    return (difference.flatten(1).square().sum(dim=1) / (4 * torch.pi)).sqrt()


def _network(widths: Sequence[int]) -> nn.Sequential:
    """Layers with SiLU between, the last of which is zero."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.SiLU()]
    last = layers[-2]
    assert isinstance(last, nn.Linear)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers[:-1])

"""InfoGAN: some numbers of the code are read from the shape again, so that they come to mean something of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.losses.information import InformationLoss
from cellml.nets.information_reader import InformationReader
from cellml.nets.volume_generator import beside
from cellml.tasks.shape_gan import ShapeGanTask
from cellml.tasks.shape_target import batch_of

if TYPE_CHECKING:
    from cellml.shapes.population import Population


class InfoGanTask(ShapeGanTask):
    """A `ShapeGanTask` whose codes are (z, k, u, c): noise, a category as one number each, continuous codes, and the condition.

    reader: Q of Chen et al. 2016 (arXiv:1606.03657), on the critic's features; information: weight and form of their lower bound; the rest
    as in `ShapeGanTask`. `encode` gives k and u as the reader reads them from real shapes, with z at 0.
    """

    def __init__(self, *, reader: InformationReader, information: InformationLoss, **gan: Any) -> None:
        self.codes_read = reader.size  # before the parent asks for room
        super().__init__(**gan)
        self.reader, self.information = reader, information

    @property
    def noise(self) -> int:
        """Standard normal numbers of a code."""
        return int(self.net.latent) - self.target.size - self.codes_read

    @property
    def inner(self) -> int:
        """Numbers of a code before those of the condition: noise, category and continuous codes."""
        return self.noise + self.codes_read

    def learners(self) -> nn.Module:
        """The generator and the reader."""
        return nn.ModuleList([self.net, self.reader])

    def drawn(self, conditions: Tensor, random: torch.Generator | None) -> Tensor:
        """Noise and codes (B, inner)."""
        return torch.cat([super().drawn(conditions, random), self.reader.drawn(len(conditions), random)], dim=1)

    def told(self, fake: Tensor, codes: Tensor, conditions: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The critic's opinion, and how much the shapes tell of their codes."""
        opinion, parts = super().told(fake, codes, conditions)
        read = self.reader(self.opponent.critic.features(beside(fake, conditions)).float())  # type: ignore[operator]
        record = self.information(*read, codes[:, self.noise : self.inner])
        return opinion + record.total, {**parts, **record.parts}

    @torch.no_grad()
    def encode(self, population: Population) -> NDArray[np.float64]:
        """Codes (N, K) as the reader reads them: the likeliest category, the means of the continuous codes within ± 1; z is 0.

        What z says of a shape is not read, so that `decode(encode(…))` gives a typical shape of these codes and not the shape itself.
        """
        real, conditions = self.shown(batch_of(population, self.representation, self.target))
        category, means = self.reader(self.opponent.critic.features(beside(real, conditions)))  # type: ignore[operator]
        one_hot = torch.zeros_like(category)
        if category.shape[1]:
            one_hot[torch.arange(len(category)), category.argmax(dim=1)] = 1.0
        noise = torch.zeros(len(real), self.noise, device=self.device)
        return torch.cat([noise, one_hot, means.clamp(-1, 1), conditions], dim=1).double().cpu().numpy()  # type: ignore[no-any-return]

    @torch.no_grad()
    def log_density(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """As for `ShapeGanTask`, plus that of the category, 1 / categories, and of the continuous codes, 1 / 2 within ± 1 and 0 beyond."""
        given = self.as_codes(codes)
        continuous = given[:, self.inner - self.reader.continuous : self.inner]
        inside = (continuous.abs() <= 1 + 1e-6).all(dim=1).cpu().numpy()
        constant = math.log(max(1, self.reader.categories)) + self.reader.continuous * math.log(2)
        return np.where(inside, super().log_density(codes) - constant, -np.inf)

    def prediction_state(self) -> dict[str, Tensor]:
        """The averaged generator, the measures, the reader, and the critic that it reads by."""
        kept = ("reader.", "opponent.critic.")
        return {**super().prediction_state(), **{name: value for name, value in self.state_dict().items() if name.startswith(kept)}}

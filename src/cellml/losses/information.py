"""How much a generated shape tells of the codes that made it: InfoGAN's lower bound of their mutual information."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord

_UNIFORM = math.log(2)  # entropy of a uniform number between -1 and 1, nats


class InformationLoss(nn.Module):
    """−L_I = −E[log Q(c | x)] − H(c) in nats (Chen et al. 2016, arXiv:1606.03657, eq. 5), of which the entropy H is constant.

    Q is categorical for the category, and normal of deviation `spread` about the read mean for continuous codes. weight: λ of the paper's
    eq. 6. Raises CellmlError for numbers that are no weight and no deviation.
    """

    def __init__(self, weight: float = 1.0, spread: float = 0.3) -> None:
        super().__init__()
        if weight < 0 or spread <= 0:
            raise CellmlError(f"The weight of the information must be 0 or more and its spread positive; got {weight} and {spread}.")
        self.weight, self.spread = weight, spread

    def forward(self, category: Tensor, means: Tensor, codes: Tensor) -> LossRecord:
        """category: logits (B, K); means: (B, C); codes: (B, K + C), as `InformationReader.drawn` makes them.

        total: −weight · L_I; part "information": L_I, nats.
        """
        kinds, continuous = category.shape[1], means.shape[1]
        one_hot, true = codes[:, :kinds], codes[:, kinds:]
        surprise = means.new_zeros(())
        entropy = continuous * _UNIFORM
        if kinds:
            surprise = surprise + functional.cross_entropy(category.float(), one_hot.argmax(dim=1))
            entropy += math.log(kinds)
        if continuous:
            squares = ((means.float() - true) / self.spread).square().sum(dim=1).mean() / 2
            surprise = surprise + squares + continuous * (math.log(self.spread) + math.log(2 * math.pi) / 2)
        bound = entropy - surprise
        return LossRecord(-self.weight * bound, {"information": bound.detach()})

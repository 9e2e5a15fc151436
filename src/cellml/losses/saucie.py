"""SAUCIE's regularisers on a hidden layer: few neurons, tight clusters, batches alike (Amodio et al. 2019, doi:10.1038/s41592-019-0576-7).

They look at the activations of one hidden layer of any autoencoder. `cellml.callbacks.hidden_losses` attaches them to a layer by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError


@dataclass(frozen=True)
class Hidden:
    """What a regulariser sees. activations: (B, H) of the layer; reconstruction: (B, …) of the same rows, or None; batches: (B,) integers
    that say in which batch (stack, animal, session) each row was recorded, or None.
    """

    activations: Tensor
    reconstruction: Tensor | None = None
    batches: Tensor | None = None


class InformationDimension(nn.Module):
    """−Σ_j p_j ln p_j with p_j the share of neuron j in all activation, so that few neurons are used: 0 for one, ln H for all alike.

    p_j = Σ_i a_ij / Σ_ij a_ij over rows i, with activations counted from their `lowest` value (0 for ReLU, −1 for tanh; None for layers
    without bounds, of which absolute values count).
    """

    def __init__(self, lowest: float | None = 0.0) -> None:
        super().__init__()
        self.lowest = lowest

    def forward(self, hidden: Hidden) -> Tensor:
        """The entropy in nats, a scalar."""
        a = hidden.activations
        amount = a.abs() if self.lowest is None else (a - self.lowest).clamp(min=0.0)
        share = amount.sum(dim=0) / amount.sum().clamp(min=1e-12)
        return -torch.xlogy(share, share.clamp(min=1e-12)).sum()


class IntraclusterDistance(nn.Module):
    """(1/B²) Σ ‖x̂_i − x̂_j‖² over pairs of one cluster; rows with the same binary code, neuron by neuron on or off, are a cluster.

    A neuron is on where its activation is above `threshold` times the largest of the layer in the batch. Distances are those of
    reconstructions, or of activations where there is none. By Σ_ij ‖x_i − x_j‖² = 2 n Σ_i ‖x_i − x̄‖² the work grows with B, not B².
    """

    def __init__(self, threshold: float = 1e-6) -> None:
        super().__init__()
        self.threshold = threshold

    def clusters(self, activations: Tensor) -> Tensor:
        """Number of the cluster of each row, (B,) int64, from activations (B, H)."""
        on = activations > self.threshold * activations.max().clamp(min=1e-12)
        return torch.unique(on, dim=0, return_inverse=True)[1]

    def forward(self, hidden: Hidden) -> Tensor:
        """The mean squared distance over all pairs, of which those of two clusters count 0; a scalar."""
        cluster = self.clusters(hidden.activations.detach())
        x = (hidden.activations if hidden.reconstruction is None else hidden.reconstruction).flatten(1)
        count = torch.bincount(cluster).to(x)
        middle = torch.zeros(len(count), x.shape[1]).to(x).index_add(0, cluster, x) / count[:, None]
        squares = (x - middle[cluster]).square().sum(dim=1)
        return 2 * (count[cluster] * squares).sum() / len(x) ** 2


class BatchDiscrepancy(nn.Module):
    """Σ_b MMD²(reference, b): how far the activations of each batch are from those of a reference batch, for any number of batches.

    MMD² = ⟨k(x, x′)⟩ − 2 ⟨k(x, y)⟩ + ⟨k(y, y′)⟩ (Gretton et al. 2012, biased), with k the mean of Gaussians exp(−‖·‖² / (2 s m)) over
    scales s, and m the mean squared distance of the two batches, not differentiated. reference: number of a batch; None: the one with most
    rows. Batches of which fewer than two rows are seen are left out; 0 where nothing can be compared.
    """

    def __init__(self, scales: Sequence[float] = (0.25, 1.0, 4.0), reference: int | None = None) -> None:
        super().__init__()
        if not scales or min(scales) <= 0:
            raise CellmlError(f"Scales of a kernel are positive, got {list(scales)}.")
        self.scales, self.reference = tuple(float(s) for s in scales), reference

    def forward(self, hidden: Hidden) -> Tensor:
        """The sum over batches, a scalar. Raises CellmlError where nothing says to which batch rows belong."""
        if hidden.batches is None:
            raise CellmlError("The discrepancy of batches needs to know to which batch rows belong; set `batches` to a key of the data.")
        a = hidden.activations
        names, counts = torch.unique(hidden.batches, return_counts=True)
        names = names[counts >= 2]
        reference = self.reference if self.reference is not None else int(hidden.batches.mode().values)
        if reference not in names.tolist():
            return 0.0 * a.sum()
        known = a[hidden.batches == reference]
        others = [a[hidden.batches == name] for name in names.tolist() if name != reference]
        return sum((self.squared(known, other) for other in others), start=0.0 * a.sum())

    def squared(self, x: Tensor, y: Tensor) -> Tensor:
        """MMD² of rows x (N, H) and y (M, H), a scalar."""
        xx, xy, yy = (torch.cdist(a, b).square() for a, b in ((x, x), (x, y), (y, y)))
        both = torch.cat([xx.flatten(), xy.flatten(), xy.flatten(), yy.flatten()])
        unit = both.detach().mean().clamp(min=1e-12)
        return self._kernel(xx / unit) - 2 * self._kernel(xy / unit) + self._kernel(yy / unit)

    def _kernel(self, squares: Tensor) -> Tensor:
        return torch.stack([torch.exp(-squares / (2 * scale)).mean() for scale in self.scales]).mean()

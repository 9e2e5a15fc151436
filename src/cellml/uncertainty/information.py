"""Entropy and variance of predicted probabilities, in bits, for exclusive classes and for independent yes-or-no channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_TINY = 1e-12


def entropy(probabilities: Tensor, *, exclusive: bool) -> Tensor:
    """Shannon entropy of (B, K, z, y, x) in bits, (B, 1, z, y, x).

    exclusive: H = −Σ p_k log₂ p_k of one choice among K classes (0 to log₂ K); otherwise the mean over channels of the entropy of a yes or
    no, −p log₂ p − (1 − p) log₂(1 − p) (0 to 1).
    """
    p = probabilities
    if exclusive:
        return -(p * torch.log2(p.clamp(min=_TINY))).sum(dim=1, keepdim=True)
    q = 1 - p
    return -(p * torch.log2(p.clamp(min=_TINY)) + q * torch.log2(q.clamp(min=_TINY))).mean(dim=1, keepdim=True)


def pooled_variance(variance: Tensor, *, exclusive: bool) -> Tensor:
    """One variance a voxel, (B, 1, z, y, x), from that of each channel (B, K, z, y, x).

    exclusive: half the sum, which for two classes is the variance of the foreground's probability; otherwise the mean over channels.
    """
    return 0.5 * variance.sum(dim=1, keepdim=True) if exclusive else variance.mean(dim=1, keepdim=True)


def slab_entropy(probabilities: NDArray[np.float32], *, exclusive: bool) -> NDArray[np.float32]:
    """`entropy` of a slab (K, z, y, x) as an array (z, y, x)."""
    return np.asarray(entropy(torch.from_numpy(np.ascontiguousarray(probabilities))[None], exclusive=exclusive)[0, 0].numpy())


def mutual_information(total: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.float32]:
    """I = H(E p) − E H(p) in bits: what the members disagree about, the part of the entropy that more data could remove.

    (Houlsby et al. 2011, "BALD", eq. 2; Gal et al. 2017.) Clipped at 0, below which only rounding can bring it.
    """
    return np.maximum(np.asarray(total, np.float32) - np.asarray(expected, np.float32), 0)

"""Label volumes and affinities drawn from probabilities with spatially correlated chance, each voxel's own probability kept exactly.

Independent draws of voxels would be salt and pepper that no mesh is made of; a network errs over whole patches of membrane. Chance is
therefore a correlated Gaussian field g (`CorrelatedField`), and Φ(g) is uniform at each voxel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_EDGE = 1e-6


def draw_foreground(probability: NDArray[np.float32], field: NDArray[np.float32]) -> NDArray[np.uint8]:
    """1 where p > Φ(g): (z, y, x) probabilities and field → labels; the chance of 1 is p at each voxel."""
    from scipy.special import ndtr

    return (probability > ndtr(field)).astype(np.uint8)


def draw_classes(probabilities: NDArray[np.float32], fields: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Classes (z, y, x) from probabilities (K, z, y, x) that sum to 1.

    fields: (1, z, y, x) for two classes, which are drawn by `draw_foreground`; else (K, z, y, x) for argmax_k log p_k + G_k with Gumbel
    noise G = −ln(−ln Φ(g)), whose chance of k is p_k (Gumbel 1954), with no class nearer to another by its number.
    """
    from scipy.special import log_ndtr

    if len(probabilities) == 2:
        return draw_foreground(probabilities[1], fields[0])
    scores = np.log(np.maximum(probabilities, 1e-30)) - np.log(np.maximum(-log_ndtr(fields), 1e-30))
    return np.asarray(scores.argmax(axis=0), np.uint8)


def fields_for_classes(classes: int) -> int:
    """How many fields `draw_classes` needs."""
    return 1 if classes <= 2 else classes


def draw_probabilities(probabilities: NDArray[np.float32], field: NDArray[np.float32], decisiveness: float) -> NDArray[np.float32]:
    """Affinities or boundary probabilities as another committee member might see them: (K, z, y, x), with the field shared by channels.

    a = Φ(√(1 + s²) Φ⁻¹(p) + s g) with s² = ρ/(1 − ρ) and ρ the decisiveness, 0 ≤ ρ ≤ 1. E a = p at each voxel for every ρ, because
    E Φ(μ + s g) = Φ(μ/√(1 + s²)); ρ = 0 leaves p as it is, ρ = 1 decides each voxel, a = [p > Φ(−g)].
    """
    from scipy.special import ndtr, ndtri

    if decisiveness >= 1:
        return (probabilities > ndtr(-field)).astype(np.float32)
    squared = decisiveness / (1 - decisiveness)
    inner = np.clip(probabilities, _EDGE, 1 - _EDGE)
    return np.asarray(ndtr(np.sqrt(1 + squared) * ndtri(inner) + np.sqrt(squared) * field), np.float32)


def drawn_member(
    probabilities: NDArray[np.float32], field: NDArray[np.float32], decisiveness: float, *, exclusive: bool
) -> NDArray[np.float32]:
    """`draw_probabilities` of what a decoder of objects reads, (K, z, y, x).

    exclusive: channels that sum to 1, the first of which, such as the inside, gains what the others, such as the membrane, lose.
    """
    if not exclusive:
        return draw_probabilities(probabilities, field, decisiveness)
    others = draw_probabilities(probabilities[1:], field, decisiveness)
    return np.concatenate([np.maximum(0, 1 - others.sum(axis=0))[None], others])


def decisiveness_from_variance(share: float) -> float:
    """ρ at which `draw_probabilities` has the committee's variance: share = Var a / (p (1 − p)), exact at p = ½.

    Var Φ(s g) = arcsin(s²/(1 + s²)) / (2π) (orthant probability, Sheppard 1899), so ρ = sin(π share / 2).
    """
    return float(np.sin(0.5 * np.pi * min(max(share, 0.0), 1.0)))

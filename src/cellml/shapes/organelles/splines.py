"""Monotone rational-quadratic splines from [0, 1] to itself (Durkan et al., NeurIPS 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_LEAST = 1e-3  # share of a bin, and slope at a knot


def spline(x: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Give y = g(x) and ln g′(x), both (N,).

    x: (N,) in [0, 1]; widths, heights: (N, K) logits of the K bins' shares; slopes: (N, K + 1) at the knots, before a softplus. All zeros
    give the identity. Equation numbers as in the paper: y (4), g′ (5).
    """
    import torch
    from torch.nn import functional

    bins = widths.shape[1]
    wide, high = (_LEAST + (1 - _LEAST * bins) * torch.softmax(part, dim=1) for part in (widths, heights))
    left, low = (torch.cumsum(part, dim=1) - part for part in (wide, high))
    slope = _LEAST + functional.softplus(slopes + _ONE)
    k = (torch.searchsorted(left.contiguous(), x[:, None].contiguous(), right=True) - 1).clamp(0, bins - 1)
    w, h, x0, y0 = (part.gather(1, k)[:, 0] for part in (wide, high, left, low))
    d0, d1 = slope.gather(1, k)[:, 0], slope.gather(1, k + 1)[:, 0]
    t, s = ((x - x0) / w).clamp(0, 1), h / w
    below = s + (d1 + d0 - 2 * s) * t * (1 - t)
    y = y0 + h * (s * t**2 + d0 * t * (1 - t)) / below
    log_slope = 2 * s.log() + (d1 * t**2 + 2 * s * t * (1 - t) + d0 * (1 - t) ** 2).log() - 2 * below.log()
    return y, log_slope


_ONE = 0.5397424172369522  # softplus(_ONE) = 1 − _LEAST, so that slopes of 0 give the identity

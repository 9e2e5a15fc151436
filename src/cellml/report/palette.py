"""Colours that survive colour-blindness, print and comparison.

Categories take the palette of Okabe & Ito (2008, "Color Universal Design"); labels beyond its reach take hues a golden angle apart, so that
any number of them stays distinct and a given label keeps its colour in every figure of a report.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, YELLOW = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442"
OKABE_ITO = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, YELLOW)
TRUTH, PREDICTION = BLUE, ORANGE
INK, MUTED, RULE = "#1f2328", "#6b7280", "#d0d5dd"

_GOLDEN_RATIO = (np.sqrt(5.0) - 1.0) / 2.0


def rgb(colour: str) -> tuple[float, float, float]:
    """Red, green and blue in [0, 1] of a colour written #rrggbb."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5))
    return (red, green, blue)


def distinct_colour(number: int, *, seed: int = 0) -> str:
    """The colour #rrggbb of a label: hue h = frac(s + n φ) with the golden ratio φ, and three levels of lightness in turn.

    The same number and seed always give the same colour, whichever other labels there are.
    """
    start = float(np.random.default_rng(seed).random())
    hue = (start + number * _GOLDEN_RATIO) % 1.0
    lightness = (0.45, 0.60, 0.75)[number % 3]
    channels = colorsys.hls_to_rgb(hue, lightness, 0.62)
    return "#" + "".join(f"{round(255 * c):02x}" for c in channels)


def label_colours(labels: Iterable[int], highlighted: Sequence[int] = (), *, seed: int = 0) -> dict[int, str]:
    """A colour for each label; the highlighted ones get Okabe–Ito colours in their order, as far as the palette reaches."""
    chosen = {label: distinct_colour(int(label), seed=seed) for label in labels if label != 0}
    chosen.update(zip(highlighted, OKABE_ITO, strict=False))
    return chosen


def colour_overlay(grey: NDArray[np.floating], labels: NDArray[np.integer], colours: dict[int, str], opacity: float) -> NDArray[np.float64]:
    """Blend label colours over a grey image.

    grey: (H, W) in [0, 1]; labels: (H, W), 0 stays bare. Returns (H, W, 3) in [0, 1].
    """
    numbers, inverse = np.unique(labels, return_inverse=True)
    table = np.array([rgb(colours[int(n)]) if int(n) in colours else (0.0, 0.0, 0.0) for n in numbers])
    weight = np.array([opacity if int(n) in colours else 0.0 for n in numbers])[inverse].reshape(*labels.shape, 1)
    base = np.repeat(np.asarray(grey, dtype=float)[..., None], 3, axis=2)
    return np.asarray(base * (1.0 - weight) + table[inverse].reshape(*labels.shape, 3) * weight)

"""The style of a microscope and a stain, measured on training images and given to rendered ones.

Three things are taken over: how dark the organelles are among their surroundings, the power of texture and noise at each frequency, and
the histogram. Every step treats labelled and other voxels alike except the first, which is made before the blur, so that no edge of the
labels is seen in the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Triple

Floats = NDArray[np.float64]

_QUANTILES = np.linspace(0, 1, 257)
_BINS = 64  # of the spectrum, up to the frequency of two voxels


@dataclass(frozen=True, eq=False)
class Style:
    """quantiles: (257,) grey values; rank: share of the unlabelled voxels that are darker than the median labelled one, None without
    labels; power: (64,) mean power of sections by frequency, of an image of variance 1 (1 everywhere for white noise); spacing: (z, y, x)
    in nm; kind: of the image's numbers, such as uint8.
    """

    quantiles: Floats
    rank: float | None
    power: Floats
    spacing: Triple
    kind: str

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for the provenance."""
        low, median, high = np.interp([0.05, 0.5, 0.95], _QUANTILES, self.quantiles).tolist()
        return {"rank": self.rank, "grey_05_50_95": [low, median, high], "spacing_nm": list(self.spacing)}


def measure_style(source: Mapping[str, Any]) -> Style:
    """Of a block of training data. source: fields of `cellml.data.blocks.Block`: image, labels, region, labelled_sections …

    Labels above 0 are organelles; a block without `labels` gives a style without their rank. Raises CellmlError as opening a block does,
    and for labels of one kind only.
    """
    from cellml.data.blocks import Block, OpenBlock

    block = OpenBlock(Block(**source), need_labels=source.get("labels") is not None, spacing_key="style.spacing_nm")
    raw = block.read_raw()
    grey = np.asarray(raw, np.float64)
    rank = None
    if source.get("labels") is not None:
        labels = block.read_labels()
        known = block.known(labels)
        inside, outside = grey[known & (labels > 0)], grey[known & (labels == 0)]
        if not len(inside) or not len(outside):
            raise CellmlError(
                f"The style of {source['image']} needs labelled organelles and their surroundings, got {len(inside)} and {len(outside)} "
                "voxels; choose other labelled_sections, or leave labels out."
            )
        rank = float((outside < np.median(inside)).mean())
    return Style(np.quantile(grey, _QUANTILES), rank, spectrum(grey), block.spacing, str(raw.dtype))


def spectrum(image: NDArray[Any]) -> Floats:
    """Mean power of the sections of an image (Z, Y, X) in 64 bins of the frequency, 0 to half a cycle a voxel, variance 1.

    |F(w (v − m))|² / Σ w² with a Hann window w: 1 everywhere for white noise (Welch 1967, eq. 2). Bins without a frequency repeat the last.
    """
    grey = np.asarray(image, np.float64)
    grey = (grey - grey.mean(axis=(1, 2), keepdims=True)) / max(float(grey.std()), 1e-12)
    window = np.hanning(grey.shape[1])[:, None] * np.hanning(grey.shape[2])
    power = (np.abs(np.fft.rfft2(grey * window)) ** 2).mean(axis=0) / (window**2).sum()
    bins = _bins(grey.shape[1:])
    count = np.bincount(bins.ravel(), minlength=_BINS + 1)[:_BINS]
    total = np.bincount(bins.ravel(), power.ravel(), minlength=_BINS + 1)[:_BINS]
    filled = np.flatnonzero(count)
    return np.interp(np.arange(_BINS), filled, total[filled] / count[filled])


def _bins(shape: tuple[int, ...]) -> NDArray[np.int64]:
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    return np.minimum((2 * frequency * _BINS).astype(np.int64), _BINS)


def toned(tissue: NDArray[np.float32], organelles: NDArray[np.bool_], style: Style) -> NDArray[np.float32]:
    """The brightness of organelles shifted so that their median has the style's rank among the other voxels; (Z, Y, X)."""
    if style.rank is None or not organelles.any() or organelles.all():
        return tissue
    shift = float(np.quantile(tissue[~organelles], style.rank) - np.median(tissue[organelles]))
    return np.asarray(np.where(organelles, tissue + shift, tissue), np.float32)


def styled(image: NDArray[np.float32], style: Style, longest_nm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Recorded sections (Z, Y, X) with the style's texture and histogram.

    At each frequency above 1 / longest_nm, Gaussian noise of the power that the image lacks is added (power that it has too much of stays);
    then grey values are exchanged for those of the same rank. Larger structures are not a matter of style and are left alone.
    """
    normal = (image - image.mean()) / max(float(image.std()), 1e-12)
    missing = np.maximum(style.power - spectrum(normal), 0)
    edges = (np.arange(_BINS) + 0.5) / (2 * _BINS) / style.spacing[2]
    missing[edges < 1 / longest_nm] = 0
    gain = np.sqrt(np.append(missing, missing[-1]))[_bins(image.shape[1:])]
    white = rng.standard_normal(image.shape, dtype=np.float32)
    noisy = normal + np.fft.irfft2(np.fft.rfft2(white) * gain, s=image.shape[1:])
    order = np.argsort(noisy, axis=None)
    ranks = np.empty(noisy.size)
    ranks[order] = (np.arange(noisy.size) + 0.5) / noisy.size
    return np.asarray(np.interp(ranks, _QUANTILES, style.quantiles).reshape(image.shape), np.float32)


def in_kind(grey: NDArray[np.float32], kind: str) -> NDArray[Any]:
    """Grey values as numbers of a kind: rounded and kept within it where these are whole."""
    if not np.issubdtype(np.dtype(kind), np.integer):
        return np.asarray(grey, np.float32)
    limits = np.iinfo(kind)
    return np.asarray(np.clip(np.round(grey), limits.min, limits.max), kind)


def require_spacing(style: Style, spacing: Triple) -> None:
    """Raise CellmlError where rendered voxels differ from those of the style by more than a twentieth."""
    if any(abs(a - b) > 0.05 * b for a, b in zip(spacing, style.spacing, strict=True)):
        raise CellmlError(
            f"Blocks of {tuple(spacing)} nm (z, y, x) cannot have the style of an image of {style.spacing} nm: texture is measured by the "
            "voxel. Render with the image's voxels, or resample the image."
        )

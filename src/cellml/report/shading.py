"""From a raster of triangles to a picture: flat light, element edges, outlines and depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.report.rasterise import Raster, barycentric_planes

Floats = NDArray[np.floating]

FINER = 2  # the raster is so many times finer than the picture, which smooths its edges
_LIGHT = np.array([-0.35, 0.5, 0.8]) / np.linalg.norm([-0.35, 0.5, 0.8])  # right, up, towards the eye
_EDGE = np.array([0.12, 0.13, 0.16], np.float32)
_HALF_WIDTH = 0.55  # of an element's edge, in pixels of the raster
_COARSE = 8  # pixels of the raster to one of the blurred depth


def ink(raster: Raster, corners: NDArray[np.float64]) -> NDArray[np.float32]:
    """How dark each pixel (H, W) is drawn by lines, in [0, 1]: edges of elements, and the rims of what stands in front.

    corners: (F, 3, 3) as they were rasterised. Edges fade where elements are only a few pixels wide.
    """
    shown = raster.triangle >= 0
    place = np.flatnonzero(shown)
    row, column = (centre + 0.5 for centre in np.divmod(place, shown.shape[1]))
    number = raster.triangle.ravel()[place]
    lines = np.zeros(shown.shape, np.float32)
    along = np.linalg.norm(np.diff(corners[:, [0, 1, 2, 0], :2], axis=1), axis=2).max(axis=1)
    strength = np.clip((along - 4.0) / 16.0, 0.0, 0.75).astype(np.float32)
    # A barycentric coordinate falls from 1 to 0 over the height of the triangle; so its gradient tells the distance in pixels.
    planes = barycentric_planes(corners)
    distance = planes / np.maximum(np.linalg.norm(planes[:, :, 1:], axis=2, keepdims=True), 1e-12)
    nearest = np.full(len(number), np.inf, np.float32)
    for i in range(3):
        level, across, down = (distance[:, i, k][number] for k in range(3))
        np.minimum(nearest, level + across * column + down * row, out=nearest, casting="same_kind")
    lines.ravel()[place] = strength[number] * np.clip(_HALF_WIDTH + 0.5 - np.maximum(nearest, 0.0), 0.0, 1.0)
    return np.asarray(np.maximum(lines, 0.9 * _rims(raster, shown)), np.float32)


def shade(
    raster: Raster, corners: NDArray[np.float64], colours: NDArray[np.float64], lines: NDArray[np.float32], *, relief: float
) -> Floats:
    """The picture (H / FINER, W / FINER, 4) of red, green, blue and opacity in [0, 1].

    colours: (F, 3) of each triangle; lines: (H, W) of `ink` or `rims`; relief: how strongly light, from the upper left, and depth change
    the colours (0 leaves them as they are, which a colour bar asks for; 1 models the shape).
    """
    number = raster.triangle[raster.triangle >= 0]
    return paint(raster, colours[number], light_on(raster, corners, relief=relief), lines)


def light_on(raster: Raster, corners: NDArray[np.float64], *, relief: float) -> NDArray[np.float32]:
    """Factors of light and depth for the pixels that show a triangle, (V,) in the order of the raster."""
    shown = raster.triangle >= 0
    lit = (1.0 + relief * (_brightness(corners) - 1.0)).astype(np.float32)[raster.triangle[shown]]
    return np.asarray(lit * _depth_cue(raster, shown, relief)[shown])


def paint(raster: Raster, colours: Floats, light: NDArray[np.float32], lines: NDArray[np.float32]) -> Floats:
    """The picture (H / FINER, W / FINER, 4) from colours (V, 3) and `light_on` of the pixels that show a triangle, and lines (H, W)."""
    shown = raster.triangle >= 0
    drawn = lines[shown]
    bright = light * (1 - drawn)
    picture = np.zeros((*shown.shape, 4), np.float32)
    for channel in range(3):
        picture[shown, channel] = colours[:, channel].astype(np.float32) * bright + _EDGE[channel] * drawn
    picture[shown, 3] = 1.0
    return np.clip(_coarser(picture), 0.0, 1.0)


def rims(raster: Raster) -> NDArray[np.float32]:
    """How dark each pixel (H, W) is drawn by the rims of what stands in front, in [0, 1]; no edges of elements."""
    return np.asarray(0.9 * _rims(raster, raster.triangle >= 0), np.float32)


def _brightness(corners: NDArray[np.float64]) -> Floats:
    """Brightness of each triangle: Lambert's law with a lamp at the upper left, over ambient light."""
    upright = corners * [1.0, -1.0, 1.0]  # rows run downwards
    normal = np.cross(upright[:, 1] - upright[:, 0], upright[:, 2] - upright[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    return np.asarray(0.5 + 0.6 * np.maximum(normal @ _LIGHT, 0.0))


def _rims(raster: Raster, shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where the depth falls off steeply to a neighbour, at the rim of what stands in front."""
    depth = np.where(shown, raster.depth, np.float32(-1e9))
    rims = np.zeros(depth.shape, bool)
    step = np.float32(12.0 * FINER)
    rims[1:] |= depth[1:] - depth[:-1] > step
    rims[:-1] |= depth[:-1] - depth[1:] > step
    rims[:, 1:] |= depth[:, 1:] - depth[:, :-1] > step
    rims[:, :-1] |= depth[:, :-1] - depth[:, 1:] > step
    return rims


def _depth_cue(raster: Raster, shown: NDArray[np.bool_], relief: float) -> NDArray[np.float32]:
    """Darker where the surroundings stand nearer to the eye (unsharp masking of the depth; Luft, Colditz & Deussen 2006)."""
    from scipy.ndimage import gaussian_filter

    width = 0.03 * max(shown.shape)
    depth = np.where(shown, raster.depth, np.float32(0.0))
    coarse = gaussian_filter(depth[::_COARSE, ::_COARSE], width / _COARSE)
    coarse /= np.maximum(gaussian_filter(shown[::_COARSE, ::_COARSE].astype(np.float32), width / _COARSE), 1e-6)
    around = np.repeat(np.repeat(coarse, _COARSE, axis=0), _COARSE, axis=1)[: shown.shape[0], : shown.shape[1]]
    behind = np.clip((around - depth) / np.float32(2.5 * width), 0.0, 1.0)
    return np.asarray(1.0 - np.float32(0.45 * relief) * behind)


def _coarser(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of blocks of FINER × FINER pixels, colours weighted with their opacity."""
    height, width = (side // FINER for side in picture.shape[:2])
    picture = picture[: height * FINER, : width * FINER]
    # Where nothing is shown colours are 0 already, so their sum is the weighted one.
    total = np.mean([picture[i::FINER, j::FINER] for i in range(FINER) for j in range(FINER)], axis=0)
    total[..., :3] /= np.maximum(total[..., 3:], 1e-6)
    return np.asarray(total)

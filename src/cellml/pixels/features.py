"""Features of every voxel at several scales: intensity, edges, texture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.pixels.derivatives import difference, eigenvalues, pairs, second_difference
from cellml.pixels.gaussian import radius, smooth
from cellml.pixels.threads import in_parallel

Field = NDArray[np.float32]
Triple = tuple[int, int, int]


@dataclass(frozen=True)
class PixelFeatures:
    """What a pixel classifier sees (the features of ilastik, Berg et al. 2019, and of `skimage.feature.multiscale_basic_features`).

    For each scale σ, with G_σ a Gaussian:
      intensity  G_σ * I
      edges      σ |∇(G_σ * I)|, and σ² Δ(G_σ * I), the Laplacian
      texture    the eigenvalues of the Hessian σ² ∇∇(G_σ * I); the square roots of the eigenvalues of the structure tensor
                 G_σ * (∇I' ∇I'ᵀ), where I' is the image at the finest scale; the local standard deviation √(G_σ * I² − (G_σ * I)²)

    spacing: (z, y, x) in nm; scales_nm: the σ; stride: (z, y, x) voxels that are first averaged to one; planar: within sections only, or
    in 3D with derivatives per nm; null: within sections where these are at least twice as far apart as the pixels in them; neighbours: as
    many sections above and below give the means of their features as further features, for stacks whose sections jump.
    """

    spacing: Sequence[float] = (10.0, 10.0, 10.0)
    scales_nm: Sequence[float] = (10.0, 20.0, 40.0, 80.0)
    stride: Sequence[int] = (1, 1, 1)
    planar: bool | None = None
    intensity: bool = True
    edges: bool = True
    texture: bool = True
    neighbours: int = 0

    def __post_init__(self) -> None:
        for name, kind in (("spacing", float), ("scales_nm", float), ("stride", int)):
            values = tuple(kind(v) for v in getattr(self, name))
            if not values or min(values) <= 0 or (name != "scales_nm" and len(values) != 3):
                wanted = "positive numbers of nm" if name == "scales_nm" else "three positive numbers (z, y, x)"
                raise CellmlError(
                    f"features.{name} (in training task.net.features.{name}) must be {wanted}, got {list(getattr(self, name))}."
                )
            object.__setattr__(self, name, values)
        if not (self.intensity or self.edges or self.texture):
            raise CellmlError("task.net.features.intensity, .edges and .texture are all false; a classifier needs one of them.")
        if self.neighbours < 0:
            raise CellmlError(f"task.net.features.neighbours is {self.neighbours}; give the number of sections, 0 or more.")

    @property
    def working_spacing(self) -> tuple[float, float, float]:
        """(z, y, x) in nm of the voxels that features are computed on."""
        z, y, x = (s * n for s, n in zip(self.spacing, self.stride, strict=True))
        return (z, y, x)

    @property
    def axes(self) -> tuple[int, ...]:
        """Axes that are smoothed and differentiated: (1, 2) within sections, (0, 1, 2) in 3D."""
        z, y, x = self.working_spacing
        flat = self.planar if self.planar is not None else z >= 2 * min(y, x)
        return (1, 2) if flat else (0, 1, 2)

    @property
    def halo(self) -> Triple:
        """Radius of the field of view in voxels of the image (z, y, x)."""
        widest, finest = self._sigmas(max(self.scales_nm)), self._sigmas(min(self.scales_nm))
        reach = [radius(a) + (radius(b) if self.texture else 0) + 1 for a, b in zip(widest, finest, strict=True)]
        reach = [r if axis in self.axes else 0 for axis, r in enumerate(reach)]
        z, y, x = (r * s for r, s in zip([reach[0] + self.neighbours, *reach[1:]], self.stride, strict=True))
        return (z, y, x)

    @property
    def names(self) -> list[str]:
        """One name for each feature of one channel."""
        own = [f"{name} {scale:g} nm" for scale in self.scales_nm for name in self._names()]
        return own + [f"{name}, {2 * self.neighbours} sections around" for name in own if self.neighbours]

    def __call__(self, image: Field) -> Field:
        """image: normalised (C, Z, Y, X), sizes multiples of `stride` → (C · F, Z', Y', X') float32, of `stride`-times coarser voxels."""
        return np.concatenate([block for _, block in self.slabs(image)], axis=1)

    def slabs(self, image: Field, sections: int = 4) -> Iterator[tuple[slice, Field]]:
        """The same in parts along z, as (range of Z', (C · F, dz, Y', X')): `sections` at a time within sections, at once in 3D.

        A volume has many times more features than voxels; in parts, only those of a few sections exist at a time.
        """
        coarse = _averaged(np.asarray(image, np.float32), self.stride)
        depth = coarse.shape[1]
        if self.axes != (1, 2):
            yield slice(0, depth), self._own(coarse)
            return
        kept: dict[int, Field] = {}
        for start in range(0, depth, sections):
            stop = min(start + sections, depth)
            around = {z: _around(z, self.neighbours, depth) for z in range(start, stop)}
            wanted = sorted({z for others in around.values() for z in others} | set(around))
            kept = {z: kept[z] for z in wanted if z in kept}
            new = [z for z in wanted if z not in kept]
            kept.update({z: np.empty((len(coarse), self._count, 1, *coarse.shape[2:]), np.float32) for z in new})
            in_parallel(lambda z: self._fill_all(coarse[:, z : z + 1], kept[z]), new)  # noqa: B023 (used before the next turn)
            yield slice(start, stop), self._joined(kept, around)

    @property
    def _count(self) -> int:
        """Features of one channel without those of its neighbours."""
        return len(self.scales_nm) * len(self._names())

    def _own(self, coarse: Field) -> Field:
        result = np.empty((len(coarse), self._count, *coarse.shape[1:]), np.float32)
        in_parallel(lambda channel: self._fill(coarse[channel], result[channel]), range(len(coarse)))
        return result.reshape(-1, *coarse.shape[1:])

    def _joined(self, kept: Mapping[int, Field], around: Mapping[int, Sequence[int]]) -> Field:
        """Own features of each section and, behind them, the means of its neighbours': (C · F, dz, Y', X')."""
        channels, _, _, *plane = next(iter(kept.values())).shape
        result = np.empty((channels, len(self.names), len(around), *plane), np.float32)

        def section(index: int, z: int) -> None:
            result[:, : self._count, index] = kept[z][:, :, 0]
            if self.neighbours:
                result[:, self._count :, index] = sum(kept[other][:, :, 0] for other in around[z]) / np.float32(len(around[z]))

        in_parallel(lambda job: section(*job), enumerate(around))
        return result.reshape(-1, len(around), *plane)

    def _fill_all(self, coarse: Field, target: Field) -> None:
        for channel, into in zip(coarse, target, strict=True):
            self._fill(channel, into)

    def _names(self) -> list[str]:
        size = len(self.axes)
        edges = ["gradient", "laplacian"]
        texture = [f"{kind} {i}" for kind in ("hessian", "structure") for i in range(1, size + 1)] + ["deviation"]
        return ["gaussian"] * self.intensity + edges * self.edges + texture * self.texture

    def _sigmas(self, scale_nm: float) -> tuple[float, float, float]:
        """Standard deviations (z, y, x) in working voxels."""
        z, y, x = (scale_nm / s if axis in self.axes else 0.0 for axis, s in enumerate(self.working_spacing))
        return (z, y, x)

    def _fill(self, image: Field, target: Field) -> None:
        """Features of one channel and part (Z, Y, X) into (F, Z, Y, X)."""
        products = self._products(smooth(image, self._sigmas(min(self.scales_nm)))) if self.texture else []
        features = (feature for scale in self.scales_nm for feature in self._at(scale, image, products))
        for index, feature in enumerate(features):
            target[index] = feature

    def _products(self, fine: Field) -> list[Field]:
        """Entries of ∇I' ∇I'ᵀ, with differences per finest scale."""
        step = self._steps(min(self.scales_nm))
        gradient = {axis: difference(fine, axis) * step[axis] for axis in self.axes}
        return [gradient[a] * gradient[b] for a, b in pairs(self.axes)]

    def _at(self, scale: float, image: Field, products: Sequence[Field]) -> Iterator[Field]:
        """The features of one scale, in the order of `_names`."""
        sigmas, step = self._sigmas(scale), self._steps(scale)
        mean = smooth(image, sigmas)
        if self.intensity:
            yield mean
        slope = {axis: difference(mean, axis) * step[axis] for axis in self.axes}
        curve = {axis: second_difference(mean, axis) * step[axis] ** 2 for axis in self.axes}
        if self.edges:
            yield np.sqrt(sum(s * s for s in slope.values()))
            yield sum(curve.values())  # type: ignore[misc]
        if not self.texture:
            return
        yield from eigenvalues([curve[a] if a == b else difference(slope[a], b) * step[b] for a, b in pairs(self.axes)])
        for value in eigenvalues([smooth(product, sigmas) for product in products]):
            yield np.sqrt(np.maximum(value, 0))
        yield np.sqrt(np.maximum(smooth(image * image, sigmas) - mean * mean, 0))

    def _steps(self, scale: float) -> dict[int, np.float32]:
        """What turns a difference along each axis, per voxel, into one per `scale`."""
        return {axis: np.float32(scale / self.working_spacing[axis]) for axis in self.axes}


def _averaged(image: Field, stride: Sequence[int]) -> Field:
    """(C, Z, Y, X) averaged over boxes of `stride` voxels. Raises CellmlError where a size is no multiple."""
    if any(n % s for n, s in zip(image.shape[1:], stride, strict=True)):
        raise CellmlError(f"Features with a stride of {tuple(stride)} need sizes in multiples of it (z, y, x), got {image.shape[1:]}.")
    if all(s == 1 for s in stride):
        return image
    c, z, y, x = image.shape
    sz, sy, sx = stride
    return image.reshape(c, z // sz, sz, y // sy, sy, x // sx, sx).mean(axis=(2, 4, 6), dtype=np.float32)


def _around(z: int, count: int, depth: int) -> list[int]:
    """The `count` sections on each side of section z, mirrored about the first and the last one where there are none."""
    period = max(1, 2 * (depth - 1))
    others = [(z + offset) % period for offset in range(-count, count + 1) if offset]
    return [min(other, period - other) if depth > 1 else 0 for other in others]

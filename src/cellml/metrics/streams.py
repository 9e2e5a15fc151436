"""Prediction, truth and mask side by side, a slab of sections at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Labels, Triple

if TYPE_CHECKING:
    from cellml.io import ImageSource

SLAB_VOXELS = 16_000_000


@dataclass(frozen=True, eq=False)
class Slab:
    """Some consecutive sections of what is compared.

    start: number of the first section, counted within the region; prediction, truth: (z, Y, X); mask: (z, Y, X) bool, where to score, or
    None for everywhere.
    """

    start: int
    prediction: NDArray[Any]
    truth: NDArray[Any]
    mask: NDArray[np.bool_] | None

    def kept(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Prediction and truth, 0 outside the mask: what is compared by shape rather than voxel by voxel."""
        if self.mask is None:
            return self.prediction, self.truth
        return np.where(self.mask, self.prediction, 0), np.where(self.mask, self.truth, 0)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Open files of one shape and voxel size, and the region of them that is scored. Made by `open_comparison`.

    specs, sources: prediction, truth and, if there is one, mask; part: slices (z, y, x) with bounds; ignore: the truth label that nobody
    drew, whose voxels are not scored; channel: number of the prediction's channel that is scored.
    """

    specs: tuple[str, ...]
    sources: tuple[ImageSource, ...]
    part: tuple[slice, slice, slice]
    ignore: int | None = None
    channel: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the region along (z, y, x)."""
        z, y, x = (axis.stop - axis.start for axis in self.part)
        return (z, y, x)

    @property
    def spacing(self) -> Triple:
        """Voxel size (z, y, x) in nm."""
        return self.sources[1].spacing

    def slabs(self, depth: int | None = None, *, fractional: bool = False) -> Iterator[Slab]:
        """All of the region from its first section to its last, `depth` sections at a time (as many as keep memory small).

        fractional: whether the prediction may hold numbers that are not whole. Raises CellmlError for fractional labels where it may not,
        and for negative and non-finite ones.
        """
        z, y, x = self.part
        step = depth or max(1, SLAB_VOXELS // ((y.stop - y.start) * (x.stop - x.start)))
        for start in range(z.start, z.stop, step):
            slab = (slice(start, min(start + step, z.stop)), y, x)
            read = [_read(source, slab, 0 if number else self.channel) for number, source in enumerate(self.sources)]
            mask = read[2] != 0 if len(read) > 2 else None
            if self.ignore is not None:
                known = read[1] != self.ignore
                mask = known if mask is None else mask & known
                read[1] = np.where(known, read[1], 0)
            truth = _whole(read[1], self.specs[1], self.spacing)
            prediction = _finite(read[0], self.specs[0]) if fractional else self._predicted_labels(read[0])
            yield Slab(start - z.start, prediction, truth, mask)

    def _predicted_labels(self, data: NDArray[Any]) -> NDArray[Any]:
        try:
            return _whole(data, self.specs[0], self.spacing)
        except CellmlError as error:
            if not np.issubdtype(data.dtype, np.floating):
                raise
            raise CellmlError(f"{error} A probability is scored at a threshold: pass one, as in threshold=0.5.") from error


def open_comparison(
    stack: ExitStack,
    prediction: Any,
    truth: Any,
    mask: Any = None,
    *,
    spacing_nm: Sequence[float] | None = None,
    region: Sequence[Sequence[int] | None] | None = None,
    ignore: int | None = None,
    channel: int | str | None = None,
) -> Comparison:
    """Open the files, each closed with `stack`; arguments as in `score_files`.

    Raises CellmlError for files of several channels or times where none is chosen, for files of other shape or voxel size than the others,
    and for a region outside them.
    """
    from cellml.data.references import resolve

    specs = [str(prediction), *(str(spec) for spec in (truth, mask) if spec is not None)]
    sources = [stack.enter_context(_open(resolve(spec, "labels")[0], spacing_nm)) for spec in specs]
    chosen = _channel(specs[0], sources[0], channel)
    for spec, source in zip(specs[1:], sources[1:], strict=True):
        _channel(spec, source, None)
    return Comparison(tuple(specs), tuple(sources), common_frame(specs, sources, region), ignore, chosen)


def common_frame(
    specs: Sequence[Any], sources: Sequence[ImageSource], region: Sequence[Sequence[int] | None] | None
) -> tuple[slice, slice, slice]:
    """The region to compare, with explicit bounds (z, y, x), once shape and voxel size of all files agree.

    region: [start, stop] in voxels for each axis, None for all of it. Raises CellmlError, with both values, where two files differ,
    and for a region outside them.
    """
    first = sources[0]
    for spec, source in zip(specs[1:], sources[1:], strict=True):
        if source.shape != first.shape:
            raise CellmlError(
                f"{specs[0]} has shape {first.shape} and {spec} has shape {source.shape} (z, y, x); they must cover the same voxels."
            )
        if not np.allclose(source.spacing, first.spacing, rtol=1e-3):
            raise CellmlError(
                f"{specs[0]} has voxels of {list(first.spacing)} nm and {spec} of {list(source.spacing)} nm (z, y, x). If one file is "
                "wrong, pass the right size for both, as in spacing_nm=[10,10,10]."
            )
    bounds = region if region is not None else (None, None, None)
    if len(bounds) != 3:
        raise CellmlError(f"A region is three pairs [[z0, z1], [y0, y1], [x0, x1]], null for all of an axis; got {region}.")
    z, y, x = (_bounded(pair, size, axis) for pair, size, axis in zip(bounds, first.shape, "zyx", strict=True))
    return z, y, x


def _open(spec: str, spacing_nm: Sequence[float] | None) -> ImageSource:
    from cellml.io import open_image

    return open_image(spec, spacing_nm=spacing_nm, usual="labels")


def _channel(spec: str, source: ImageSource, channel: int | str | None) -> int:
    """Number of the wanted channel, by number or name; the only one if there is one."""
    names = source.channels
    if source.frames > 1 or (channel is None and len(names) > 1):
        hint = f"; choose a channel of a prediction, as in channel=1, from {', '.join(names)}" if len(names) > 1 else ""
        raise CellmlError(f"{spec} has the axes {source.axes} and shape {source.full_shape}, but one (Z, Y, X) array is compared{hint}.")
    if channel is None:
        return 0
    if channel in names:
        return names.index(str(channel))
    if not isinstance(channel, int) or not 0 <= channel < max(1, len(names)):
        raise CellmlError(f"{spec} has no channel {channel}; it has {', '.join(names) or 'one, number 0'}.")
    return channel


def _read(source: ImageSource, slab: tuple[slice, slice, slice], channel: int) -> NDArray[Any]:
    return source.read(slab).reshape(-1, *(axis.stop - axis.start for axis in slab))[channel]


def _whole(data: NDArray[Any], spec: str, spacing: Triple) -> NDArray[Any]:
    return Labels(data, spacing, name=spec).data


def _finite(data: NDArray[Any], spec: str) -> NDArray[Any]:
    if np.issubdtype(data.dtype, np.floating) and not np.isfinite(data).all():
        raise CellmlError(f"{spec} holds values that are not finite; probabilities are numbers.")
    return data


def _bounded(pair: Sequence[int] | None, size: int, axis: str) -> slice:
    start, stop = (0, size) if pair is None else tuple(pair)
    if not 0 <= start < stop <= size:
        raise CellmlError(
            f"The region [{start}, {stop}] along {axis} does not lie inside the files, which have {size} voxels along {axis}."
        )
    return slice(start, stop)

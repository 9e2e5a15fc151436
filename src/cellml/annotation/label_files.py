"""Label files of several annotators, read together, a slab of sections at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Labels

if TYPE_CHECKING:
    from cellml.io import ImageSource

SLAB_VOXELS = 16_000_000
Region = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Annotations:
    """Open label files of one shape and voxel size."""

    sources: tuple[ImageSource, ...]

    @property
    def frame(self) -> dict[str, Any]:
        """Shape, spacing and origin, as `cellml.io.create_array` takes them."""
        first = self.sources[0]
        return {"shape": first.shape, "spacing": first.spacing, "origin": first.origin}

    @property
    def names(self) -> dict[int, str]:
        """Names of labels, from the first file that has any."""
        return next((dict(source.names) for source in self.sources if source.names), {})

    def slabs(self) -> Iterator[tuple[Region, list[NDArray[Any]]]]:
        """Region and labels (z, Y, X) of each file, from the first section to the last.

        Raises CellmlError for fractional, non-finite and negative labels.
        """
        depth, height, width = self.sources[0].shape
        step = max(1, SLAB_VOXELS // (height * width))
        for start in range(0, depth, step):
            region = (slice(start, min(start + step, depth)), slice(0, height), slice(0, width))
            shape = (region[0].stop - start, height, width)
            yield region, [Labels(s.read(region).reshape(shape), s.spacing, name=s.name).data for s in self.sources]


def open_annotations(stack: ExitStack, specs: Sequence[str], spacing_nm: Sequence[float] | None) -> Annotations:
    """Open the files, each closed with `stack`. Raises CellmlError for several channels, and for files of other shape or voxel size."""
    from cellml.data.references import resolve
    from cellml.io import open_image
    from cellml.metrics.streams import common_frame

    sources = []
    for spec in specs:
        source = stack.enter_context(open_image(resolve(spec, "labels")[0], spacing_nm=spacing_nm, usual="labels"))
        if max(source.full_shape[:-3], default=1) > 1:
            raise CellmlError(f"{spec} has the axes {source.axes} and shape {source.full_shape}; labels are one (Z, Y, X) array.")
        sources.append(source)
    common_frame(specs, sources, None)
    return Annotations(tuple(sources))

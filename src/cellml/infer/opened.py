"""What inference reads: one image, or several files of one grid as the channels of one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from cellml.errors import CellmlError

log = logging.getLogger(__name__)


def input_files(input: str | Sequence[str]) -> list[str]:
    """File references of the input or inputs; what must be known of their origin is logged. Raises CellmlError for an empty list."""
    from cellml.data.references import resolve

    found = [resolve(one, "image") for one in ([input] if isinstance(input, str) else input)]
    if not found:
        raise CellmlError("input=[] names no file; give a volume, or the halves of a tomogram as input=[even.mrc,odd.mrc].")
    for _, warning in found:
        if warning:
            log.warning(warning)
    return [path for path, _ in found]


def open_input(files: Sequence[str], spacing_nm: Sequence[float] | None = None, axes: str | None = None) -> Any:
    """One file as `cellml.io.open_image` opens it, several as `cellml.data.stacked.StackedImages`: a context manager."""
    from cellml.data.stacked import StackedImages
    from cellml.io import open_image

    opened = [open_image(path, spacing_nm=spacing_nm, axes=axes) for path in files]
    return opened[0] if len(opened) == 1 else StackedImages(opened)

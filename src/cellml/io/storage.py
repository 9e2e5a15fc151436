"""Which number type a format stores an array in, and the check that nothing is lost on the way."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.header import ImageHeader

_log = logging.getLogger(__name__)
_ROOMY = ".npz, .h5 or .zarr"


def storage_dtype(header: ImageHeader, supported: tuple[str, ...], *, form: str, path: object) -> np.dtype[Any]:
    """The type in which a format that knows only `supported` (numpy codes such as "u1") keeps an array.

    The same type where it can, else the smallest one that holds every value, else the widest of the same kind, whose blocks
    `fitting` then checks. float64 may become float32, with a warning. Raises FileError for types without a place, such as complex.
    """
    dtype = np.dtype("u1") if header.dtype == np.bool_ else header.dtype.newbyteorder("=")
    known = [np.dtype(code) for code in supported]
    if dtype in known:
        return dtype
    # A label that became a float would be no label any more for other programs, so integers look among integers first.
    alike = [one for one in known if (one.kind == "f") == (dtype.kind == "f")] or known
    holding = [one for one in alike if np.can_cast(dtype, one, "safe")]
    if holding:
        return min(holding, key=lambda one: (one.itemsize, one.kind != dtype.kind))
    kind = "u" if header.kind is not None else dtype.kind  # labels are never negative
    same_kind = [one for one in alike if one.kind == kind]
    if dtype.kind not in "iuf" or not same_kind:
        raise FileError(
            f"{form} cannot hold {dtype} voxels, so {path} was not written; write {_ROOMY} instead, or convert the array first."
        )
    widest = max(same_kind, key=lambda one: one.itemsize)
    if dtype.kind == "f":
        _log.warning("%s holds no %s: %s is written as %s.", form, dtype, path, widest)
    return widest


def fitting(block: NDArray[Any], dtype: np.dtype[Any], *, path: object) -> NDArray[Any]:
    """The block as `dtype`. Raises FileError, with the range found, where an integer would not survive."""
    block = np.asarray(block)
    if block.dtype == dtype:
        return block
    if dtype.kind in "iu" and block.dtype.kind == "f":
        raise FileError(f"{path} is being written as {dtype}, but a block of {block.dtype} came; round it first.")
    if dtype.kind in "iu" and block.size and not np.can_cast(block.dtype, dtype, "safe"):
        limits = np.iinfo(dtype)
        low, high = int(block.min()), int(block.max())
        if low < limits.min or high > limits.max:
            raise FileError(
                f"{path} stores {dtype} ({limits.min} to {limits.max}), but the values run from {low} to {high}; write {_ROOMY} instead, "
                "or renumber the labels."
            )
    return block.astype(dtype)

"""From the files of a public source to the arrays that cellml keeps, and the fingerprint that says they are the right ones."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError

Arrays = dict[str, NDArray[Any]]

_UNREADABLE = (OSError, EOFError, KeyError, ValueError, IndexError, zlib.error)


def neuroproof_block(folder: Path, sections: int) -> Iterator[Arrays]:
    """Read a training sample of the NeuroProof examples (FIB-25) in either of its two public layouts.

    Git repository: `grayscale_maps/*.png`, one file a section in order of z, and `groundtruth.h5.gz`. Bucket: `grayscale_maps.h5` with
    data set `raw`, and `groundtruth.h5`. The ground truth holds `stack`, numbers of supervoxels or bodies (Z, Y, X), and may hold
    `transforms` (N, 2), which body each supervoxel belongs to. Yields the possible readings, each with raw (sections, Y, X) uint8,
    neurons (sections, Y, X) uint16 and voxel_nm (3,): first with the transforms applied, then the stack as it is. The fingerprint
    decides. Raises FileError for a file that cannot be read.
    """
    raw = _grey_values(folder, sections)
    stack, transforms = _ground_truth(folder, sections)
    if raw.shape != stack.shape:
        raise FileError(f"The image in {folder.name} has shape {raw.shape} but its ground truth {stack.shape}; the source has changed.")
    if transforms is not None:
        yield _block(raw, apply_transforms(stack, transforms))
    yield _block(raw, stack)


def _block(raw: NDArray[Any], bodies: NDArray[Any]) -> Arrays:
    return {"raw": raw.astype(np.uint8), "neurons": _as_uint16(bodies), "voxel_nm": np.array([10.0, 10.0, 10.0])}


def _as_uint16(bodies: NDArray[Any]) -> NDArray[np.uint16]:
    if bodies.max() < 2**16:
        return bodies.astype(np.uint16)
    return number_by_appearance(bodies).astype(np.uint16)


def _grey_values(folder: Path, sections: int) -> NDArray[Any]:
    stack = folder / "grayscale_maps.h5"
    try:
        if stack.exists():
            import h5py

            with h5py.File(stack) as file:
                return np.asarray(file["raw"][:sections])
        from PIL import Image

        paths = sorted((folder / "grayscale_maps").glob("*.png"))[:sections]
        return np.stack([np.asarray(Image.open(path).convert("L")) for path in paths])
    except _UNREADABLE as error:
        raise FileError(f"The image of {folder.name} cannot be read ({error}); the download is not what it should be.") from error


def _ground_truth(folder: Path, sections: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
    import h5py

    plain, packed = folder / "groundtruth.h5", folder / "groundtruth.h5.gz"
    try:
        if not plain.exists():
            plain.write_bytes(gzip.decompress(packed.read_bytes()))
        with h5py.File(plain) as file:
            transforms = np.asarray(file["transforms"]) if "transforms" in file else None
            return np.asarray(file["stack"][:sections]), transforms
    except _UNREADABLE as error:
        raise FileError(f"The ground truth of {folder.name} cannot be read ({error}); the download is not what it should be.") from error


def apply_transforms(stack: NDArray[Any], transforms: NDArray[Any]) -> NDArray[Any]:
    """Replace each supervoxel by its body: transforms (N, 2), columns supervoxel and body; a supervoxel without a row keeps its number."""
    values, inverse = np.unique(stack, return_inverse=True)
    body = dict(zip(transforms[:, 0].tolist(), transforms[:, 1].tolist(), strict=True))
    mapped = np.array([body.get(value, value) for value in values.tolist()], dtype=np.int64)
    return mapped[inverse].reshape(stack.shape)


def number_by_appearance(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Renumber labels 1, 2, … in the order in which they first appear in C order; 0 stays 0.

    Two arrays that divide the same voxels into the same objects become equal, whatever numbers they used.
    """
    values, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.zeros(len(values), dtype=np.int64)
    named = values != 0
    rank[named] = np.argsort(np.argsort(first[named])) + 1
    return rank[inverse].reshape(labels.shape)


def fingerprint(arrays: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """SHA-256 of the content of `raw` and `neurons`, whatever file they came in.

    raw: its bytes as uint8 in C order. neurons: the bytes of `number_by_appearance`, as little-endian uint16 in C order, so that only the
    division into objects counts and not their numbers.
    """
    raw = np.ascontiguousarray(arrays["raw"], dtype=np.uint8)
    neurons = np.ascontiguousarray(number_by_appearance(arrays["neurons"]), dtype="<u2")
    return {"raw": hashlib.sha256(raw.tobytes()).hexdigest(), "neurons": hashlib.sha256(neurons.tobytes()).hexdigest()}

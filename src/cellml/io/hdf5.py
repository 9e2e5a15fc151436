"""HDF5: `file.h5:/dataset`, with the frame in the dataset's attributes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import FileError
from cellml.io.attribute_frame import attribute_frame, frame_attributes
from cellml.io.formats import expect, stored_as, wrong_content
from cellml.io.hdf5_own import require_own, whole_array
from cellml.io.header import ImageHeader, Stored, WritableArray
from cellml.io.location import Location, pick
from cellml.io.patient_file import PatientFile

FORM = "HDF5"
_CHUNK = 64
_FEW = 64  # numbers of a voxel size; more are none
_CACHE_BYTES = 1 << 26  # whole chunks stay in memory while blocks that cross them are written


@contextmanager
def open_stored(location: Location, usual: str) -> Iterator[Stored]:
    """Open a dataset; only the chunks that are asked for are read."""
    import h5py

    expect(location.path, FORM)
    with h5py.File(location.path, "r") as file:
        dataset = file[pick(location, _datasets(file), usual)]
        require_own(dataset, location.path)
        labels = "".join(str(dim.label) for dim in dataset.dims).upper()
        frame = attribute_frame(list(_holders(dataset, location.path)), labels=labels if len(labels) == dataset.ndim else "")
        yield Stored(ImageHeader(tuple(dataset.shape), dataset.dtype, **frame), dataset)


def check_target(location: Location, header: ImageHeader) -> ImageHeader:
    """Any number type and axes fit; an existing file that a dataset is added to must be sound."""
    import h5py

    if location.member is not None and location.path.exists():
        expect(location.path, FORM)
        try:
            with h5py.File(location.path, "r") as file:
                member = _member(location, header)
                clash = [name for name in _datasets(file) if member.startswith(f"{name}/")]
                if clash or isinstance(file.get(member), h5py.Group):
                    raise FileError(f"{location} cannot be written: {clash[0] if clash else member} exists and is of another kind.")
        except OSError as error:
            raise wrong_content(location.path, FORM, error) from error
    return stored_as(header, np.dtype("u1") if header.dtype == np.bool_ else header.dtype)


@contextmanager
def create(aside: Path, location: Location, header: ImageHeader) -> Iterator[WritableArray]:
    """A chunked dataset (labels deflated), added to a copy of the file where one is named and exists."""
    import h5py

    member = _member(location, header)
    if location.member is not None and location.path.exists():
        shutil.copyfile(location.path, aside)
    # Format 1.8 or later: attributes of older ones end at 64 kB, which the names of many labels exceed.
    patient = PatientFile(aside)
    with closing(patient), h5py.File(patient, "a", libver=("v108", "latest"), rdcc_nbytes=_CACHE_BYTES) as file:
        if member in file:
            del file[member]
        dataset = file.create_dataset(
            member,
            shape=header.shape,
            dtype=header.dtype,
            chunks=tuple(min(size, _CHUNK) if axis in "ZYX" else 1 for size, axis in zip(header.shape, header.axes, strict=True)),
            compression="gzip" if header.kind is not None else None,
        )
        for name, value in frame_attributes(header).items():
            dataset.attrs[name] = value
        patient.check()
        yield _Checked(dataset, patient)
    patient.check()


class _Checked:
    """A dataset that raises what went wrong while a block was written."""

    def __init__(self, dataset: Any, file: PatientFile) -> None:
        self._dataset, self._file = dataset, file

    def __getitem__(self, index: Any) -> Any:
        return self._dataset[index]

    def __setitem__(self, index: Any, block: Any) -> None:
        self._dataset[index] = block
        self._file.check()


def _member(location: Location, header: ImageHeader) -> str:
    return (location.member or ("raw" if header.kind is None else "labels")).strip("/")


def _datasets(file: Any) -> list[str]:
    """Names of the datasets that may be images: numbers in two dimensions or more."""
    import h5py

    names: list[str] = []

    def collect(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim >= 2 and item.dtype.kind in "biuf":
            names.append(name)

    file.visititems(collect)
    return sorted(names)


def _holders(dataset: Any, path: Path) -> Iterator[Mapping[str, Any]]:
    """Attributes of the dataset, then of its groups up to the root, each with a `voxel_nm` dataset beside it."""
    yield dataset.attrs
    group = dataset.parent
    while True:
        yield group.attrs
        if "voxel_nm" in group and group["voxel_nm"].size <= _FEW:
            yield {"voxel_nm": whole_array(group, "voxel_nm", path)}
        if group.name == "/":
            return
        group = group.parent

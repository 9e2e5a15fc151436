"""Scientific Data Exchange HDF5, as TomoPy reads it: counts, fields with and without beam, and angles (De Carlo et al. 2014)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.formats import sniff
from cellml.io.hdf5_own import require_own, whole_array
from cellml.io.region import require_room

FEWER = "Read fewer rows at a time, or crop or bin the projections."
_DATA = "exchange/data"


def is_data_exchange(path: str | os.PathLike[str]) -> bool:
    """Whether a file is HDF5 with the dataset `exchange/data`."""
    if sniff(Path(path)) != "HDF5":
        return False
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return isinstance(file.get(_DATA), h5py.Dataset)
    except OSError:  # damaged; the general reader says how
        return False


class DataExchange:
    """An open file. shape: (N, Y, X); angles: (N,) degrees in −180 … 180, or None; `rows` gives line integrals. Close it."""

    def __init__(self, path: Path) -> None:
        import h5py

        self._path, self._file = path, h5py.File(path, "r")
        try:
            self._data = self._file[_DATA]
            require_own(self._data, path)
            if self._data.ndim != 3:
                raise FileError(f"{path}:{_DATA} has shape {self._data.shape}; projections are (angle, y, x).")
            self.shape: tuple[int, int, int] = tuple(self._data.shape)
            self._white, self._dark = self._field("data_white"), self._field("data_dark")
            self.angles = self._angles()
        except BaseException:
            self._file.close()
            raise

    def rows(self, rows: slice) -> NDArray[np.float32]:
        """Line integrals (N, rows, X): flat-fielded and −log where the file has a field without specimen, as they are without one."""
        from cellml.tomography.beer_lambert import line_integrals

        index = (slice(None), rows, slice(None))
        require_room(self._data, self.shape, np.result_type(self._data.dtype, np.float32), index, self._path, remedy=FEWER)
        counts = self._data[index]
        if self._white is None:
            return np.asarray(counts, np.float32)
        dark = 0.0 if self._dark is None else self._mean(self._dark, rows)
        return line_integrals(counts, self._mean(self._white, rows), dark)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _field(self, name: str) -> Any:
        field = self._file.get(f"exchange/{name}")
        if field is None or 0 in field.shape:
            return None
        require_own(field, self._path)
        if field.ndim not in (2, 3) or tuple(field.shape[-2:]) != self.shape[1:]:
            raise FileError(f"{self._path}: exchange/{name} has shape {field.shape}, but the projections are {self.shape[1:]} (y, x).")
        return field

    @staticmethod
    def _mean(field: Any, rows: slice) -> NDArray[np.float64]:
        part = np.asarray(field[..., rows, :], np.float64)
        return np.asarray(part.mean(axis=0) if part.ndim == 3 else part)

    def _angles(self) -> NDArray[np.float64] | None:
        theta = self._file.get("exchange/theta")
        if theta is None:
            return None
        angles = whole_array(self._file, "exchange/theta", self._path).astype(np.float64).reshape(-1)
        if str(theta.attrs.get("units", "degrees")).lower().startswith("rad"):
            angles = np.rad2deg(angles)
        return np.asarray(np.where(angles > 180, angles - 360, angles))

"""HDF5 files that are put together in memory and reach the disk by ordinary writes.

Where HDF5 itself runs into a full disk it can neither close its file nor let go of it: h5py complains once for each object that it still
holds, and the process ends in a segmentation fault (h5py 3.16, HDF5 1.14). An ordinary write raises OSError, which can be explained.
Meshes and time series fit into memory, for they come from there; images that do not go through `cellml.io.patient_file`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_BLOCK = 2**20  # bytes by which the file grows in memory


@contextmanager
def hdf5_in_memory(path: Path) -> Iterator[Any]:
    """Give an empty h5py.File in memory, and write it to `path` on normal exit; on an exception nothing is written.

    Raises OSError where `path` cannot be written.
    """
    import h5py

    with h5py.File(path.name, "w", driver="core", backing_store=False, block_size=_BLOCK) as file:
        yield file
        file.flush()
        image = file.id.get_file_image()
    path.write_bytes(image)

"""Readers of folders, archives and records: sections, stores of the older format, sessions, distributions, results."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from target import Target

SPACING = (8.0, 4.0, 4.0)
DATA = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)


def _volume() -> Any:
    from cellml.types import Volume

    return Volume(DATA, SPACING)


def _sections(folder: Path) -> None:
    from PIL import Image

    Image.fromarray(DATA[0]).save(folder / "a.png")
    Image.fromarray(DATA[0].astype(np.uint16)).save(folder / "b.png")
    Image.fromarray(np.stack([DATA[0]] * 3, axis=-1)).save(folder / "c.png")


def _tiff_sections(folder: Path) -> None:
    import tifffile

    tifffile.imwrite(folder / "a.tif", DATA[0], photometric="minisblack", metadata=None)
    tifffile.imwrite(folder / "b.tif", DATA[0], compression="zlib", metadata=None)


def _sections_read(path: Path) -> Any:
    from cellml.io import read_volume

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, folder)
        return read_volume(folder, spacing_nm=SPACING)


def _sidecar(folder: Path) -> None:
    note = {"cellml": {"axes": "ZYX", "channels": [], "name": "a", "kind": "instance", "names": {"1": "soma"}}}
    (folder / "a.json").write_text(json.dumps({"voxel_nm": SPACING, "origin_nm": [0, 0, 1], **note}))


def _sidecar_read(path: Path) -> Any:
    from PIL import Image

    from cellml.io import read_labels

    with tempfile.TemporaryDirectory() as folder:
        Image.fromarray(DATA[0]).save(Path(folder) / "1.png")
        shutil.copy(path, Path(folder) / "cellml.json")
        return read_labels(folder, spacing_nm=SPACING)


def _parts_of_a_store(names: tuple[str, ...], suffix: str) -> tuple[Callable[[Path], None], Callable[[Path], Any]]:
    """Files of an OME-Zarr 0.4 store to be damaged, and a reader of a sound store with one of them in its place."""

    def store_in(folder: Path) -> Path:
        from cellml.io import write_volume

        write_volume(_volume(), folder / "store.zarr", version="0.4")
        return folder / "store.zarr"

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as place:
            for number, name in enumerate(names):
                shutil.copy(store_in(Path(place)) / name, folder / f"{number}{suffix}")

    def read(path: Path) -> Any:
        from cellml.io import read_volume

        content = path.read_bytes()
        with tempfile.TemporaryDirectory() as place:
            store = store_in(Path(place))
            name = names[0] if b"chunks" in content or len(names) == 1 else names[-1]
            (store / name).write_bytes(content)
            return read_volume(store, spacing_nm=SPACING)

    return make, read


def _numbers_beside(folder: Path) -> None:
    from cellml.io import write_mesh
    from cellml.types import TetMesh

    mesh = TetMesh(np.eye(4, 3) * 10.0, np.array([[0, 1, 3, 2]]), np.array([1]), region_names={1: "cell"})
    write_mesh(mesh, folder / "a.xdmf")


def _numbers_read(path: Path) -> Any:
    from cellml.io import read_mesh

    with tempfile.TemporaryDirectory() as folder:
        _numbers_beside(Path(folder))
        shutil.copy(path, Path(folder) / "a.xdmf.h5")
        return read_mesh(Path(folder) / "a.xdmf")


def _exchange(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "a.h5", "w") as file:
        file["exchange/data"], file["exchange/data_white"] = DATA.astype(np.float32) + 1, DATA[:1].astype(np.float32) + 2
        file["exchange/theta"] = np.array([0.0, 1.0, 2.0])


def _exchange_read(path: Path) -> Any:
    from cellml.io.tilts import read_tilts

    return read_tilts(path, angles=[0.0, 1.0, 2.0], pixel=1.0)


def _session(folder: Path) -> None:
    from cellml.annotation.session_files import SavedState, write_state

    write_state(folder, SavedState(DATA, DATA.astype(np.uint32), {}, 0), _volume(), ["a", "b"])


def _session_read(path: Path) -> Any:
    from cellml.annotation.session_files import read_state

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, Path(folder) / "state.npz")
        return read_state(Path(folder), _volume(), ["a", "b"])


def _organelles(folder: Path) -> None:
    from cellml.shapes.organelles.count import CountModel
    from cellml.shapes.organelles.distribution import Distribution, save_distribution
    from cellml.shapes.organelles.placement import UniformPlacement
    from cellml.shapes.organelles.sources import ObservedShapes, SizeModel
    from cellml.types import Surface

    surface = Surface(np.eye(4, 3) * 10.0, np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]]))
    kind = Distribution("kind", ObservedShapes((surface,)), SizeModel(10.0, 0.5), CountModel(3.0, 2.0), UniformPlacement())
    save_distribution(kind, folder / "a.npz")


def _organelles_read(path: Path) -> Any:
    from cellml.shapes.organelles.distribution import load_distribution

    return load_distribution(path)


def _weights(folder: Path) -> None:
    import torch

    torch.save({"a.weight": torch.zeros(2, 3), "a.bias": torch.zeros(2)}, folder / "a.pt")


def _weights_read(path: Path) -> Any:
    from cellml.initialisation import read_weights

    return read_weights(path)


def _calibration(folder: Path) -> None:
    (folder / "a.json").write_text('{"temperature": 1.5, "bias": [0.1, -0.1], "ece": 0.02}')


def _calibration_read(path: Path) -> Any:
    from cellml.uncertainty.temperature import read_calibration

    return read_calibration(str(path))


def _results(folder: Path) -> None:
    (folder / "a.json").write_text(
        '{"_about": {"date": "d", "command": "c"}, "dice": {"value": 0.9, "unit": "1"}, "dice_low": {"value": 0.8}}'
    )
    (folder / "b.json").write_text('{"kind": "instance", "voi": {"value": 1.0, "low": 0.5, "high": 2.0}, "objects": {"f1": 0.5}}')


def _results_read(path: Path) -> Any:
    from cellml.sharing.card_command import measured_of

    return measured_of(path, path, [])


def _scores(folder: Path) -> None:
    (folder / "a.json").write_text('{"kind": "instance", "voxels": 10, "adapted_rand_error": {"value": 0.1, "low": 0.05, "high": 0.2}}')


def _scores_read(path: Path) -> Any:
    from cellml.evaluation.leaderboard_command import _content, _numbers

    return _numbers(_content(path))


def _record(folder: Path) -> None:
    objects = {"cellml": "ObjectsRecord", "table": "table.csv", "labels": "labels.tif", "map": "map.npz", "limit": 0.5}
    spectrum = {"radius": [0, 1], "direction": [0, 1], "inferred": [[1]], "total": [[2]], "unmeasured": [[0]]}
    map_ = {"map": "m.mrc", "volume": "v.mrc", "deviation": "", "members": 1, "tilts": [-60, 60], "weighting": "w", "window_nm": [1, 1, 1]}
    (folder / "a.json").write_text(json.dumps(objects))
    shares = {"cellml": "MapRecord", "inferred_share": 0.5, "unmeasured_share": 0.1, "spectrum": spectrum}
    (folder / "b.json").write_text(json.dumps({**shares, **map_}))


def _record_read(path: Path) -> Any:
    from cellml.tomography.information_record import read_record

    return read_record(path)


def _state(folder: Path) -> None:
    layer = {"type": "segmentation", "name": "meshes", "source": ["precomputed://http://127.0.0.1:1/meshes"], "segments": ["1"]}
    (folder / "a.json").write_text(json.dumps({"layers": [{"type": "image", "source": "zarr://http://127.0.0.1:1/a.zarr"}, layer]}))


def _state_read(path: Path) -> Any:
    from cellml.viewing.folder import served_state

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, Path(folder) / "state.json")
        return served_state(Path(folder), "http://127.0.0.1:2")


TARGETS = (
    Target("sections", ".png", _sections, _sections_read),
    Target("tiff_sections", ".tif", _tiff_sections, _sections_read),
    Target("sidecar", ".json", _sidecar, _sidecar_read),
    Target("zarr2", ".json", *_parts_of_a_store(("0/.zarray", ".zattrs"), ".json")),
    Target("zarr_chunk", ".bin", *_parts_of_a_store(("0/0/0/0",), ".bin")),
    Target("xdmf_numbers", ".h5", _numbers_beside, _numbers_read),
    Target("data_exchange", ".h5", _exchange, _exchange_read),
    Target("session", ".npz", _session, _session_read),
    Target("organelles", ".npz", _organelles, _organelles_read),
    Target("weights", ".pt", _weights, _weights_read),
    Target("calibration", ".json", _calibration, _calibration_read),
    Target("results", ".json", _results, _results_read),
    Target("scores", ".json", _scores, _scores_read),
    Target("information", ".json", _record, _record_read),
    Target("view", ".json", _state, _state_read),
)

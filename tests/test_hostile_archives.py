"""Archives made to harm: checkpoints, collections of surfaces, distributions, sessions, stores with codecs that run code."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellml import checkpoint, memory
from cellml.errors import CellmlError, ContractError, FileError
from cellml.io import read_volume
from cellml.types import Volume

SPACING = (8.0, 4.0, 4.0)
SMALL = Volume(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), SPACING)


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory_gb", lambda: 1.0)


@pytest.mark.parametrize(
    "codec", [{"filters": [{"id": "pickle"}]}, {"compressor": {"id": "pickle"}}, {"dtype": "|O", "filters": [{"id": "pickle"}]}]
)
def test_zarr_unpickles_nothing(codec: dict[str, Any], tmp_path: Path) -> None:
    """numcodecs has a filter that calls pickle.loads, which the metadata of a store could name."""
    store = tmp_path / "a.zarr"
    store.mkdir()
    plain: dict[str, Any] = {"zarr_format": 2, "shape": [2, 3, 4], "chunks": [2, 3, 4], "dtype": "|u1", "order": "C", "fill_value": 0}
    (store / ".zarray").write_text(json.dumps({**plain, "compressor": None, "filters": None, **codec}))
    (store / ".zattrs").write_text(json.dumps({"voxel_nm": SPACING}))
    (store / "0.0.0").write_bytes(pickle.dumps(Written(tmp_path / "ran")))
    with pytest.raises(FileError):
        read_volume(store)
    assert not (tmp_path / "ran").exists()


class Written:
    """Unpickling it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_an_archive_note_of_many_megabytes_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", raw=SMALL.data, voxel_nm=np.zeros(10_000_000))
    with pytest.raises(FileError, match="voxel_nm has 80 MB"):
        read_volume(tmp_path / "a.npz")


def test_a_compressed_checkpoint_is_refused_unread(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.ckpt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
        archive.writestr("archive/version", "3")
    with pytest.raises(FileError, match="is compressed, which can hide any size"):
        checkpoint.read(tmp_path / "b.ckpt")


def test_weights_to_begin_with_are_no_bomb_either(tmp_path: Path) -> None:
    from cellml.initialisation import read_weights

    torch.save({"w": torch.zeros(3)}, tmp_path / "a.pt")
    assert set(read_weights(tmp_path / "a.pt")[0]) == {"w"}
    with zipfile.ZipFile(tmp_path / "a.pt") as sound, zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sound.namelist():
            packed.writestr(name, sound.read(name))
    with pytest.raises(FileError, match="is compressed, which can hide any size"):
        read_weights(tmp_path / "b.pt")


def test_parts_of_a_checkpoint_do_not_share_their_bytes(tmp_path: Path) -> None:
    """A megabyte that a thousand entries of the archive point at would be a gigabyte of weights."""
    with zipfile.ZipFile(tmp_path / "a.ckpt", "w") as archive:
        archive.writestr("archive/data/0", bytes(100_000))
        first = archive.infolist()[0]
        for number in range(1, 20):
            again = zipfile.ZipInfo(f"archive/data/{number}")
            again.header_offset, again.CRC = first.header_offset, first.CRC
            again.file_size = again.compress_size = first.file_size
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
        archive.writestr("archive/version", "3")
    with pytest.raises(FileError, match="promise 2000001, parts of it twice or more"):
        checkpoint.read(tmp_path / "a.ckpt")


CONTRACT = {"channels": 1, "spacing_nm": [8.0, 8.0, 8.0], "normalisation": "volume"}
RECORD = {"schema": 1, "task": "cellml.tasks.segmentation.SegmentationTask", "config": "task: {}", "contract": CONTRACT}


def stored(path: Path, *, weights: Any = None, contract: Any = None, **record: Any) -> Path:
    content = {**RECORD, **record, "contract": {**CONTRACT, **(contract or {})}}
    torch.save({"state_dict": {"w": torch.zeros(1)} if weights is None else weights, "cellml": content}, path)
    return path


NESTED = "".join(f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"config": f"a: &a [{','.join('x' * 9)}]\n{NESTED}"}, r"The configuration in .*a\.ckpt has an alias \(\*name\)"),
        ({"config": "task: [1"}, r"The configuration in .* is no YAML"),
        ({"config": f"task: {'[' * 20_000}"}, "nested more than 100 deep"),
        ({"config": "- 1"}, "its configuration is no mapping"),
        ({"config": "data: [1]"}, "or its task, data or training are none"),
        ({"metrics": {"val/dice": "good"}}, "no numbers"),
        ({"metrics": [1]}, "metrics in its record is a list, no dict"),
        ({"data": ["tissue"]}, "have no names"),
        ({"weights": {"w": 1}}, "'w' among its weights is no tensor"),
        ({"contract": {"spacing_nm": [8.0, -1.0, 8.0]}}, "no three positive numbers"),
        ({"contract": {"spacing_nm": "8"}}, "no three positive numbers"),
        ({"contract": {"channels": "many"}}, "no number of channels"),
    ],
)
def test_damaged_records_are_named(damage: dict[str, Any], said: str, tmp_path: Path) -> None:
    assert checkpoint.read(stored(tmp_path / "sound.ckpt"))["cellml"] == RECORD
    with pytest.raises(FileError, match=said):
        checkpoint.read(stored(tmp_path / "a.ckpt", **damage))


@pytest.mark.parametrize(
    ("task", "kind", "said"),
    [
        ("{net: '${nothing.there}'}", FileError, "cannot be resolved"),
        ("{net: '${task.net}'}", FileError, "cannot be resolved|interpolation"),
        ("3", FileError, "or its task, data or training are none"),
        ("null", FileError, "describes no task"),
        ("{_target_: os.system}", ContractError, "not trusted"),
    ],
)
def test_configurations_that_build_nothing_are_refused(task: str, kind: type[Exception], said: str, tmp_path: Path) -> None:
    with pytest.raises(kind, match=said):
        checkpoint.load(stored(tmp_path / "a.ckpt", config=f"task: {task}"))


def distribution(path: Path) -> Path:
    from cellml.shapes.organelles.count import CountModel
    from cellml.shapes.organelles.distribution import Distribution, save_distribution
    from cellml.shapes.organelles.placement import UniformPlacement
    from cellml.shapes.organelles.sources import ObservedShapes, SizeModel
    from cellml.types import Surface

    surface = Surface(np.eye(4, 3) * 10.0, np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]]))
    shapes = ObservedShapes((surface,))
    save_distribution(Distribution("kind", shapes, SizeModel(10.0, 0.5), CountModel(3.0, 2.0), UniformPlacement()), path)
    return path


def changed(path: Path, **arrays: Any) -> Path:
    with np.load(path) as archive:
        np.savez_compressed(path, **{**dict(archive), **arrays})
    return path


@pytest.mark.parametrize(
    "target", ["cellml.shapes.organelles.distribution.import_module", "os.system", "cellml.shapes.organelles.distribution.Path"]
)
def test_a_distribution_builds_placements_only(target: str, tmp_path: Path) -> None:
    from cellml.shapes.organelles.distribution import load_distribution

    path = distribution(tmp_path / "a.npz")
    header = json.loads(str(np.load(path)["header"]))
    assert load_distribution(path).name == "kind"
    with pytest.raises(ContractError, match="not trusted"):
        load_distribution(changed(path, header=json.dumps({**header, "placement": {"_target_": target, "name": "antigravity"}})))


def session(path: Path) -> Path:
    from cellml.annotation.session_files import SavedState, write_state

    state = SavedState(np.zeros(SMALL.shape, np.uint8), np.zeros(SMALL.shape, np.uint32), {}, 0)
    path.parent.mkdir(exist_ok=True)
    write_state(path.parent, state, SMALL, ["a", "b"])
    return path


def opened(path: Path) -> Any:
    from cellml.annotation.session_files import read_state

    return read_state(path.parent, SMALL, ["a", "b"])


def learned(path: Path) -> Any:
    from cellml.shapes.organelles.distribution import load_distribution

    return load_distribution(path)


@pytest.mark.parametrize(("make", "name", "read"), [(distribution, "a.npz", learned), (session, "s/state.npz", opened)])
def test_archives_that_are_read_whole_are_no_bombs(
    make: Callable[[Path], Path], name: str, read: Callable[[Path], Any], tmp_path: Path, little_memory: None
) -> None:
    path = make(tmp_path / name)
    read(path)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("more.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (1_500_000_000,)})
        for _ in range(1500):
            file.write(bytes(1_000_000))
    with pytest.raises(CellmlError, match=r"is 1\.5 GB in memory, and 1\.0 GB are free"):
        read(path)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"facts": np.array("[]")}, "is damaged"),
        ({"facts": np.array('{"shape": 3}')}, "is damaged"),
        ({"labels": np.zeros((1, 1, 1), np.uint32)}, "no whole numbers of"),
        ({"scribbles": np.array([{}], dtype=object)}, "pickled Python objects"),
    ],
)
def test_damaged_sessions_are_named(arrays: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = changed(session(tmp_path / "s/state.npz"), **arrays)
    with pytest.raises(FileError, match=said):
        opened(path)


TETRAHEDRON = "OFF\n4 4 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n"


@pytest.mark.parametrize("name", ["../../outside.off", "/outside/1-1/outside.off", "1-1/../../../outside.off"])
def test_archives_of_surfaces_write_nothing_outside(name: str, tmp_path: Path) -> None:
    """The archive is sound but for the name; its surfaces are read from where the temporary folder is."""
    from cellml.data.spine_meshes import all_spines

    with zipfile.ZipFile(tmp_path / "spines.zip", "w") as archive:
        archive.writestr("manual_classification_merged.json", '{"groups": {"Thin": []}}')
        archive.writestr(name, TETRAHEDRON)
    before = set(tmp_path.rglob("*"))
    ((_, surface, _, _),) = all_spines(tmp_path / "spines.zip")
    assert len(surface.faces) == 4
    assert set(tmp_path.rglob("*")) == before
    places = (tmp_path, Path(tempfile.gettempdir()), Path("/"))
    assert not [folder for place in places for folder in (place, *place.parents) if (folder / "outside.off").exists()]


def test_archives_of_surfaces_are_no_bombs(tmp_path: Path, little_memory: None) -> None:
    from cellml.data.spine_meshes import all_spines, read_spines

    with zipfile.ZipFile(tmp_path / "spines.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("1-1/a.off", TETRAHEDRON)
        with archive.open("manual_classification_merged.json", "w", force_zip64=True) as file:
            for _ in range(1500):
                file.write(bytes(1_000_000))
    for read in (all_spines, lambda path: read_spines(path=path)):
        with pytest.raises(CellmlError, match=r"A part of .* is 1\.5 GB in memory, and 1\.0 GB are free"):
            read(tmp_path / "spines.zip")

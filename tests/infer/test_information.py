"""Maps of what was inferred: where they go, where they come from, and what segmentation makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.infer.information import map_source, map_target, require_no_map, returned_weights, series_weights
from cellml.io import read_labels, read_volume, write_volume
from cellml.tomography.inferred_objects import inferred_objects, read_inferred_objects
from cellml.tomography.information_record import ObjectsRecord, read_record
from cellml.tomography.simulate import simulate_tilts
from cellml.tomography.wedge import measured_mask
from cellml.types import Volume

Command = Callable[..., int]
SPACING = (10.0,) * 3
TILTS = np.arange(-60.0, 61, 6)


def smooth(seed: int) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.random.default_rng(seed).normal(size=(20, 12, 24)).astype(np.float32), 1.2)


def test_a_map_goes_beside_the_repair_or_where_it_is_told() -> None:
    assert map_target(True, "out/a.ome.tif", ["in.mrc"], consistency=True) == "out/a_inferred.ome.tif"
    assert map_target("map.mrc", "a.mrc", ["in.mrc"], consistency=True) == "map.mrc"
    assert map_target(False, "a.mrc", ["in.mrc"], consistency=True) is None
    assert map_target(True, "a.mrc", ["in.mrc"], consistency=False) is None
    with pytest.raises(CellmlError, match="all of the repair was inferred"):
        map_target("map.mrc", "a.mrc", ["in.mrc"], consistency=False)
    for name, role in (("a.mrc", "output"), ("in.mrc", "input"), ("tilts.st", "input")):
        with pytest.raises(CellmlError, match=rf"^information={name} would replace the {role} {name}"):
            map_target(name, "a.mrc", ["in.mrc", "tilts.st"], consistency=True)
    with pytest.raises(CellmlError, match="no suffix"):
        map_target("map", "a.mrc", ["in.mrc"], consistency=True)


def test_a_map_is_found_beside_what_is_segmented_and_must_cover_it(tmp_path: Path) -> None:
    image, files = SimpleNamespace(shape=(4, 5, 6), spacing=SPACING, axes="ZYX"), [str(tmp_path / "a.mrc")]
    assert map_source(True, files, image) is None and map_source(False, files, image) is None
    with pytest.raises(CellmlError, match="There is no file"):
        map_source(str(tmp_path / "a_inferred.mrc"), files, image)
    write_volume(Volume(np.zeros((4, 5, 6), np.float32), SPACING), tmp_path / "a_inferred.mrc")
    assert map_source(True, files, image) == str(tmp_path / "a_inferred.mrc")
    for shape, axes in (((4, 5, 7), "ZYX"), ((2, 4, 5, 6), "TZYX")):
        with pytest.raises(CellmlError, match="must be the map of the same volume"):
            map_source(True, files, SimpleNamespace(shape=shape, spacing=SPACING, axes=axes))


def test_maps_are_refused_by_checkpoints_that_have_no_use_for_them() -> None:
    require_no_map(True, "m.ckpt")
    with pytest.raises(CellmlError, match=r"information=map\.mrc is for repairs"):
        require_no_map("map.mrc", "m.ckpt")


def test_labels_of_a_repaired_volume_come_with_the_share_of_each_object(
    tiny_run: Any, phantom_file: Path, cellml: Command, tmp_path: Path
) -> None:
    volume = read_volume(phantom_file)
    write_volume(volume, tmp_path / "repaired.mrc")
    share = np.linspace(0, 1, volume.data.shape[0], dtype=np.float32)[:, None, None] * np.ones(volume.data.shape, np.float32)
    write_volume(Volume(share, volume.spacing), tmp_path / "repaired_inferred.mrc")
    words = (f"checkpoint={tiny_run.model}", f"input={tmp_path}/repaired.mrc", "precision=float32")
    assert cellml("infer", *words, f"output={tmp_path}/none.tif", "information=false") == 0
    assert cellml("infer", *words, f"output={tmp_path}/labels.tif", "inferred_limit=0.6") == 0
    assert not (tmp_path / "none_inferred.csv").exists()
    expected = inferred_objects(read_labels(tmp_path / "labels.tif"), Volume(share, volume.spacing), limit=0.6)
    found = read_inferred_objects(tmp_path / "labels_inferred.csv")
    assert [(o.label, o.voxels, o.mostly_inferred) for o in found] == [(o.label, o.voxels, o.mostly_inferred) for o in expected]
    record = read_record(tmp_path / "labels_inferred_information.json")
    files = (str(tmp_path / name) for name in ("labels.tif", "repaired_inferred.mrc", "labels_inferred.csv"))
    assert record == ObjectsRecord(*files, 0.6)


def test_weights_are_those_of_what_returned() -> None:
    answer, measured = smooth(0), smooth(0)
    mask = np.broadcast_to(measured_mask(answer.shape, TILTS), (20, 12, 13))
    weights = returned_weights(answer, measured, TILTS)
    assert weights.shape == mask.shape and (weights[~mask] == 0).all() and weights[mask].min() > 0.99
    other = returned_weights(answer, smooth(1), TILTS)
    assert (other[~mask] == 0).all() and other[mask].mean() < 0.2  # an answer unlike the measurement leaves little of it


def test_weights_of_a_series_follow_its_noise_and_its_wedge() -> None:
    specimen = Volume(smooth(2), SPACING)
    mask = np.broadcast_to(measured_mask(specimen.shape, TILTS), (20, 12, 13))
    clear, noisy = (series_weights(specimen.shape, simulate_tilts(specimen, TILTS, snr=snr)) for snr in (None, 0.3))
    assert (clear[~mask] == 0).all() and (noisy[~mask] == 0).all()
    assert clear[mask].mean() > noisy[mask].mean() > 0

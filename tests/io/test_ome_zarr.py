from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from cellml.errors import CellmlError, FileError
from cellml.io import open_image, read_labels, read_volume, write_labels, write_volume
from cellml.io.ome_zarr import is_store
from cellml.types import Labels, Volume

DATA = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
SPACE = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"]


def _attributes(path: Path) -> dict[str, Any]:
    return dict(zarr.open_group(path, mode="r").attrs.asdict())


@pytest.mark.parametrize(("version", "number"), [("0.4", 2), ("0.5", 3)])
def test_both_versions_are_written_by_the_book(tmp_path: Path, version: str, number: int) -> None:
    volume = Volume(DATA, (30.0, 4.0, 4.5), (1.0, 2.0, 3.0), axes="CZYX", channels=("dna", "membrane"))
    write_volume(volume, tmp_path / "a.ome.zarr", version=version)
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert group.metadata.zarr_format == number
    ome = _attributes(tmp_path / "a.ome.zarr")
    ome = ome["ome"] if version == "0.5" else ome
    multiscale = ome["multiscales"][0]
    assert (ome if version == "0.5" else multiscale)["version"] == version
    assert multiscale["axes"][0] == {"name": "c", "type": "channel"}
    assert multiscale["axes"][3] == {"name": "x", "type": "space", "unit": "nanometer"}
    assert multiscale["datasets"][0]["coordinateTransformations"] == [
        {"type": "scale", "scale": [1.0, 30.0, 4.0, 4.5]},
        {"type": "translation", "translation": [0.0, 1.0, 2.0, 3.0]},
    ]
    assert [channel["label"] for channel in ome["omero"]["channels"]] == ["dna", "membrane"]
    array = group["0"]
    assert isinstance(array, zarr.Array)
    if number == 2:
        assert json.loads((tmp_path / "a.ome.zarr" / "0" / ".zarray").read_text())["dimension_separator"] == "/"
    else:
        assert array.metadata.to_dict()["dimension_names"] == ("c", "z", "y", "x")
    back = read_volume(tmp_path / "a.ome.zarr")
    assert (back.spacing, back.origin, back.channels, back.axes) == (volume.spacing, volume.origin, volume.channels, "CZYX")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_label_names_stand_where_others_look(tmp_path: Path, version: str) -> None:
    write_volume(Volume(DATA[0], (3.0, 2.0, 1.0)), tmp_path / "a.zarr", version=version)
    write_labels(Labels(DATA[1], (3.0, 2.0, 1.0), names={61: "soma"}), f"{tmp_path}/a.zarr:labels/cells")
    write_labels(Labels(DATA[1], (3.0, 2.0, 1.0)), f"{tmp_path}/a.zarr:labels/mito")
    attributes, listing = (_attributes(tmp_path / "a.zarr" / part) for part in ("labels/cells", "labels"))
    if version == "0.5":
        attributes, listing = attributes["ome"], listing["ome"]
    assert attributes["image-label"]["properties"] == [{"label-value": 61, "name": "soma"}]
    assert listing["labels"] == ["cells", "mito"]
    nameless = _attributes(tmp_path / "a.zarr/labels/mito")
    assert "properties" not in (nameless["ome"] if version == "0.5" else nameless)["image-label"]
    back = read_labels(f"{tmp_path}/a.zarr:labels/cells")
    assert dict(back.names) == {61: "soma"}
    assert np.array_equal(back.data, DATA[1])
    assert np.array_equal(read_volume(tmp_path / "a.zarr").data, DATA[0])


def _foreign(path: Path, *, datasets: list[dict[str, Any]], axes: list[Any], number: int = 2, **multiscale: Any) -> None:
    group = zarr.open_group(path, mode="w", zarr_format=number)  # type: ignore[arg-type]
    shape = (2, 3, 4, 5)[-len(axes) :]
    for i, dataset in enumerate(datasets):
        data = np.full(shape, i, np.uint8)
        group.create_array(dataset["path"], data=data)
    scales = [{"version": "0.4", "axes": axes, "datasets": datasets, **multiscale}]
    group.attrs.update({"multiscales": scales} if number == 2 else {"ome": {"version": "0.5", "multiscales": scales}})


@pytest.mark.parametrize("number", [2, 3])
def test_transformations_are_composed_in_order(tmp_path: Path, number: int) -> None:
    datasets = [
        {
            "path": f"s{i}",
            "coordinateTransformations": [
                {"type": "scale", "scale": [0.03 * 2**i, 0.004, 0.004]},
                {"type": "translation", "translation": [1.0, 2.0, 3.0]},
            ],
        }
        for i in range(2)
    ]
    _foreign(
        tmp_path / "a.zarr",
        datasets=datasets,
        axes=SPACE,
        number=number,
        coordinateTransformations=[{"type": "scale", "scale": [2.0, 1.0, 1.0]}],
    )
    volume = read_volume(tmp_path / "a.zarr")
    np.testing.assert_allclose(volume.spacing, (60.0, 4.0, 4.0))
    np.testing.assert_allclose(volume.origin, (2000.0, 2000.0, 3000.0))
    assert volume.data.max() == 0
    second = read_volume(f"{tmp_path}/a.zarr:s1")
    np.testing.assert_allclose(second.spacing, (120.0, 4.0, 4.0))
    assert second.data.min() == 1


def test_axes_of_length_one_are_dropped_from_foreign_files(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    group.create_array("0", data=DATA[:1, None])
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *SPACE]
    steps = [{"type": "scale", "scale": [1.0, 1.0, 0.03, 0.004, 0.004]}]
    group.attrs.update({"multiscales": [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}]})
    volume = read_volume(tmp_path / "a.zarr")
    assert (volume.axes, volume.data.shape) == ("ZYX", (3, 4, 5))


@pytest.mark.parametrize(
    ("axes", "steps", "said"),
    [
        (["z", "y", "x"], [{"type": "scale", "scale": [1, 1, 1]}], "no unit of length"),
        (SPACE, [], "no scale"),
        (SPACE, [{"type": "scale", "path": "elsewhere"}], "no scale"),
        (SPACE, [{"type": "scale", "scale": [0.0, 1.0, 1.0]}], "its scale is"),
        ([{"name": a, "type": "space", "unit": "second"} for a in "zyx"], [{"type": "scale", "scale": [1, 1, 1]}], "no unit of length"),
    ],
)
def test_without_scale_or_unit_the_voxel_size_is_missing(tmp_path: Path, axes: list[Any], steps: list[Any], said: str) -> None:
    _foreign(tmp_path / "a.zarr", datasets=[{"path": "0", "coordinateTransformations": steps}], axes=axes)
    with pytest.raises(CellmlError, match=f"{said}.*spacing_nm="):
        read_volume(tmp_path / "a.zarr")


def test_an_array_that_is_promised_and_missing_is_said(tmp_path: Path) -> None:
    _foreign(tmp_path / "a.zarr", datasets=[{"path": "0"}], axes=SPACE)
    group = zarr.open_group(tmp_path / "a.zarr", mode="a")
    del group["0"]
    with pytest.raises(FileError, match="names the array '0', which is not there"):
        read_volume(tmp_path / "a.zarr")


def test_bare_arrays_take_the_attributes_of_hdf5(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    array = group.create_array("volumes/raw", data=DATA[0])
    array.attrs.update({"resolution": [30, 4, 4], "offset": [3, 2, 1]})
    volume = read_volume(f"{tmp_path}/a.zarr:volumes/raw")
    assert (volume.spacing, volume.origin) == ((30.0, 4.0, 4.0), (3.0, 2.0, 1.0))
    assert read_volume(tmp_path / "a.zarr").spacing == (30.0, 4.0, 4.0)


def test_a_store_without_the_suffix_is_known_by_its_content(tmp_path: Path) -> None:
    write_volume(Volume(DATA[0], (3.0, 2.0, 1.0)), tmp_path / "a.zarr")
    (tmp_path / "a.zarr").rename(tmp_path / "plain")
    assert np.array_equal(read_volume(tmp_path / "plain").data, DATA[0])


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / "thesis.tex").write_text("years of work")
    with pytest.raises(FileError, match="holds other things, and is not replaced"):
        write_volume(Volume(DATA[0], (3.0, 2.0, 1.0)), tmp_path / "a.zarr")
    (tmp_path / "b.zarr").write_text("a file")
    with pytest.raises(FileError, match="is a file, but a folder"):
        write_volume(Volume(DATA[0], (3.0, 2.0, 1.0)), tmp_path / "b.zarr")


def test_a_store_keeps_one_version(tmp_path: Path) -> None:
    write_volume(Volume(DATA[0], (3.0, 2.0, 1.0)), tmp_path / "a.zarr", version="0.4")
    with pytest.raises(FileError, match=r"is OME-Zarr 0\.4, and a store holds one version"):
        write_volume(Volume(DATA[0], (3.0, 2.0, 1.0)), f"{tmp_path}/a.zarr:more", version="0.5")
    with pytest.raises(CellmlError, match=r"writes OME-Zarr 0\.4 and 0\.5"):
        write_volume(Volume(DATA[0], (3.0, 2.0, 1.0)), tmp_path / "a.zarr", version="0.3")
    with pytest.raises(FileError, match="leave out the dots"):
        write_volume(Volume(DATA[0], (3.0, 2.0, 1.0)), f"{tmp_path}/a.zarr:../b")
    assert is_store(tmp_path / "a.zarr")


def test_regions_are_read_in_chunks(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 99, (130, 3, 140)).astype(np.uint8)
    write_volume(Volume(data, (1.0, 1.0, 1.0)), tmp_path / "a.zarr")
    with open_image(tmp_path / "a.zarr") as source:
        region = (slice(120, 130), slice(1, 2), slice(100, 140))
        assert isinstance(source._stored.array, zarr.Array)
        assert source._stored.array.chunks == (128, 3, 128)
        assert np.array_equal(source.read(region), data[region])

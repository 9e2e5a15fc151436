from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from cellml.data.command import check_file
from cellml.data.doctor import findings, in_order_of_harm, require_usable
from cellml.data.image_survey import survey_image
from cellml.data.label_survey import survey_labels
from cellml.data.phantom import em_phantom
from cellml.data.slabs import opened, slabs
from cellml.errors import CellmlError, FileError
from cellml.io import write_volume
from cellml.types import Labels, Volume

SPACING = (10.0, 10.0, 10.0)


@pytest.fixture(scope="module")
def healthy() -> tuple[Volume, Labels]:
    return em_phantom((24, 32, 32), seed=2)


def volume(data: np.ndarray, spacing=SPACING) -> Volume:
    axes = {3: "ZYX", 4: "CZYX", 5: "TCZYX"}[data.ndim]
    return Volume(data, spacing, axes=axes)


@dataclass
class Stored:
    """Labels as a file may hold them, before any check."""

    data: np.ndarray
    spacing: tuple[float, float, float] = SPACING
    name: str = "stored"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    def read(self, region) -> np.ndarray:
        return self.data[region]


def one(found, words: str):
    (match,) = [finding for finding in found if words in finding.what]
    return match


def test_a_healthy_block_has_notes_only(healthy) -> None:
    found = findings(*healthy)
    assert {finding.severity for finding in found} <= {"note"}
    assert one(found, "touch")
    require_usable(*healthy)


def test_every_finding_has_a_remedy_and_the_worst_stands_first(healthy) -> None:
    data = healthy[0].data.astype(np.float32)
    data[3] = 7
    data[5, 6, 7] = np.nan
    found = findings(volume(data, (1.0, 1.0, 50.0)), healthy[1])
    order = [("fatal", "warning", "note").index(finding.severity) for finding in found]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2}
    assert all(finding.remedy.endswith(".") for finding in found)
    assert in_order_of_harm(reversed(found))[0].severity == "fatal"


def test_nan_and_inf_are_counted_and_the_first_is_located(healthy) -> None:
    data = healthy[0].data.astype(np.float32)
    data[9, 3, 4], data[2, 30, 31], data[2, 31, 0] = np.inf, np.nan, -np.inf
    finding = one(findings(volume(data)), "NaN")
    assert finding.severity == "fatal"
    assert finding.what.startswith(f"3 of {data.size} voxels")
    assert "(2, 30, 31)" in finding.where
    with pytest.raises(CellmlError, match=r"3 of .* NaN.*Replace"):
        require_usable(volume(data))


@pytest.mark.parametrize("value", [0, 117])
def test_a_constant_image_is_fatal(value) -> None:
    with pytest.raises(CellmlError, match=f"constant: every voxel is {value}"):
        require_usable(volume(np.full((4, 5, 6), value, np.uint8)))


def test_an_image_without_a_finite_voxel_is_fatal_twice() -> None:
    found = findings(volume(np.full((4, 5, 6), np.nan, np.float32)))
    assert [finding.severity for finding in found] == ["fatal", "fatal"]
    assert one(found, "No voxel of the image is finite")


def test_saturation_is_a_share_at_the_end_value(healthy) -> None:
    data = np.clip(healthy[0].data, 30, 220)
    assert not [f for f in findings(volume(data)) if "have the" in f.what]
    data.flat[: data.size // 50] = 255
    assert one(findings(volume(data)), "2.0 % of the voxels have the brightest value, 255").severity == "warning"


def test_dtypes_that_do_not_fit_an_image(healthy) -> None:
    grey = healthy[0].data
    assert one(findings(volume(grey.astype(np.uint16))), "stored as uint16").severity == "note"
    assert one(findings(volume(grey.astype(np.int64))), "stored as int64").severity == "warning"
    assert one(findings(volume(grey // 128)), "only 2 grey values").severity == "warning"
    assert one(findings(volume(grey // 32)), "grey values").severity == "warning"


def test_implausible_spacing(healthy) -> None:
    grey = healthy[0].data
    assert "25 times" in one(findings(volume(grey, (100.0, 4.0, 4.0))), "longer than wide").what
    assert one(findings(volume(grey, (1e-3, 1e-3, 1e-3))), "implausible")  # nanometres taken for micrometres twice
    assert one(findings(volume(grey, (1e6, 1e6, 1e6))), "implausible")
    assert not [f for f in findings(volume(grey, (45.0, 4.6, 4.6))) if "voxel" in f.what and f.severity != "note"]


def test_bad_sections_are_listed(healthy) -> None:
    data = healthy[0].data.copy()
    data[4] = 0
    data[8] = data[7]
    data[15] = np.clip(data[15].astype(int) + 90, 0, 255)
    found = findings(volume(data))
    assert one(found, "1 sections are blank").where == "z = 4"
    assert one(found, "copies").where == "z = 8 (as 7)"
    assert one(found, "brightness jumps").where == "z = 15, 16"


def test_long_lists_are_cut(healthy) -> None:
    data = healthy[0].data.copy()
    data[:10] = 0
    assert one(findings(volume(data)), "10 sections are blank").where == "z = 0, 1, 2, 3, 4, 5 and 4 more"


def test_labels_of_another_block_are_fatal(healthy) -> None:
    raw, labels = healthy
    with pytest.raises(CellmlError, match=r"shape \(20, 32, 32\) but the image \(24, 32, 32\)"):
        require_usable(raw, Labels(labels.data[:20], SPACING))
    with pytest.raises(CellmlError, match=r"voxels of \(40\.0, 10\.0, 10\.0\) nm but the image \(10\.0, 10\.0, 10\.0\)"):
        require_usable(raw, Labels(labels.data, (40.0, 10.0, 10.0)))


@pytest.mark.parametrize("value", [0.5, -1.0, np.nan, np.inf])
def test_values_that_are_no_labels_are_fatal(healthy, value) -> None:
    raw, labels = healthy
    data = labels.data.astype(np.float32)
    data[5, 6, 7] = value
    finding = one(findings(raw, Stored(data)), "hold no label")
    assert (finding.severity, finding.what.split()[0]) == ("fatal", "1")
    assert "(5, 6, 7)" in finding.where
    with pytest.raises(CellmlError, match="whole numbers"):
        require_usable(raw, Stored(data))


def test_whole_numbers_stored_as_floats_are_labels(healthy) -> None:
    raw, labels = healthy
    stored = findings(raw, Stored(labels.data.astype(np.float64)))
    assert one(stored, "stored as float64").severity == "note"
    assert [finding for finding in stored if "stored as" not in finding.what] == findings(raw, labels)


def test_unlabelled_volumes_are_fatal(healthy) -> None:
    with pytest.raises(CellmlError, match="No voxel is labelled"):
        require_usable(healthy[0], Labels(np.zeros(healthy[0].shape, np.uint8), SPACING))


def test_pieces_tiny_objects_contacts_and_background_are_counted(healthy) -> None:
    labels = np.zeros(healthy[0].shape, np.uint16)
    labels[:, 2:10, 2:10] = 5
    labels[:, 10:20, 2:10] = 6  # touches 5 along 24 x 8 faces
    labels[0:3, 25:28, 25:28] = 7
    labels[10, 25:28, 25:28] = 7  # a second piece of 7, which has 36 voxels
    found = findings(healthy[0], Labels(labels, SPACING))
    assert one(found, "several components").what == "1 of 3 labels consist of several components"
    assert one(found, "several components").where == "label (components) 7 (2)"
    assert one(found, "fewer than").what == "1 of 3 objects have fewer than 64 voxels"
    assert f"({24 * 8} voxel faces)" in one(found, "touch").what
    assert one(found, "label 0").what.startswith(f"{100 * (labels == 0).mean():.3g} %")


def test_an_image_given_as_labels_is_recognised(healthy) -> None:
    noise = np.random.default_rng(0).integers(1, 60_000, healthy[0].shape)
    assert one(findings(healthy[0], Labels(noise, SPACING)), "voxels each on average").severity == "warning"


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.int64, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6), elements=st.integers(0, 3)),
    st.integers(1, 60),
)
def test_the_label_survey_agrees_with_labelling_each_value(labels, voxels) -> None:
    survey = survey_labels(slabs(opened(Labels(labels, SPACING)), voxels=voxels))
    values = [v for v in np.unique(labels).tolist() if v]
    assert survey.sizes == {v: int((labels == v).sum()) for v in values}
    assert survey.pieces == {v: ndimage.label(labels == v)[1] for v in values}
    contacts = 0
    for axis in range(3):
        a, b = (np.moveaxis(labels, axis, 0)[part] for part in (slice(1, None), slice(None, -1)))
        contacts += int(((a != b) & (a > 0) & (b > 0)).sum())
    assert survey.contacts == contacts
    assert survey.labelled == (labels > 0).sum()


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float32, (2, 5, 3, 4), elements=st.sampled_from([0.0, 1.0, 2.0, 7.5, np.nan, np.inf])),
    st.integers(1, 70),
)
def test_the_image_survey_agrees_with_numpy(data, voxels) -> None:
    survey = survey_image(slabs(opened(volume(data)), voxels=voxels))
    finite = np.isfinite(data)
    assert survey.voxels == data.size
    assert survey.non_finite == (~finite).sum()
    bad = np.argwhere(~finite.all(axis=0))
    assert survey.first_bad == (tuple(bad[0].tolist()) if len(bad) else None)
    if finite.any():
        values = data[finite]
        assert (survey.low, survey.at_low) == (values.min(), (values == values.min()).sum())
        assert (survey.high, survey.at_high) == (values.max(), (values == values.max()).sum())
    for z in range(5):
        kept = data[:, z][finite[:, z]]
        if len(kept):
            assert survey.means[z] == pytest.approx(kept.mean())
            assert survey.stds[z] == pytest.approx(kept.std(), abs=1e-6)
        assert (z in survey.blank()) == (len(np.unique(kept)) <= 1)


def test_slabs_cover_the_image_and_stay_small() -> None:
    data = np.arange(2 * 7 * 4 * 5).reshape(2, 7, 4, 5)
    parts = list(slabs(opened(volume(data)), voxels=45))
    assert [start for start, _ in parts] == [0, 2, 4, 6]
    assert np.array_equal(np.concatenate([block for _, block in parts], axis=1), data)
    assert max(block[0].size for _, block in parts) <= 45


def write(path: Path, **arrays: np.ndarray) -> str:
    np.savez(path, **arrays)
    return str(path)


def test_the_command_prints_findings_in_order_of_harm(healthy, tmp_path, capsys) -> None:
    raw, labels = healthy
    file = write(tmp_path / "a.npz", raw=raw.data, neurons=labels.data, voxel_nm=np.array(SPACING))
    found = check_file({"path": file, "labels": f"{file}:neurons", "spacing_nm": None})
    assert found == findings(raw, labels)
    printed = capsys.readouterr().out
    assert "24 × 32 × 32 voxels of 10 × 10 × 10 nm" in " ".join(printed.split())
    assert "1. note" in printed
    check_file({"path": file})
    assert "Nothing wrong was found." in capsys.readouterr().out


def test_the_command_fails_on_a_fatal_finding_after_printing_all(healthy, tmp_path, capsys) -> None:
    data = healthy[0].data.astype(np.float32)
    data[0, 0, 0] = np.nan
    data[4] = 1
    file = write(tmp_path / "a.npz", raw=data, voxel_nm=np.array(SPACING))
    with pytest.raises(CellmlError, match=r"a\.npz cannot be used: 1 of"):
        check_file({"path": file, "labels": None, "spacing_nm": None})
    printed = capsys.readouterr().out
    assert printed.index("fatal") < printed.index("blank")


def test_a_missing_voxel_size_is_one_finding_among_others(healthy, tmp_path, capsys) -> None:
    raw, labels = healthy
    image = write(tmp_path / "a.npz", raw=raw.data)
    truth = write(tmp_path / "b.npz", labels=labels.data[:20], voxel_nm=np.array(SPACING))
    with pytest.raises(CellmlError, match=r"voxel size is not known[\s\S]*spacing_nm[\s\S]*shape \(20, 32, 32\)"):
        check_file({"path": image, "labels": truth, "spacing_nm": None})
    printed = capsys.readouterr().out
    assert "unknown size" in printed
    assert "labels have voxels of" not in " ".join(printed.split())
    assert not [f for f in check_file({"path": image, "spacing_nm": [10, 10, 10]}) if f.severity != "note"]


def test_labels_without_a_voxel_size_take_the_images_and_say_so(healthy, tmp_path) -> None:
    raw, labels = healthy
    image = write(tmp_path / "a.npz", raw=raw.data, voxel_nm=np.array(SPACING))
    truth = write(tmp_path / "b.npz", labels=labels.data)
    found = check_file({"path": image, "labels": truth})
    assert one(found, "state no voxel size").severity == "warning"
    other = write(tmp_path / "c.npz", labels=labels.data, voxel_nm=np.array([40.0, 10, 10]))
    with pytest.raises(CellmlError, match="voxels of"):
        check_file({"path": image, "labels": other})


def test_unreadable_files_are_file_errors(tmp_path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK")
    for path in (tmp_path / "a.npz", tmp_path / "none.npz"):
        with pytest.raises(FileError):
            check_file({"path": str(path)})


def test_channels_that_are_copies_of_others_are_named(healthy, tmp_path) -> None:
    grey = healthy[0].data
    copies = one(findings(volume(np.stack([grey, 255 - grey, grey, grey]))), "copies of another")
    assert (copies.what, copies.where) == ("2 channels are copies of another", "channel 2 = 0, channel 3 = 0")
    other = grey.copy()
    other[-1, -1, -1] ^= 1
    assert not [f for f in findings(volume(np.stack([grey, other]))) if "of another" in f.what]
    floats = np.where(grey == grey[3, 4, 5], np.nan, grey.astype(np.float32))
    survey = survey_image(slabs(opened(volume(np.stack([floats, floats])))))
    assert survey.twins == [(1, 0)]
    path = tmp_path / "rgb.ome.tif"
    write_volume(Volume(np.stack([grey, grey]), SPACING, axes="CZYX"), path)
    assert one(check_file({"path": str(path)}), "of another").what == "1 channel is a copy of another"

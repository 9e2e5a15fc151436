"""Each thing that the doctor finds beyond the voxels of one array: made by code, and absent from a healthy block."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from cellml.data.command import check_file
from cellml.data.decorrelation import decorrelation
from cellml.data.doctor import findings
from cellml.data.finding import Finding, in_order_of_harm
from cellml.data.phantom import em_phantom
from cellml.data.registration import registration
from cellml.data.section_survey import survey_sections
from cellml.data.slabs import opened, slabs
from cellml.errors import CellmlError
from cellml.types import Labels, Volume

SPACING = (10.0, 10.0, 10.0)


@pytest.fixture(scope="module")
def healthy() -> tuple[np.ndarray, np.ndarray]:
    raw, labels = em_phantom((16, 96, 96), seed=1)
    return raw.data, labels.data


def found(image: np.ndarray, labels: np.ndarray | None = None, spacing: Any = SPACING, **more: Any) -> list[Finding]:
    truth = None if labels is None else Labels(labels, spacing, kind=more.pop("kind", "instance"), names=more.pop("names", {}))
    return findings(Volume(image, spacing), truth, **more)


def one(all_of_them: list[Finding], words: str) -> Finding:
    (match,) = [finding for finding in all_of_them if words in finding.what]
    return match


def none(all_of_them: list[Finding], words: str) -> bool:
    return not [finding for finding in all_of_them if words in finding.what]


def test_a_healthy_block_has_no_warning(healthy: Any) -> None:
    assert {finding.severity for finding in found(*healthy)} <= {"note"}


def test_sections_that_moved_are_found_with_their_shift(healthy: Any) -> None:
    image = healthy[0].copy()
    image[9:] = np.roll(image[9:], (4, -6), axis=(1, 2))
    finding = one(found(image), "have moved")
    assert finding.where == "z (y, x) = 9 (+4, -6)" and "1 sections have moved by up to 7 pixels" in finding.what
    shifts = survey_sections(slabs(opened(Volume(image, SPACING)))).shifts
    assert shifts[8] == (4.0, -6.0) and shifts[7] == (0.0, 0.0)


def test_blurred_sections_and_near_copies(healthy: Any) -> None:
    image = healthy[0].astype(float)
    image[5] = ndimage.gaussian_filter(image[5], 2.5)
    assert one(found(image.astype(np.uint8)), "are blurred").where == "z = 5"
    noisy = np.random.default_rng(0).normal(128, 30, (12, 64, 64))
    noisy[7] = noisy[6] + np.random.default_rng(1).normal(0, 0.5, (64, 64))
    assert one(found(noisy.astype(np.float32)), "almost copies").where == "z = 7"


def test_a_jump_of_contrast_is_no_jump_of_brightness(healthy: Any) -> None:
    image = healthy[0].astype(float)
    image[6] = image[6].mean() + 0.4 * (image[6] - image[6].mean())
    report = found(image.astype(np.uint8))
    assert one(report, "contrast jumps").where == "z = 6, 7" or one(report, "contrast jumps").where == "z = 6"
    assert none(report, "brightness jumps")


def test_a_thickness_that_the_image_contradicts(healthy: Any) -> None:
    thin = found(healthy[0], spacing=(100.0, 10.0, 10.0))
    assert "stated to be 10.0 thick" in one(thin, "the image changes as over").what
    coarse = found(np.ascontiguousarray(em_phantom((96, 64, 64), seed=1)[0].data[::12]))
    assert "stated to be 1.0 pixels thick" in one(coarse, "the image changes as over").what
    change = decorrelation(opened(Volume(healthy[0], SPACING)))
    assert change is not None and 0.5 < change.pixels_per_section < 2


def test_axes_in_another_order_are_suspected() -> None:
    thick = em_phantom((96, 64, 64), seed=1)[0].data[::8]
    assert "fastest along x" in one(found(np.ascontiguousarray(np.moveaxis(thick, 0, 2))), "changes fastest").what
    assert one(found(np.random.default_rng(0).integers(0, 255, (80, 20, 30)).astype(np.uint8)), "more sections (80)")


def test_labels_that_were_moved_are_found_with_the_way_back(healthy: Any) -> None:
    image, labels = healthy
    moved = np.roll(labels, (3, -5), axis=(1, 2))
    finding = one(found(image, moved), "seem to be shifted")
    assert "(+0, -3, +5) voxels" in finding.what and finding.harm > 0.9
    straight = registration(opened(Volume(image, SPACING)), opened(Labels(labels, SPACING)))
    assert straight is not None and max(map(abs, straight.shift)) <= 1
    assert none(found(image, labels), "shifted")


def test_holes_debris_and_single_voxels(healthy: Any) -> None:
    labels = np.zeros(healthy[1].shape, np.uint16)
    labels[:, 10:40, 10:40] = 1
    labels[8, 20, 20] = 0
    labels[8, 25, 25:28] = 0
    labels[3, 60, 60] = 1
    labels[3, 70, 70] = 2
    report = found(healthy[0], labels)
    assert one(report, "holes").what.startswith("2 holes") and one(report, "holes").where == "4 voxels, 1 of them single"
    assert one(report, "stray pieces").what.startswith("1 stray pieces") and "1 (1)" in one(report, "stray pieces").where
    assert one(report, "are a single voxel").where == "labels 2"


def test_sections_that_nobody_labelled(healthy: Any) -> None:
    image, labels = healthy[0], healthy[1].copy()
    labels[[4, 9]] = 0
    assert one(found(image, labels), "between labelled ones").where == "z = 4, 9"
    labels[3:] = 0
    assert one(found(image, labels), "Only 3 of 16 sections").where == "z = 0, 1, 2"


def test_objects_that_were_never_joined_across_sections(healthy: Any) -> None:
    flat = np.zeros((10, 96, 96), np.uint16)
    for z in range(10):
        for k in range(4):
            flat[z, 10 + 20 * k : 20 + 20 * k, 10:40] = 1 + 4 * z + k
    assert one(found(healthy[0][:10], flat), "single section").what == "100% of 40 objects lie in a single section"


def test_classes_that_are_unknown_absent_or_skipped(healthy: Any) -> None:
    labels = np.zeros(healthy[1].shape, np.uint8)
    labels[:, 5:20, 5:20], labels[:, 30:40, 30:40], labels[:, 60:70, 60:70] = 1, 5, 5
    report = found(healthy[0], labels, kind="semantic", classes=["background", "mito", "vesicle"])
    assert one(report, "stand for none of the 3 classes").severity == "fatal"
    assert "value 5 (3200 voxels within z, y, x = (0, 30, 30) to (15, 69, 69))" in one(report, "stand for none").where
    assert one(report, "1 classes have no voxel").where == "2 (vesicle)"
    assert one(found(healthy[0], labels, kind="semantic"), "Labels run to 5").where == "absent: 2, 3, 4"


def test_names_and_storage(healthy: Any) -> None:
    labels = np.zeros(healthy[1].shape, np.uint8)
    labels[:, :40, :40], labels[:, 50:, 50:], labels[:, :40, 50:] = 1, 2, 3
    report = found(healthy[0], labels, names={1: "Mito", 2: "mito "})
    assert "'mito': 1, 2" in one(report, "stand for several labels").where and one(report, "have no name").where == "labels 3"
    full = (np.arange(16 * 96 * 96) // 500 % 255 + 1).astype(np.uint8).reshape(16, 96, 96)
    assert "room for 255" in one(found(healthy[0], full), "which has room for").what


def test_findings_of_one_severity_are_ordered_by_harm() -> None:
    unordered = [Finding("note", "a", "", "", 0.9), Finding("warning", "b", "", "", 0.1), Finding("warning", "c", "", "", 0.8)]
    assert [finding.what for finding in in_order_of_harm(unordered)] == ["c", "b", "a"]


@pytest.fixture
def file(healthy: Any, tmp_path: Path) -> str:
    classes = (healthy[1] % 3).astype(np.uint8)
    classes[:, 60:] = np.minimum(classes[:, 60:], 1)
    np.savez(tmp_path / "a.npz", raw=healthy[0], labels=classes, voxel_nm=np.array(SPACING))
    return str(tmp_path / "a.npz")


def block(start: int, stop: int, **more: Any) -> dict[str, Any]:
    return {"region": {"y": [start, stop]}, **more}


def test_splits_that_leak_or_lack_a_class(file: str, tmp_path: Path) -> None:
    data = {"path": file, "labels": file, "train": [block(0, 60)], "val": [block(64, 96)], "guard": 8}
    report = check_file(data, output=str(tmp_path / "f.json"))
    assert "4 voxels apart, and 8 are asked for" in one(report, "apart").what
    assert "class 2" in one(report, "no voxel in validation").where
    assert [entry["what"] for entry in json.loads((tmp_path / "f.json").read_text())] == [finding.what for finding in report]
    with pytest.raises(CellmlError, match=f"share {16 * 10 * 96} voxels"):
        check_file({**data, "val": [block(50, 96)]})


def test_a_copy_under_another_name_leaks(file: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.npz"
    copy.write_bytes(Path(file).read_bytes())
    data = {
        "path": file,
        "labels": file,
        "train": [{"region": {"z": [0, 8]}}],
        "val": [{"image": str(copy), "labels": str(copy), "region": {"z": [6, 16]}}],
    }
    with pytest.raises(CellmlError, match="2 sections are in training and in validation, although the files differ"):
        check_file(data)


def test_the_command_takes_known_data_sets_and_refuses_other_suffixes(file: str, cellml: Callable[..., int], capsys: Any) -> None:
    assert cellml("check", f"data.path={file}", "output=f.txt") == 2
    assert "ends in .json" in capsys.readouterr().err


def test_numbers_that_nearly_no_voxel_has_are_named_with_their_places(healthy: Any) -> None:
    image, labels = healthy
    binary = (labels % 3 == 1).astype(np.uint8)
    assert none(found(image, binary, kind="semantic"), "nearly no voxel has")
    binary[3, 4, 5:8], binary[9, 10, 11] = 255, 7
    stray = one(found(image, binary, kind="semantic"), "2 label values that nearly no voxel has")
    assert stray.where == "value 7 (1 voxel at z, y, x = (9, 10, 11)), value 255 (3 voxels within z, y, x = (3, 4, 5) to (3, 4, 7))"
    assert stray.severity == "warning" and "data.ignore=[7, 255]" in stray.remedy
    assert none(found(image, binary, kind="semantic", ignore=[7, 255]), "nearly no voxel has")
    unknown = one(found(image, binary, kind="semantic", classes=["out", "in"]), "stand for none")
    assert "value 7 (1 voxel at z, y, x = (9, 10, 11))" in unknown.where
    assert none(found(image, binary, kind="semantic", classes=["out", "in"], ignore=[7, 255]), "stand for none")


def test_small_objects_among_objects_are_no_strays(healthy: Any, tmp_path: Path) -> None:
    image, labels = healthy
    few = np.where(labels <= 5, labels, 0)
    few[0, :2, :2] = 6
    np.savez(tmp_path / "few.npz", raw=image, labels=few, voxel_nm=np.array(SPACING))
    assert none(check_file({"path": f"{tmp_path}/few.npz", "labels": f"{tmp_path}/few.npz"}), "nearly no voxel has")

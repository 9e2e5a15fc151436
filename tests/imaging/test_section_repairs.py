"""Repairs of sections undo the errors that they are made for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.data.phantom import em_phantom
from cellml.errors import CellmlError
from cellml.imaging.artefacts.curtaining import Curtaining, hang_curtains
from cellml.imaging.artefacts.illumination import Illumination, light, light_unevenly
from cellml.imaging.artefacts.missing_sections import MissingSections, lose_sections
from cellml.imaging.artefacts.section_contrast import SectionContrast, jump_contrast
from cellml.imaging.artefacts.shifted_sections import ShiftedSections, shift_sections
from cellml.imaging.frame import Frame
from cellml.imaging.repairs.align import SectionAlignment, moved, phase_shift
from cellml.imaging.repairs.apply import repair_volume
from cellml.imaging.repairs.destripe import Destripe
from cellml.imaging.repairs.equalise import SectionEqualisation
from cellml.imaging.repairs.flat_field import FlatField, FlatFieldReference
from cellml.imaging.repairs.interpolate import MissingSectionRepair
from cellml.imaging.repairs.sections import Sections
from cellml.types import Volume


@pytest.fixture(scope="module")
def phantom() -> Volume:
    raw, _ = em_phantom((24, 64, 64), seed=1)
    return Volume(raw.data.astype(np.float32), raw.spacing)


def changed(volume: Volume, data: np.ndarray) -> Volume:
    return Volume(data, volume.spacing)


def rms(a: Any, b: Any) -> float:
    return float(np.sqrt(np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2)))


def test_equalisation_undoes_contrast_jumps(phantom: Volume) -> None:
    frame = Frame.of(phantom)
    bad = jump_contrast(phantom.data, SectionContrast.drawn(24, 0.2, 0.5, np.random.default_rng(0)), frame)
    done = repair_volume(changed(phantom, bad), SectionEqualisation()).data
    np.testing.assert_allclose(done.mean(axis=(1, 2)), bad.mean(axis=(1, 2)).mean(), rtol=1e-4)
    np.testing.assert_allclose(done.std(axis=(1, 2)), bad.std(axis=(1, 2)).mean(), rtol=1e-4)
    assert rms(done, phantom.data) < 0.4 * rms(bad, phantom.data)


def test_equalisation_keeps_what_changes_slowly_and_leaves_blank_sections_out() -> None:
    rng = np.random.default_rng(0)
    image = (100 + np.linspace(0, 20, 40)[:, None, None] + rng.normal(0, 5, (40, 32, 32))).astype(np.float32)
    image[20] = 0
    done = repair_volume(Volume(image, (10, 10, 10)), SectionEqualisation(width_nm=50.0)).data
    assert (done[20] == 0).all()
    means = np.delete(done.mean(axis=(1, 2)), 20)
    np.testing.assert_allclose(means, 100 + np.delete(np.linspace(0, 20, 40), 20), atol=2.5)


def test_flat_field_finds_the_light_that_sections_share() -> None:
    rng = np.random.default_rng(0)
    frame = Frame((10, 10, 10), 100, 20, 0.2)
    clean = rng.normal(100, 20, (60, 48, 48)).astype(np.float32)
    uneven = Illumination(0.15, -0.1, 0.1)
    bad = light_unevenly(clean, uneven, frame)
    done = repair_volume(Volume(bad, (10, 10, 10)), FlatField(60.0)).data
    spread = [float(np.std(d.mean(axis=0) / d.mean())) for d in (bad, done, clean)]
    assert spread[0] > 4 * spread[2] and spread[1] < 1.5 * spread[2]
    mean = light(clean.shape, uneven, frame)
    assert np.corrcoef((bad / done).mean(axis=0).ravel(), mean.ravel())[0, 1] > 0.98


def test_flat_field_by_reference_is_exact(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    gain, dark = rng.uniform(0.5, 1.5, (1, 8, 9)), rng.uniform(5, 10, (1, 8, 9))
    np.savez(tmp_path / "bright.npz", raw=(200 * gain + dark).astype(np.float32))
    np.savez(tmp_path / "dark.npz", raw=np.repeat(dark, 3, axis=0).astype(np.float32))
    truth = rng.uniform(50, 100, (4, 8, 9))
    repair = FlatFieldReference(str(tmp_path / "bright.npz"), str(tmp_path / "dark.npz"))
    done = repair_volume(Volume((truth * gain + dark).astype(np.float32), (10, 10, 10)), repair).data
    np.testing.assert_allclose(done, truth * gain.mean() + dark.mean(), rtol=1e-5)
    with pytest.raises(CellmlError, match=r"\(8, 9\) pixels .* sections have \(8, 8\)"):
        repair_volume(Volume(truth[:, :, :8], (10, 10, 10)), repair)
    with pytest.raises(CellmlError, match="not above the dark reference in 72 pixels"):
        repair_volume(Volume(truth, (10, 10, 10)), FlatFieldReference(repair.dark, repair.bright))  # type: ignore[arg-type]


def test_black_above_the_mean_is_refused(phantom: Volume) -> None:
    for repair in (FlatField(black=300.0), Destripe(black=300.0)):
        with pytest.raises(CellmlError, match="not above black=300"):
            repair_volume(phantom, repair)


@pytest.mark.parametrize("along_x", [False, True])
def test_destriping_takes_curtains_down(phantom: Volume, along_x: bool) -> None:
    frame = Frame.of(phantom)
    curtaining = Curtaining(0.1, 20.0, 50.0, along_x, seed=2)
    bad = hang_curtains(phantom.data, curtaining, frame)
    done = repair_volume(changed(phantom, bad), Destripe(100.0, persistence_nm=50.0, along_x=along_x)).data
    assert rms(done, phantom.data) < 0.6 * rms(bad, phantom.data)


def test_destriping_is_exact_where_only_stripes_differ_and_leaves_rows_alone() -> None:
    stripes = 1 + 0.1 * np.random.default_rng(0).standard_normal((3, 1, 400)).astype(np.float32)
    image = (50 + 10 * np.cos(np.arange(30) / 3)[None, :, None]) * stripes
    done = repair_volume(Volume(image.astype(np.float32), (10, 10, 10)), Destripe(400.0)).data
    assert done.std(axis=2).max() < 0.35 * image.std(axis=2).max()
    np.testing.assert_allclose(done / done[:, :1], image / image[:, :1], rtol=1e-4)  # a column keeps its course along y


def test_alignment_finds_a_known_jitter(phantom: Volume) -> None:
    frame = Frame.of(phantom)
    jitter = ShiftedSections.drawn(24, 20.0, 0.0, np.random.default_rng(3))
    bad = changed(phantom, shift_sections(phantom.data, jitter, frame))
    repair = SectionAlignment(trend_nm=50.0)
    left = jitter.voxels(frame) + repair.corrections(Sections.of(bad.data, bad.spacing))
    before, after = (np.sqrt((np.diff(v, axis=0) ** 2).sum(axis=1).mean()) for v in (jitter.voxels(frame), left))
    assert before > 2.5 and after < 0.35 * before
    assert rms(repair_volume(bad, repair).data[1:], bad.data[1:]) > 0


@pytest.mark.parametrize("whitening", [0.0, 0.25, 1.0])
def test_phase_shift_of_a_moved_section(phantom: Volume, whitening: float) -> None:
    section = phantom.data[5] - phantom.data[5].mean()
    for y, x in ((0, 0), (3, -5), (-7, 1)):
        assert phase_shift(section, np.roll(section, (y, x), (0, 1)), whitening).tolist() == [y, x]
    assert np.array_equal(moved(section, 2, -3)[2:, :-3], section[:-2, 3:])


def test_steps_beyond_the_limit_count_as_failures() -> None:
    rng = np.random.default_rng(0)
    unrelated = Sections.of(rng.standard_normal((8, 32, 32)), (10.0, 10.0, 10.0))
    assert (SectionAlignment(None, most_nm=0.0).corrections(unrelated) == 0).all()


def test_lost_sections_are_found_and_filled(phantom: Volume) -> None:
    frame = Frame.of(phantom)
    for repeat in (False, True):
        bad = changed(phantom, lose_sections(phantom.data, MissingSections((5, 6, 15), repeat=repeat), frame))
        repair = MissingSectionRepair()
        assert repair.find(Sections.of(bad.data, bad.spacing)) == [5, 6, 15]
        done = repair_volume(bad, repair).data
        np.testing.assert_allclose(done[5], (2 * phantom.data[4] + phantom.data[7]) / 3, rtol=1e-5)
        np.testing.assert_allclose(done[15], (phantom.data[14] + phantom.data[16]) / 2, rtol=1e-5)
        assert np.array_equal(np.delete(done, [5, 6, 15], 0), np.delete(phantom.data, [5, 6, 15], 0))


def test_lost_sections_at_the_ends_repeat_the_nearest_and_named_ones_are_believed(phantom: Volume) -> None:
    done = repair_volume(phantom, MissingSectionRepair([0, 1, 23])).data
    assert np.array_equal(done[[0, 1, 23]], phantom.data[[2, 2, 22]])
    assert MissingSectionRepair().find(Sections.of(phantom.data, phantom.spacing)) == []
    with pytest.raises(CellmlError, match="sections 0 to 23"):
        repair_volume(phantom, MissingSectionRepair([24]))
    with pytest.raises(CellmlError, match="All 24 sections"):
        repair_volume(phantom, MissingSectionRepair(range(24)))

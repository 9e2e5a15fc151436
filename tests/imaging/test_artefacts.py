"""Each image error against its closed form; identity at no strength; the same result for the same parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import j1

from cellml.errors import CellmlError
from cellml.imaging.artefacts.anisotropy import Anisotropy, thicken_sections
from cellml.imaging.artefacts.curtaining import Curtaining, hang_curtains
from cellml.imaging.artefacts.defocus import Defocus, blur_probe
from cellml.imaging.artefacts.illumination import Illumination, light_unevenly
from cellml.imaging.artefacts.missing_sections import MissingSections, lose_labels, lose_sections
from cellml.imaging.artefacts.noise import Noise, add_noise
from cellml.imaging.artefacts.section_contrast import SectionContrast, jump_contrast
from cellml.imaging.artefacts.shifted_sections import ShiftedSections, shift_labels, shift_sections
from cellml.imaging.artefacts.staining import Staining, lose_stain, unstained
from cellml.imaging.frame import Frame
from cellml.types import Volume

FRAME = Frame((20.0, 10.0, 5.0), mean=100.0, deviation=20.0, contrast=0.2)


def grey(shape: tuple[int, ...] = (6, 16, 18), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 20, shape).astype(np.float32)


NOTHING: list[tuple[Any, Any]] = [
    (add_noise, Noise(np.inf)),
    (light_unevenly, Illumination()),
    (jump_contrast, SectionContrast((1.0,) * 6, (0.0,) * 6)),
    (lose_sections, MissingSections(())),
    (lose_sections, MissingSections((), repeat=True)),
    (shift_sections, ShiftedSections(((0.0, 0.0),) * 6)),
    (hang_curtains, Curtaining(0.0)),
    (blur_probe, Defocus()),
    (blur_probe, Defocus(5000.0, 100.0, half_angle_mrad=0.0)),
    (lose_stain, Staining(share=0.0)),
    (lose_stain, Staining(loss=0.0)),
    (thicken_sections, Anisotropy(20.0)),
]
SOMETHING: list[tuple[Any, Any]] = [
    (add_noise, Noise(30.0, 2.0, seed=1)),
    (light_unevenly, Illumination(0.1, -0.2, 0.3)),
    (jump_contrast, SectionContrast.drawn(6, 0.2, 0.3, np.random.default_rng(0))),
    (lose_sections, MissingSections((2, 3))),
    (lose_sections, MissingSections((0, 3), repeat=True)),
    (shift_sections, ShiftedSections.drawn(6, 20.0, 5.0, np.random.default_rng(0))),
    (hang_curtains, Curtaining(0.2, seed=3)),
    (blur_probe, Defocus(2000.0, 1000.0, 30.0)),
    (lose_stain, Staining(0.3, seed=2)),
    (thicken_sections, Anisotropy(40.0)),
]


@pytest.mark.parametrize(("apply", "parameters"), NOTHING)
def test_no_strength_changes_nothing_and_returns_a_copy(apply: Any, parameters: Any) -> None:
    image = grey()
    done = apply(image, parameters, FRAME)
    assert done.dtype == np.float32 and not np.shares_memory(done, image)
    np.testing.assert_allclose(done, image, atol=2e-5)


@pytest.mark.parametrize(("apply", "parameters"), SOMETHING)
def test_the_same_parameters_give_the_same_image_and_leave_the_given_one_alone(apply: Any, parameters: Any) -> None:
    image = grey()
    one, two = apply(image, parameters, FRAME), apply(image, parameters, FRAME)
    assert np.array_equal(one, two) and not np.allclose(one, image) and one.shape == image.shape
    assert np.array_equal(image, grey())


@pytest.mark.parametrize(("apply", "parameters"), SOMETHING)
def test_channels_are_changed_alike_save_for_independent_noise(apply: Any, parameters: Any) -> None:
    image = grey()
    both = apply(np.stack([image, image]), parameters, FRAME)
    assert both.shape == (2, *image.shape)
    if apply is not add_noise:
        np.testing.assert_allclose(both[1], apply(image, parameters, FRAME), atol=1e-4)


@pytest.mark.parametrize("apply", [a for a, _ in SOMETHING])
def test_nan_and_flat_images_are_refused(apply: Any) -> None:
    parameters = dict(SOMETHING)[apply]
    with pytest.raises(CellmlError, match="NaN"):
        apply(np.full((6, 16, 18), np.nan), parameters, FRAME)
    with pytest.raises(CellmlError, match="axes"):
        apply(np.zeros((16, 18)), parameters, FRAME)


@pytest.mark.parametrize(("electrons", "read"), [(5.0, 0.0), (50.0, 0.0), (50.0, 10.0)])
def test_noise_in_electrons_has_the_mean_of_the_image_and_variance_mean_plus_read_noise(electrons: float, read: float) -> None:
    for level in (80.0, 140.0):
        noisy = add_noise(np.full((20, 100, 100), level, np.float32), Noise(electrons, read, seed=4), FRAME)
        counted, expected = electrons * FRAME.intensity(noisy).astype(float), electrons * (1 + 0.2 * (level - 100) / 20)
        spread = expected + read**2
        assert counted.mean() == pytest.approx(expected, abs=5 * np.sqrt(spread / counted.size))
        assert counted.var() == pytest.approx(spread, rel=0.03)
    if not read:
        assert np.allclose(counted, np.round(counted), atol=1e-3)


def test_uneven_light_is_a_plane_and_a_parabola_about_the_centre() -> None:
    image = np.full((2, 11, 21), 100.0, np.float32)
    done = FRAME.intensity(light_unevenly(image, Illumination(0.2, 0.1, 0.3, field_nm=50.0), FRAME))
    assert done[0, 5, 10] == pytest.approx(1)
    assert done[1, 10, 10] == pytest.approx(1 + 0.2 - 0.3) and done[1, 5, 20] == pytest.approx(1 + 0.1 - 0.3)
    assert done[0, 0, 0] == pytest.approx(1 - 0.2 - 0.1 - 0.6)


def test_contrast_jumps_are_a_gain_and_an_offset_for_each_section() -> None:
    image, gains, offsets = grey(), (1.0, 2.0, 0.5, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.5, -1.0, 0.0)
    done = jump_contrast(image, SectionContrast(gains, offsets), FRAME)
    for z in range(6):
        np.testing.assert_allclose(done[z], 100 + gains[z] * (image[z] - 100) + 20 * offsets[z], rtol=1e-5)
    with pytest.raises(CellmlError, match="6 sections, but 2 gains"):
        jump_contrast(image, SectionContrast((1.0, 1.0), (0.0, 0.0)), FRAME)
    drawn = SectionContrast.drawn(4000, 0.2, 0.3, np.random.default_rng(0))
    assert np.log(drawn.gains).std() == pytest.approx(0.2, rel=0.05) and np.std(drawn.offsets) == pytest.approx(0.3, rel=0.05)


def test_missing_sections_are_blank_or_repeat_the_one_before_and_labels_may_be_ignored() -> None:
    image, labels = grey(), np.arange(6 * 16 * 18).reshape(6, 16, 18)
    blank = lose_sections(image, MissingSections((1, 2), level=-3.0), FRAME)
    assert (blank[[1, 2]] == 40).all() and np.array_equal(blank[[0, 3, 4, 5]], image[[0, 3, 4, 5]])
    repeated = lose_sections(image, MissingSections((0, 2, 3), repeat=True), FRAME)
    assert np.array_equal(repeated, image[[1, 1, 1, 1, 4, 5]])
    assert lose_labels(labels, MissingSections((1,)), FRAME) is labels
    ignored = lose_labels(labels, MissingSections((1,), ignore=-7), FRAME)
    assert (ignored[1] == -7).all() and np.array_equal(ignored[[0, 2]], labels[[0, 2]])
    with pytest.raises(CellmlError, match=r"Sections \[6\] are to be missing"):
        lose_sections(image, MissingSections((6,)), FRAME)


def test_shifted_sections_equal_rolled_ones_away_from_the_border() -> None:
    image = grey((3, 40, 50))
    shifts = ShiftedSections(((0.0, 0.0), (30.0, -20.0), (-52.0, 11.0)))  # voxels of 10 and 5 nm: (3, -4) and (-5, 2)
    done = shift_sections(image, shifts, FRAME)
    for z, (y, x) in enumerate([(0, 0), (3, -4), (-5, 2)]):
        assert np.array_equal(done[z, 6:-6, 6:-6], np.roll(image[z], (y, x), (0, 1))[6:-6, 6:-6])


def test_labels_move_exactly_with_the_image_and_the_border_may_be_ignored() -> None:
    labels = np.arange(4 * 12 * 12).reshape(4, 12, 12)
    shifts = ShiftedSections.drawn(4, 30.0, 10.0, np.random.default_rng(1))
    assert np.array_equal(shift_labels(labels, shifts, FRAME), shift_sections(labels.astype(np.float32), shifts, FRAME).astype(int))
    one = ShiftedSections(((20.0, 0.0), (0.0, -5.0), (0.0, 0.0), (0.0, 0.0)), ignore=-1)
    ignored = shift_labels(labels[None], one, FRAME)[0]
    assert (ignored[0, :2] == -1).all() and (ignored[1, :, -1] == -1).all() and (ignored == -1).sum() == 2 * 12 + 12


def test_drawn_shifts_have_the_asked_spread_and_no_mean() -> None:
    jitter = np.array(ShiftedSections.drawn(4000, 15.0, 0.0, np.random.default_rng(0)).shifts_nm)
    drift = np.array(ShiftedSections.drawn(4000, 0.0, 3.0, np.random.default_rng(0)).shifts_nm)
    assert jitter.std() == pytest.approx(15, rel=0.05) and np.diff(drift, axis=0).std() == pytest.approx(3, rel=0.05)
    np.testing.assert_allclose(jitter.mean(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("along_x", [False, True])
def test_curtains_are_constant_along_the_beam_and_as_strong_as_asked(along_x: bool) -> None:
    image = grey((5, 30, 40))
    factor = FRAME.intensity(hang_curtains(image, Curtaining(0.1, along_x=along_x, seed=5), FRAME)) / FRAME.intensity(image)
    axis = 2 if along_x else 1
    assert np.ptp(factor, axis=axis).max() < 1e-4
    assert factor.std() == pytest.approx(0.1, rel=1e-3) and factor.mean() == pytest.approx(1, abs=1e-4)


def test_wider_curtains_are_correlated_farther() -> None:
    def correlation(width: float) -> float:
        stripes = hang_curtains(np.full((200, 2, 400), 100.0, np.float32), Curtaining(0.1, width, 0.0, seed=0), FRAME)[:, 0] - 100
        return float((stripes[:, 4:] * stripes[:, :-4]).mean() / stripes.var())

    # white noise smoothed by a Gaussian σ has the autocorrelation exp(−d²/4σ²); d = 20 nm, σ = width/2
    for width in (20.0, 60.0):
        assert correlation(width) == pytest.approx(np.exp(-(20.0**2) / (4 * (width / 2) ** 2)), abs=0.03)


def cosine(k: int, n: int, axis: int, shape: tuple[int, int]) -> np.ndarray:
    """A wave that goes on as itself when the image is mirrored: k half periods in n voxels."""
    wave = np.cos(np.pi * k * (np.arange(n) + 0.5) / n)
    return np.broadcast_to(wave[:, None] if axis == 0 else wave[None], shape).astype(np.float32)[None]


@pytest.mark.parametrize(("axis", "spacing"), [(0, 10.0), (1, 5.0)])
def test_defocus_damps_a_wave_by_the_transform_of_a_disc(axis: int, spacing: float) -> None:
    shape, k, defocus = (48, 64), 12, Defocus(4000.0)
    n = shape[axis]
    wave = cosine(k, n, axis, shape)
    done = blur_probe(wave, defocus, FRAME)
    argument = 2 * np.pi * 32.0 * k / (2 * n * spacing)
    expected = 2 * j1(argument) / argument
    inside = (slice(None), slice(10, -10), slice(10, -10))
    np.testing.assert_allclose(done[inside], expected * wave[inside], atol=0.01)


def test_defocus_keeps_the_mean_of_each_section_and_does_not_mix_sections() -> None:
    image = grey((3, 40, 40))
    image[1] += 50
    done = blur_probe(image, Defocus(3000.0), Frame())
    np.testing.assert_allclose(done.mean(axis=(1, 2)), image.mean(axis=(1, 2)), rtol=2e-3)
    assert np.array_equal(done[:1], blur_probe(image[:1], Defocus(3000.0), Frame()))


def test_astigmatism_without_defocus_is_round_and_at_a_line_focus_blurs_one_direction_only() -> None:
    image = grey((2, 40, 40))
    np.testing.assert_allclose(blur_probe(image, Defocus(0, 4000.0, 25.0), Frame()), blur_probe(image, Defocus(2000.0), Frame()), atol=1e-3)
    line = Defocus(2000.0, 4000.0, 0.0)  # radii 32 nm along x and 0 along y
    assert line.radii_nm == (32.0, 0.0)
    along_y, along_x = cosine(10, 40, 0, (40, 40)), cosine(10, 40, 1, (40, 40))
    np.testing.assert_allclose(blur_probe(along_y, line, Frame()), along_y, atol=1e-5)
    assert np.abs(blur_probe(along_x, line, Frame())).max() < 0.6
    np.testing.assert_allclose(
        blur_probe(along_x.swapaxes(1, 2), Defocus(2000.0, 4000.0, 90.0), Frame()),
        blur_probe(along_x, line, Frame()).swapaxes(1, 2),
        atol=1e-5,
    )


def test_stain_is_lost_in_the_asked_share_and_only_in_thin_dark_structures() -> None:
    frame = Frame((10.0, 10.0, 10.0), 100, 20, 0.2)
    image = np.full((40, 60, 60), 120.0, np.float32)
    image[:, :, 20:23] = 60  # a membrane of 30 nm
    image[:, :, 40:52] = 70  # an organelle of 120 nm
    staining = Staining(0.25, 60.0, membrane_nm=50.0, seed=1)
    done, where = lose_stain(image, staining, frame), unstained(image.shape, staining, frame)
    assert where.mean() == pytest.approx(0.25, abs=0.03)
    np.testing.assert_allclose(done[..., 21], 60 + 60 * where[..., 21], rtol=1e-5)
    assert np.array_equal(done[..., :18], image[..., :18]) and np.array_equal(done[..., 42:50], image[..., 42:50])
    half = lose_stain(image, Staining(0.25, 60.0, 0.5, 50.0, seed=1), frame)
    np.testing.assert_allclose(half - image, 0.5 * (done - image), atol=1e-4)
    assert np.allclose(lose_stain(image, Staining(1.0, membrane_nm=50.0), frame)[..., 15:30], 120)
    with pytest.raises(CellmlError, match="below the voxel size"):
        lose_stain(image, Staining(membrane_nm=5.0), frame)


def test_thick_sections_average_and_are_interpolated_back() -> None:
    ramp = np.broadcast_to(np.arange(12, dtype=np.float32)[:, None, None], (12, 2, 2))
    done = thicken_sections(ramp, Anisotropy(60.0), FRAME)[:, 0, 0]  # three voxels of 20 nm; a line stays a line between the middles
    np.testing.assert_allclose(done, [1, 1, *range(2, 10), 10, 10], atol=1e-5)
    peak = np.zeros((8, 1, 1), np.float32)
    peak[4] = 1
    np.testing.assert_allclose(thicken_sections(peak, Anisotropy(80.0), FRAME)[:, 0, 0], [0, 0, 1 / 32, 3 / 32, 5 / 32, 7 / 32, 0.25, 0.25])
    rest = thicken_sections(np.arange(5, dtype=np.float32)[:, None, None], Anisotropy(60.0), FRAME)[:, 0, 0]  # 3 + 2 voxels
    assert rest[1] == 1 and rest[4] == pytest.approx(3.5)


def test_the_frame_of_a_volume_knows_what_grey_values_mean() -> None:
    volume = Volume(grey((4, 60, 60)), (20, 10, 5))
    frame = Frame.of(volume, black=20.0)
    assert frame.contrast == pytest.approx(20 / 80, rel=0.02) and frame.spacing == (20, 10, 5)
    np.testing.assert_allclose(frame.intensity(volume.data), (volume.data - 20) / (volume.data.mean() - 20), rtol=1e-4)
    np.testing.assert_allclose(frame.grey(frame.intensity(volume.data)), volume.data, rtol=1e-5)
    assert frame.voxels(100) == (5, 10, 20)
    for bad in (Volume(np.ones((2, 2, 2)), (1, 1, 1)), Volume(grey() - 200, (1, 1, 1))):
        with pytest.raises(CellmlError, match="black"):
            Frame.of(bad)
    with pytest.raises(CellmlError, match="positive"):
        Frame((10, 0, 10))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Noise(0),
        lambda: Noise(read_noise=-1),
        lambda: Illumination(vignetting=2),
        lambda: SectionContrast((1.0, 0.0), (0.0, 0.0)),
        lambda: Curtaining(-0.1),
        lambda: Curtaining(width_nm=0),
        lambda: Defocus(astigmatism_nm=-1),
        lambda: Staining(1.5),
        lambda: Anisotropy(0),
    ],
)
def test_parameters_that_mean_nothing_are_refused(make: Any) -> None:
    with pytest.raises(CellmlError):
        make()

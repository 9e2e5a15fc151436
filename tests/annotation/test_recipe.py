from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu

from cellml.annotation.morphology import Closing, FillHoles, Opening, dilated, eroded
from cellml.annotation.objects import Components, SizeFilter, SplitByDistance
from cellml.annotation.recipe import Stage, read_recipe, run_recipe, shipped_recipes
from cellml.annotation.thresholds import GreyRange, LocalThreshold, OtsuThreshold
from cellml.errors import CellmlError
from cellml.types import Volume

SPACING = (40.0, 5.0, 5.0)


def balls(shape=(6, 60, 80), centres=((3, 20, 20), (3, 20, 34), (3, 45, 60)), radius=45.0):
    """Balls (in nm) of SPACING; the first two touch."""
    z, y, x = np.indices(shape)
    mask = np.zeros(shape, bool)
    for c in centres:
        mask |= ((z - c[0]) * 40) ** 2 + ((y - c[1]) * 5) ** 2 + ((x - c[2]) * 5) ** 2 < radius**2
    return mask


def image(mask, seed=0):
    """Dark objects on bright ground, with noise."""
    noise = np.random.default_rng(seed).normal(0, 8, mask.shape)
    return Volume(np.clip(np.where(mask, 80, 160) + noise, 0, 255).astype(np.uint8), SPACING)


def stage(mask):
    return Stage(np.zeros(mask.shape, np.float32), SPACING, mask)


def test_thresholds():
    volume = image(balls())
    grey = Stage(volume.data.astype(np.float32), SPACING)
    np.testing.assert_array_equal(OtsuThreshold()(grey).mask, volume.data <= threshold_otsu(volume.data))
    np.testing.assert_array_equal(OtsuThreshold(2, (1,))(grey).mask, ~OtsuThreshold()(grey).mask)
    np.testing.assert_array_equal(GreyRange(high=120)(grey).mask, volume.data <= 120)
    np.testing.assert_array_equal(GreyRange(100, 120)(grey).mask, (volume.data <= 120) & (volume.data >= 100))


def test_a_local_threshold_sees_objects_under_uneven_light():
    mask = balls()
    slope = np.linspace(0, 90, mask.shape[2])
    uneven = Stage((image(mask).data + slope).astype(np.float32), SPACING)
    found, other = LocalThreshold(150.0, 1.3)(uneven).mask, OtsuThreshold()(uneven).mask
    iou = [(m & mask).sum() / (m | mask).sum() for m in (found, other)]
    assert iou[0] > 0.8 > 5 * iou[1]


def test_erosion_and_dilation_are_those_of_a_ball():
    mask = balls(centres=((3, 30, 40),))
    steps = range(-3, 4)
    ball = np.array([[[(40 * z) ** 2 + (5 * y) ** 2 + (5 * x) ** 2 <= 12**2 for x in steps] for y in steps] for z in (-1, 0, 1)])
    np.testing.assert_array_equal(eroded(mask, 12.0, SPACING), ndimage.binary_erosion(mask, ball, border_value=1))
    np.testing.assert_array_equal(dilated(mask, 12.0, SPACING), ndimage.binary_dilation(mask, ball))
    for empty in (np.zeros((2, 3, 3), bool), np.ones((2, 3, 3), bool)):
        np.testing.assert_array_equal(eroded(empty, 9.0, SPACING), empty)
        np.testing.assert_array_equal(dilated(empty, 9.0, SPACING), empty)


def test_opening_loses_thin_parts_and_closing_small_gaps():
    mask = np.zeros((1, 40, 40), bool)
    mask[0, 10:30, 10:30], mask[0, 19:21, 30:39] = True, True
    opened = Opening(20.0)(stage(mask)).mask
    assert not opened[0, 19:21, 34:39].any() and opened[0, 20, 20] and not (opened & ~mask).any()
    mask[0, 15:17, 15:17] = False
    closed = Closing(20.0)(stage(mask)).mask
    assert closed[0, 15, 15] and not (mask & ~closed).any()


def test_holes_are_filled_up_to_a_size():
    mask = np.zeros((2, 20, 20), bool)
    mask[:, 2:18, 2:18] = True
    mask[0, 5:7, 5:7], mask[0, 9:15, 9:15] = False, False
    mask[1, 0:5, 4] = False  # a notch, no hole
    np.testing.assert_array_equal(FillHoles()(stage(mask)).mask, np.stack([ndimage.binary_fill_holes(m) for m in mask]))
    some = FillHoles(5 * 25.0)(stage(mask)).mask
    assert some[0, 5, 5] and not some[0, 10, 10]


def test_touching_objects_are_parted_at_the_neck():
    mask = balls()
    assert Components()(stage(mask)).labels.max() == 2
    parted = SplitByDistance(30.0)(stage(mask)).labels
    assert parted.max() == 3 and ((parted > 0) == mask).all()
    assert len({int(parted[c]) for c in ((3, 20, 20), (3, 20, 34), (3, 45, 60))}) == 3
    deeper = mask | balls(centres=((3, 20, 20),), radius=55.0)
    assert SplitByDistance(500.0)(stage(deeper)).labels.max() == 2  # one for each component, however large the reach


def test_sizes():
    mask = balls()
    mask[0, 0:2, 0:2] = True
    labelled = Components()(stage(mask))
    big = SizeFilter(min_um3=1e-4)(labelled)
    assert len(np.unique(big.labels)) == 3 and not big.mask[0, 0, 0]
    assert len(np.unique(SizeFilter(max_um3=1e-4)(labelled).labels)) == 2
    assert len(np.unique(SizeFilter(min_sections=2)(labelled).labels)) == 3
    with pytest.raises(CellmlError, match=r"No object of 3 is of the size.*the largest has"):
        SizeFilter(min_um3=1.0)(labelled)


# Recipes


RECIPE = """
smooth: {_target_: cellml.imaging.repairs.smoothing.Gaussian, sigma_nm: 5}
dark: {_target_: cellml.annotation.thresholds.OtsuThreshold}
split: {_target_: cellml.annotation.objects.SplitByDistance, reach_nm: 30}
size: {_target_: cellml.annotation.objects.SizeFilter, min_um3: 1.0e-4}
"""


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "mine.yaml").write_text(RECIPE)
    return tmp_path / "mine.yaml"


def test_a_recipe_of_ones_own_finds_the_objects(recipe):
    found = run_recipe(read_recipe(recipe), image(balls()))
    assert found.data.max() == 3 and found.spacing == SPACING
    assert ((found.data > 0) & balls()).sum() / ((found.data > 0) | balls()).sum() > 0.85


def test_parameters_can_be_changed_without_a_new_file(recipe):
    assert run_recipe(read_recipe(recipe, {"size.min_um3": 0.0, "split.reach_nm": 1.0}), image(balls())).data.max() > 3


def test_a_mask_at_the_end_is_split_into_what_is_connected():
    found = run_recipe({"dark": GreyRange(high=120)}, image(balls()))
    np.testing.assert_array_equal(found.data, ndimage.label(image(balls()).data <= 120)[0])


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_can_be_built_and_run(name):
    mask = balls((8, 100, 150), ((3, 35, 35), (4, 65, 110)), 130.0)
    found = run_recipe(read_recipe(name), image(mask)).data > 0
    assert (found & mask).sum() / (found | mask).sum() > 0.7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must map names to steps"),
        ("- 1\n- 2", "must map names to steps"),
        ("smooth: {sigma: 1}", "must map names to steps"),
        ("a: {b", "is no YAML: while parsing"),
        ("dark: {_target_: cellml.annotation.thresholds.Nothing}", "which this installation does not have"),
        ("dark: {_target_: cellml.annotation.thresholds.OtsuThreshold, classes: 9}", "step 'dark': classes=9 must be 2 to 5"),
        ("open: {_target_: cellml.annotation.morphology.Opening, radius_nm: 0}", "radius_nm=0"),
        ("dark: {_target_: cellml.annotation.thresholds.GreyRange}", "needs low, high or both"),
    ],
)
def test_bad_recipes_are_refused(text, message, tmp_path):
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(CellmlError, match=message):
        read_recipe(tmp_path / "bad.yaml")


def test_other_mistakes(recipe):
    with pytest.raises(CellmlError, match="one of the shipped: .*mitochondria_threshold"):
        read_recipe("nothing")
    with pytest.raises(CellmlError, match="the recipe has the steps smooth, dark, split, size"):
        read_recipe(recipe, {"sigma_nm": 3})
    with pytest.raises(CellmlError, match="Step 'open': Opening needs a mask"):
        run_recipe({"open": Opening()}, image(balls()))
    with pytest.raises(CellmlError, match="Step 'size': A size filter needs objects"):
        run_recipe({"dark": OtsuThreshold(), "size": SizeFilter()}, image(balls()))
    with pytest.raises(CellmlError, match="Step 'dark': The image has too few grey values"):
        run_recipe({"dark": OtsuThreshold(3)}, Volume(np.zeros((2, 4, 4), np.uint8), SPACING))
    with pytest.raises(CellmlError, match="has the axes CZYX"):
        run_recipe({}, Volume(np.zeros((2, 2, 4, 4), np.uint8), SPACING, axes="CZYX"))

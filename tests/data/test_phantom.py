from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellml.data.connectivity import components, reconnect
from cellml.data.phantom import em_phantom, membranes
from cellml.errors import CellmlError


@pytest.fixture(scope="module")
def block():
    return em_phantom((64, 80, 72), seed=3)


def test_shape_dtype_and_spacing(block) -> None:
    raw, neurons = block
    assert raw.data.shape == neurons.data.shape == (64, 80, 72)
    assert raw.data.dtype == np.uint8
    assert neurons.data.dtype == np.uint16
    assert raw.spacing == neurons.spacing == (10.0, 10.0, 10.0)


def test_every_label_is_one_component_and_the_block_is_filled(block) -> None:
    labels = block[1].data
    assert labels.min() == 1
    assert np.array_equal(np.unique(labels), np.arange(1, labels.max() + 1))
    for number in range(1, int(labels.max()) + 1):
        assert ndimage.label(labels == number)[1] == 1


def test_density_is_that_of_neuropil(block) -> None:
    labels = block[1].data
    assert 0.7 <= labels.max() / (labels.size / 30_000) <= 1.2


def test_membranes_and_mitochondria_are_darker_than_cytoplasm(block) -> None:
    raw, labels = block[0].data.astype(float), block[1].data
    edge = membranes(labels)
    assert raw[edge].mean() < raw[~edge].mean() - 25
    far = ndimage.distance_transform_edt(~edge) > 4  # inside the neurites, only mitochondria are dark
    dark = (ndimage.gaussian_filter(raw, 1.0) < 110)[far].mean()
    assert 0.005 < dark < 0.4


def test_light_is_uneven_and_noise_is_there(block) -> None:
    raw = block[0].data.astype(float)
    corners = [part.mean() for half in np.array_split(raw, 2, axis=1) for part in np.array_split(half, 2, axis=2)]
    assert max(corners) - min(corners) > 1.0
    assert (raw - ndimage.gaussian_filter(raw, 1.0)).std() > 4.0


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    first, again, other = (em_phantom((24, 24, 24), seed=s) for s in (5, 5, 6))
    assert first[0].data.tobytes() == again[0].data.tobytes()
    assert first[1].data.tobytes() == again[1].data.tobytes()
    assert first[0].data.tobytes() != other[0].data.tobytes()


def test_the_number_of_neurites_can_be_given() -> None:
    assert em_phantom((32, 32, 32), seed=0, neurites=1)[1].data.max() == 1
    assert 15 <= em_phantom((48, 48, 48), seed=0, neurites=20)[1].data.max() <= 20


@pytest.mark.parametrize("seed", range(12))
def test_thin_and_small_blocks_can_be_drawn(seed) -> None:
    for shape in ((8, 8, 9), (8, 40, 12)):
        labels = em_phantom(shape, seed=seed)[1].data
        assert len(components(labels)[2]) - 1 == labels.max() >= 1


@pytest.mark.parametrize(("shape", "neurites"), [((4, 64, 64), None), ((64, 64), None), ((16, 16, 16), 0), ((16, 16, 16), 70_000)])
def test_impossible_requests_are_refused(shape, neurites) -> None:
    with pytest.raises(CellmlError, match="phantom"):
        em_phantom(shape, neurites=neurites)


def test_membranes_are_both_sides_of_a_change() -> None:
    labels = np.ones((3, 4, 5), dtype=int)
    labels[:, :, 3:] = 2
    expected = np.zeros(labels.shape, dtype=bool)
    expected[:, :, 2:4] = True
    assert np.array_equal(membranes(labels), expected)


def test_components_agree_with_labelling_each_value_alone() -> None:
    labels = np.random.default_rng(0).integers(0, 3, (6, 7, 8))
    numbers, value, size = components(labels)
    expected = sum(ndimage.label(labels == v)[1] for v in range(3))
    assert numbers.min() == 1
    assert numbers.max() == expected == len(size) - 1
    for number in range(1, expected + 1):
        assert np.unique(labels[numbers == number]).tolist() == [value[number]]
        assert (numbers == number).sum() == size[number]


def test_reconnect_gives_a_stray_to_its_neighbour_and_leaves_no_gap() -> None:
    labels = np.full((5, 5, 5), 7)
    labels[:, :, 3:] = 9
    labels[2, 2, 0] = 9  # a stray of 9 inside 7
    result = reconnect(labels)
    expected = np.ones((5, 5, 5))
    expected[:, :, 3:] = 2
    assert np.array_equal(result, expected)


def test_reconnect_makes_any_labels_connected() -> None:
    labels = np.random.default_rng(1).integers(1, 6, (9, 9, 9))
    result = reconnect(labels)
    assert len(components(result)[2]) - 1 == result.max() == 5

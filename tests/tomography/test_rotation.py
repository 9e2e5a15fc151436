"""Rotated blocks: a slow twin, closed forms, and the evenness of random rotations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from cellml.errors import CellmlError
from cellml.tomography.rotation import random_rotation, rotated_block, spline_coefficients


def test_rotations_are_proper_and_even_over_the_sphere() -> None:
    rng = np.random.default_rng(0)
    drawn = np.stack([random_rotation(rng) for _ in range(4000)])
    assert np.allclose(drawn @ drawn.transpose(0, 2, 1), np.eye(3)) and np.allclose(np.linalg.det(drawn), 1)
    for axis in drawn.transpose(2, 0, 1):  # where each axis goes: mean 0, second moments 1/3, on the sphere
        assert np.abs(axis.mean(axis=0)).max() < 0.04 and np.abs(axis.T @ axis / len(axis) - np.eye(3) / 3).max() < 0.03
    angles = np.arccos((np.trace(drawn, axis1=1, axis2=2) - 1) / 2)
    assert angles.mean() == pytest.approx(np.pi / 2 + 2 / np.pi, abs=0.04)  # of the density (1 − cos a) / π


def test_blocks_agree_with_scipys_splines_inside_and_beyond_the_border() -> None:
    rng = np.random.default_rng(1)
    volumes = rng.normal(size=(2, 14, 17, 20)).astype(np.float32)
    rotation, centre, size = random_rotation(rng), (5.0, 9.3, 12.0), 15
    block, inside = rotated_block(spline_coefficients(volumes), centre, rotation, size)
    p = np.stack(np.meshgrid(*[np.arange(size) - (size - 1) / 2] * 3, indexing="ij"))
    places = np.einsum("ij,jzyx->izyx", rotation, p) + np.array(centre)[:, None, None, None]
    for volume, found in zip(volumes, block, strict=True):
        assert np.abs(map_coordinates(volume, places, order=3, mode="mirror") - found).max() < 1e-4
    limits = np.array(volumes.shape[1:])[:, None, None, None] - 0.5
    beyond = ((places < -0.5) | (places > limits)).any(axis=0)
    assert beyond.any() and (inside[beyond] == 0).all() and (inside[~beyond] > 0).all()


def test_without_a_rotation_a_block_is_a_crop_of_the_voxels() -> None:
    volumes = np.random.default_rng(2).normal(size=(1, 12, 12, 12)).astype(np.float32)
    block, inside = rotated_block(spline_coefficients(volumes), (5.5, 5.5, 5.5), np.eye(3), 6)
    assert np.allclose(block, volumes[:, 3:9, 3:9, 3:9], atol=1e-5) and (inside == 1).all()


def test_a_quarter_turn_is_exact_and_has_the_direction_that_the_docstring_says() -> None:
    volume = np.zeros((9, 9, 9), np.float32)
    volume[6, 4, 4] = 1  # two voxels up in z
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])  # R e_x = e_z: what is at +x in the block was at +z
    block, _ = rotated_block(spline_coefficients(volume[None]), (4, 4, 4), turn, 9)
    assert np.unravel_index(block[0].argmax(), block[0].shape) == (4, 4, 6) and block.max() == pytest.approx(1, abs=1e-5)


def test_a_block_without_voxels_is_refused() -> None:
    with pytest.raises(CellmlError, match="1 voxel"):
        rotated_block(np.zeros((1, 4, 4, 4), np.float32), (1, 1, 1), np.eye(3), 0)

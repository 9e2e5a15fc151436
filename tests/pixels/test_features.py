from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cellml.errors import CellmlError
from cellml.pixels.features import PixelFeatures

RNG = np.random.default_rng(0)
FLAT: dict[str, Any] = {"spacing": (40, 10, 10), "scales_nm": (10, 25)}
SOLID: dict[str, Any] = {"spacing": (10, 10, 10), "scales_nm": (10, 20)}


def by_name(features: PixelFeatures, image: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(features.names, features(image[None]), strict=True))


def test_each_feature_is_what_its_equation_says() -> None:
    """A slow twin, in float64, of one scale in 3D with anisotropic voxels."""
    spacing, scale, fine = np.array([20.0, 10.0, 10.0]), 30.0, 15.0
    features = PixelFeatures(spacing=spacing, scales_nm=(fine, scale), planar=False)
    image = RNG.normal(size=(14, 24, 22)).astype(np.float32)
    found = by_name(features, image)

    def blur(field: np.ndarray, s: float) -> np.ndarray:
        return gaussian_filter(field, s / spacing, mode="reflect", radius=np.ceil(3 * s / spacing).astype(int).tolist())

    double = image.astype(float)
    mean = blur(double, scale)
    slopes = [np.gradient(np.pad(mean, 1, mode="edge"), axis=a)[1:-1, 1:-1, 1:-1] * scale / spacing[a] for a in range(3)]
    np.testing.assert_allclose(found["gaussian 30 nm"], mean, atol=1e-5)
    np.testing.assert_allclose(found["gradient 30 nm"], np.sqrt(sum(s**2 for s in slopes)), atol=1e-5)
    np.testing.assert_allclose(found["deviation 30 nm"], np.sqrt(blur(double**2, scale) - mean**2), atol=1e-4)
    steps = [np.gradient(np.pad(blur(double, fine), 1, mode="edge"), axis=a)[1:-1, 1:-1, 1:-1] * fine / spacing[a] for a in range(3)]
    tensor = np.stack([np.stack([blur(a * b, scale) for b in steps], -1) for a in steps], -1)
    expected = np.sqrt(np.maximum(np.linalg.eigvalsh(tensor)[..., ::-1], 0))
    for i in range(3):
        np.testing.assert_allclose(found[f"structure {i + 1} 30 nm"], expected[..., i], atol=2e-3)
    hessian = sum(found[f"hessian {i + 1} 30 nm"] for i in range(3))
    np.testing.assert_allclose(found["laplacian 30 nm"], hessian, atol=1e-4)


def test_the_laplacian_of_a_blob_is_its_closed_form() -> None:
    """σ² Δ of a Gaussian of width s, smoothed by σ, is −3 σ² s³ / (s² + σ²)^(5/2) at its centre, whatever the sampling."""
    s, scale = 80.0, 60.0
    for spacing in ((20.0, 10.0, 10.0), (10.0, 20.0, 10.0)):
        axes = [np.arange(-n, n + 1) * step for n, step in zip((480 // np.array(spacing)).astype(int), spacing, strict=True)]
        r2 = sum(np.meshgrid(*[a**2 for a in axes], indexing="ij"))
        features = PixelFeatures(spacing=spacing, scales_nm=(scale,), planar=False, texture=False)
        found = by_name(features, np.exp(-r2 / (2 * s**2)).astype(np.float32))["laplacian 60 nm"]
        assert found[tuple(n // 2 for n in found.shape)] == pytest.approx(-3 * scale**2 * s**3 / (s**2 + scale**2) ** 2.5, rel=0.05)


def test_within_sections_no_other_section_is_seen() -> None:
    image = RNG.normal(size=(3, 20, 20)).astype(np.float32)
    other = image.copy()
    other[0] += 1
    before, after = (PixelFeatures(**FLAT)(i[None]) for i in (image, other))
    assert PixelFeatures(**FLAT).axes == (1, 2) and PixelFeatures(**SOLID).axes == (0, 1, 2)
    assert np.array_equal(before[:, 1:], after[:, 1:]) and not np.allclose(before[:, 0], after[:, 0])


@pytest.mark.parametrize("count", [1, 2])
def test_neighbours_are_means_of_the_sections_around_mirrored_at_the_ends(count: int) -> None:
    features, plain = PixelFeatures(**FLAT, neighbours=count), PixelFeatures(**FLAT)
    image = RNG.normal(size=(6, 16, 16)).astype(np.float32)
    found, own = features(image[None]), plain(image[None])
    size = len(plain.names)
    assert len(found) == len(features.names) == 2 * size and np.array_equal(found[:size], own)
    np.testing.assert_allclose(found[size:, 3], np.mean([own[:, 3 + o] for o in range(-count, count + 1) if o], axis=0), atol=1e-5)
    np.testing.assert_allclose(found[size:, 0], np.mean([own[:, o] for o in range(1, count + 1)], axis=0), atol=1e-5)
    one = features(image[None, :1])
    np.testing.assert_allclose(one[size:], one[:size], atol=1e-6)


@pytest.mark.parametrize(
    "given", [FLAT, SOLID, FLAT | {"neighbours": 1}, FLAT | {"stride": (1, 2, 2)}, SOLID | {"texture": False, "stride": (2, 2, 2)}]
)
def test_no_voxel_beyond_the_halo_is_seen_and_the_halo_is_not_much_larger_than_needed(given: dict[str, Any]) -> None:
    features = PixelFeatures(**given)
    size = [2 * (h + 4) for h in features.halo]
    image = RNG.normal(size=size).astype(np.float32)
    middle = [n // 2 for n in size]
    place = tuple(m // s for m, s in zip(middle, features.stride, strict=True))
    before = features(image[None])[(slice(None), *place)]
    for axis, reach in enumerate(features.halo):
        for distance, seen in ((reach + features.stride[axis], False), (max(0, reach - 2 * features.stride[axis]), True)):
            other = np.moveaxis(image.copy(), axis, 0)
            other[: middle[axis] - distance + 1] += 100
            after = features(np.moveaxis(other, 0, axis)[None])[(slice(None), *place)]
            assert (not np.array_equal(before, after)) == seen, (axis, distance)


def test_channels_follow_each_other_and_a_stride_averages_first() -> None:
    image = RNG.normal(size=(2, 4, 16, 16)).astype(np.float32)
    features = PixelFeatures(spacing=(40, 5, 5), scales_nm=(10, 25), stride=(1, 2, 2))
    found = features(image)
    coarse = image.reshape(2, 4, 8, 2, 8, 2).mean((3, 5))
    plain = PixelFeatures(**FLAT)
    np.testing.assert_allclose(found, np.concatenate([plain(channel[None]) for channel in coarse]), atol=1e-5)
    with pytest.raises(CellmlError, match=r"stride of \(1, 2, 2\).*multiples"):
        features(image[:, :, :15])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"spacing": (10, 10)}, "spacing"),
        ({"scales_nm": ()}, "scales_nm"),
        ({"scales_nm": (-1,)}, "scales_nm"),
        ({"stride": (0, 1, 1)}, "stride"),
        ({"neighbours": -1}, "neighbours is -1"),
        ({"intensity": False, "edges": False, "texture": False}, "all false"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(CellmlError, match=said):
        PixelFeatures(**wrong)

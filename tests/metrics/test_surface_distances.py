from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, distance_transform_edt

from cellml.metrics.surface_distances import nearest_distances, surface_scores
from cellml.metrics.surface_voxels import surface_voxels

SPACING = (30.0, 8.0, 5.0)


def balls(shift=(1, 2, 3), radius=(4, 9, 12)):
    """Two ellipsoids that touch no face of the volume, one moved and one a little smaller."""
    z, y, x = np.indices((16, 32, 40))

    def ball(centre, r):
        return ((z - centre[0]) / r[0]) ** 2 + ((y - centre[1]) / r[1]) ** 2 + ((x - centre[2]) / r[2]) ** 2 <= 1

    return ball((7, 15, 18), radius), ball(tuple(c + s for c, s in zip((7, 15, 18), shift, strict=True)), tuple(r - 1 for r in radius))


def scores(truth, prediction, tolerance=20.0):
    return surface_scores(surface_voxels([truth]).of(1), surface_voxels([prediction]).of(1), SPACING, tolerance)


def test_agrees_with_distance_transforms():
    truth, prediction = balls()
    edges = [mask & ~binary_erosion(mask) for mask in (truth, prediction)]
    to_truth, to_prediction = (distance_transform_edt(~edge, sampling=SPACING) for edge in edges)
    there, back = to_truth[edges[1]], to_prediction[edges[0]]
    found = scores(truth, prediction)
    assert found.assd_nm == pytest.approx((there.sum() + back.sum()) / (there.size + back.size))
    assert found.hausdorff_nm == pytest.approx(max(there.max(), back.max()))
    assert found.hausdorff95_nm == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)))
    assert found.surface_dice == pytest.approx(((there <= 20).sum() + (back <= 20).sum()) / (there.size + back.size))


def test_agrees_with_monai():
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

    truth, prediction = balls()
    y, y_pred = (torch.from_numpy(mask)[None, None].float() for mask in (truth, prediction))
    options = {"include_background": True, "spacing": list(SPACING)}
    found = scores(truth, prediction)
    assert found.assd_nm == pytest.approx(float(compute_average_surface_distance(y_pred, y, symmetric=True, **options)), rel=1e-5)
    assert found.hausdorff_nm == pytest.approx(float(compute_hausdorff_distance(y_pred, y, **options)), rel=1e-5)
    assert found.hausdorff95_nm == pytest.approx(float(compute_hausdorff_distance(y_pred, y, percentile=95, **options)), rel=1e-5)
    dice = compute_surface_dice(y_pred, y, class_thresholds=[20.0], **options)
    assert found.surface_dice == pytest.approx(float(dice), rel=1e-5)


def test_agrees_with_simpleitk():
    import SimpleITK

    truth, prediction = balls()
    edges = [mask & ~binary_erosion(mask) for mask in (truth, prediction)]
    images = [SimpleITK.GetImageFromArray(edge.astype(np.uint8)) for edge in edges]
    for image in images:
        image.SetSpacing(SPACING[::-1])
    filtered = SimpleITK.HausdorffDistanceImageFilter()
    filtered.Execute(*images)
    found = scores(truth, prediction)
    assert found.hausdorff_nm == pytest.approx(filtered.GetHausdorffDistance(), rel=1e-5)


def test_parallel_planes_are_their_distance_apart():
    one = np.array([[0, y, x] for y in range(4) for x in range(4)])
    found = surface_scores(one, one + np.array([3, 0, 0]), SPACING, 89.0)
    assert (found.assd_nm, found.hausdorff_nm, found.hausdorff95_nm, found.surface_dice) == (90.0, 90.0, 90.0, 0.0)
    assert surface_scores(one, one + np.array([3, 0, 0]), SPACING, 90.0).surface_dice == 1.0


def test_distances_equal_those_of_a_loop():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 20, (30, 3)), rng.integers(0, 20, (25, 3))
    expected = [min(np.linalg.norm((p - q) * SPACING) for q in b) for p in a]
    assert nearest_distances(a, b, SPACING) == pytest.approx(expected)


def test_a_missing_surface_is_infinitely_far_and_two_are_undefined():
    truth, _ = balls()
    nothing = np.zeros_like(truth)
    missing = scores(truth, nothing)
    assert (missing.assd_nm, missing.hausdorff_nm, missing.surface_dice) == (np.inf, np.inf, 0.0)
    assert np.isnan(scores(nothing, nothing).assd_nm)

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from cellml.data.tomography_phantom import cell_phantom
from cellml.metrics.psnr import psnr
from cellml.tomography.simulate import simulate_tilts

_STUDY = Path(__file__).parents[2] / "experiments" / "missing_wedge"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch):
    """The folder on the path, its modules forgotten afterwards: other studies have modules of the same names."""
    before = set(sys.modules)
    shadowed = {name: sys.modules.pop(name) for name in ("conditions", "run") if name in sys.modules}
    monkeypatch.syspath_prepend(str(_STUDY))
    yield
    for name in set(sys.modules) - before:
        if str(_STUDY) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]
    sys.modules.update(shadowed)


def test_conditions_are_those_of_the_design_each_once(study) -> None:
    from conditions import conditions

    found = conditions()
    keys = [c.key for c in found]
    assert len(set(keys)) == len(keys)
    wanted = {(s, h, t) for s in ("fib25", "phantom") for h in (70, 60, 45) for t in (2, 3)}
    assert {(c.specimen, c.half_range, c.step) for c in found} == wanted
    assert {c.snr for c in found} == {np.inf, 10.0, 1.0, 0.1}
    assert {c.misaligned for c in found} == {False, True}
    assert all((c.half_range, c.step, c.misaligned) == (60, 2, False) for c in found[:6])
    for condition in found:
        np.testing.assert_allclose(condition.tilts, -condition.tilts[::-1])
        assert np.abs(condition.tilts).max() <= condition.half_range


def test_scikit_image_is_given_our_geometry(study, monkeypatch: pytest.MonkeyPatch) -> None:
    import classical

    monkeypatch.setattr(classical, "SKIMAGE_PASSES", 2)
    volume, _ = cell_phantom((31, 24, 31), seed=5)
    part = volume.data[:, 10:14]
    series = simulate_tilts(type(volume)(np.ascontiguousarray(part), volume.spacing), np.arange(-60, 61, 5.0))
    for method in (classical.skimage_iradon, classical.skimage_sart):
        image = method(series, 31)
        assert image.shape == part.shape
        assert psnr(part, image) > psnr(part, image[::-1]) + 1
        assert psnr(part, image) > psnr(part, np.roll(image, 1, axis=2)) + 0.3


def test_numbers_are_tried_until_scores_fall(study, monkeypatch: pytest.MonkeyPatch) -> None:
    import classical
    from conditions import Condition
    from specimens import Specimen

    volume, labels = cell_phantom((31, 24, 31), seed=5)
    small = Specimen(volume, (slice(None),) * 3, labels.data > 0, in_vacuum=True)
    monkeypatch.setattr(classical, "specimen", lambda name: small)
    monkeypatch.setattr(classical, "tilt_series", lambda c: simulate_tilts(volume, np.arange(-60, 61, 5.0), snr=1.0, support=small.support))
    monkeypatch.setattr(classical, "CANDIDATES", {"cg": (1, 3, 30, 60)})
    found = classical._best(Condition("phantom", snr=1.0), "cg")
    assert "60" not in found["psnr"]
    assert found["psnr"][f"{found['choice']:g}"] == max(found["psnr"].values())

"""Damage of slabs: exactly what the whole specimen's tilt series does, in noise, spectrum and voxels."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.data.phantom import em_phantom
from cellml.data.wedge_damage import TiltScheme, WedgeDamage, noisy_projections, standardised
from cellml.errors import CellmlError
from cellml.tomography.simulate import simulate_tilts
from cellml.tomography.sirt import Sirt
from cellml.tomography.wbp import WeightedBackprojection, wbp
from cellml.types import Volume


def phantom() -> np.ndarray:
    return standardised(em_phantom((40, 24, 40), seed=1)[0].data)


def test_a_slab_is_damaged_as_the_whole_is() -> None:
    """Rows along the axis are independent: no patch-wise simulation, whose streaks and edges would be others."""
    truth, scheme = phantom(), TiltScheme(-60, 60, 4)
    for method in (WeightedBackprojection(), Sirt(5)):
        damage = WedgeDamage(reconstruction=(method,))
        whole, slab = (damage.apply(part, scheme, np.random.default_rng(0))[0] for part in (truth, truth[:, 8:16]))
        fit = np.polyfit(slab.ravel(), whole[:, 8:16].ravel(), 1)
        assert np.abs(np.polyval(fit, slab) - whole[:, 8:16]).max() < 1e-3 * whole.std()


def test_it_is_the_pipeline_that_a_user_runs() -> None:
    """`simulate_tilts` and `wbp` on the whole volume: the same voxels without noise, with noise the same power in wedge and measured region."""
    from cellml.tomography.wedge import frequencies, measured_mask, missing_wedge

    truth, scheme = phantom(), TiltScheme(-60, 60, 4)
    method = WeightedBackprojection()
    volume = Volume(truth, (10.0,) * 3)
    theirs = standardised(wbp(simulate_tilts(volume, scheme.tilts), 40).data)
    ours = WedgeDamage(reconstruction=(method,)).apply(truth, scheme, np.random.default_rng(0))[0]
    assert np.abs(ours - theirs).max() < 2e-3
    noisy = standardised(wbp(simulate_tilts(volume, scheme.tilts, snr=1.0, support=np.ones(truth.shape, bool), seed=4), 40).data)
    damaged = WedgeDamage(reconstruction=(method,)).apply(truth, TiltScheme(-60, 60, 4, 1.0), np.random.default_rng(0))[0]
    powers = [np.abs(np.fft.rfftn(v)) ** 2 for v in (noisy, damaged)]
    kz, ky, kx = frequencies(truth.shape)
    radius = np.sqrt(kz**2 + ky**2 + kx**2)
    for mask in (measured_mask(truth.shape, scheme.tilts), missing_wedge(truth.shape, scheme.tilts, margin=1.0)):
        for low in (0.1, 0.2, 0.3, 0.4):
            chosen = mask & (radius >= low) & (radius < low + 0.1)
            assert powers[0][chosen].mean() == pytest.approx(powers[1][chosen].mean(), rel=0.15)


def test_noise_has_the_ratio_that_was_asked_for() -> None:
    truth = phantom()
    clean, noisy = (noisy_projections(truth, TiltScheme(-60, 60, 4, snr), np.random.default_rng(0)) for snr in (np.inf, 0.5))
    assert clean.var() / (noisy - clean).var() == pytest.approx(0.5, rel=0.02)


def test_schemes_are_drawn_from_their_ranges() -> None:
    damage = WedgeDamage(half_range=(45, 70), step=(2, 3), snr=(0.1, 10), noise_free=0.3, slant=5)
    drawn = [damage.draw(np.random.default_rng(n)) for n in range(300)]
    halves, snrs = np.array([(s.high - s.low) / 2 for s in drawn]), np.array([s.snr for s in drawn])
    assert 45 <= halves.min() < 47 and 68 < halves.max() <= 70 and {s.step for s in drawn} == {2.0, 3.0}
    assert np.isinf(snrs).mean() == pytest.approx(0.3, abs=0.08)
    logs = np.log10(snrs[np.isfinite(snrs)])
    assert logs.min() >= -1 and logs.max() <= 1 and logs.mean() == pytest.approx(0, abs=0.15)
    assert max(abs(s.high + s.low) / 2 for s in drawn) <= 5


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"half_range": (60, 50)}, "from and to"),
        ({"half_range": (0, 50)}, "no tilt series"),
        ({"half_range": (80, 89), "slant": 5}, "no tilt series"),
        ({"step": ()}, "no tilt series"),
        ({"snr": (0, 1)}, "above 0"),
        ({"noise_free": 2}, "noise-free"),
        ({"reconstruction": ()}, "at least one reconstruction"),
    ],
)
def test_damage_that_means_nothing_is_refused(more: dict, words: str) -> None:
    with pytest.raises(CellmlError, match=words):
        WedgeDamage(**more)
    with pytest.raises(CellmlError, match="not a tilt series"):
        _ = TiltScheme(10, -10, 2).tilts

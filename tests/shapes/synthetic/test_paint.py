"""Stain: membranes are dark and as thick as they should be, organelles have a dark inside, walls and cristae."""

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.synthetic.grid import Grid
from cellml.shapes.synthetic.look import Look
from cellml.shapes.synthetic.paint import line, paint, smooth_noise
from cellml.shapes.synthetic.scene import Scene, classes_of

GRID = Grid((12, 40, 40), (10.0, 5.0, 5.0))
PLAIN = {"grain": 0.0, "staining": 0.0, "vesicles": 0.0, "dark_share": 0.0, "cytoplasm": (0.9, 0.0)}


def two_cells(organelle: bool = False) -> Scene:
    cells = np.ones(GRID.shape, np.int32)
    cells[:, :, 20:] = 2
    organelles = np.zeros(GRID.shape, np.int32)
    if organelle:
        z, y, x = np.meshgrid(*GRID.axes(), indexing="ij")
        organelles[(z - 55) ** 2 + (y - 100) ** 2 + (x - 45) ** 2 < 40**2] = 1
    return Scene(GRID, cells, organelles, np.array([-1, 0]), ("ball",))


def test_distance_to_a_flat_membrane():
    distance = two_cells().to_membrane()
    np.testing.assert_allclose(distance[3, 7, 18:22], [7.5, 2.5, 2.5, 7.5])
    np.testing.assert_allclose(distance, np.broadcast_to(np.abs(np.arange(40) - 19.5) * 5, GRID.shape), atol=1e-4)


def test_one_cell_has_no_membrane():
    scene = Scene(GRID, np.ones(GRID.shape, np.int32), np.zeros(GRID.shape, np.int32), np.array([-1]), ())
    assert np.isinf(scene.to_membrane()).all()
    found = paint(scene, Look(**PLAIN), scene.to_membrane(), np.random.default_rng(0))
    np.testing.assert_allclose(found, 0.9, atol=1e-6)


def test_stain_of_a_membrane_is_as_thick_as_asked():
    steps = np.arange(-200, 200, 0.5, dtype=np.float32)
    assert line(np.abs(steps), 30.0).sum() * 0.5 == pytest.approx(30 * np.sqrt(np.pi) / 2, rel=1e-3)
    scene = two_cells()
    found = paint(scene, Look(membrane_nm=30.0, membrane=0.1, **PLAIN), scene.to_membrane(), np.random.default_rng(0))
    absorbed = (0.9 - found[5, 20]).sum() * 5
    assert absorbed == pytest.approx(0.8 * 30 * np.sqrt(np.pi) / 2, rel=0.01)


def test_organelles_have_a_dark_inside_and_darker_walls():
    scene = two_cells(organelle=True)
    look = Look(interior=(0.5, 0.0), envelope_nm=12.0, envelope=0.1, cristae_nm=(0.0, 0.0), **PLAIN)
    found = paint(scene, look, scene.to_membrane(), np.random.default_rng(0))
    z, y, x = np.meshgrid(*GRID.axes(), indexing="ij")
    radius = np.sqrt((z - 55) ** 2 + (y - 100) ** 2 + (x - 45) ** 2)
    assert found[radius < 20] == pytest.approx(0.5, abs=0.02)
    assert found[np.abs(radius - 40) < 3].mean() < 0.4
    assert found[(radius > 60) & (x < 60)] == pytest.approx(0.9, abs=0.02)


def test_cristae_are_dark_sheets_inside_only():
    scene = two_cells(organelle=True)
    looks = [Look(cristae_nm=period, crista=0.0, cristae_share=1.0, envelope_nm=10.0, **PLAIN) for period in ((0.0, 0.0), (25.0, 25.0))]
    plain, layered = (paint(scene, look, scene.to_membrane(), np.random.default_rng(4)) for look in looks)
    z, y, x = np.meshgrid(*GRID.axes(), indexing="ij")
    core = (z - 55) ** 2 + (y - 100) ** 2 + (x - 45) ** 2 < 22**2
    assert layered[core].std() > 0.08 > 5 * plain[core].std()
    assert layered[core].min() < 0.2 and layered[core].max() > 0.35
    assert np.abs(layered - plain)[scene.organelles == 0].max() < 0.35, "what differs outside is no more than the tail of walls"


def test_vesicles_are_rings_of_their_cell():
    scene = two_cells()
    look = Look(**{**PLAIN, "vesicles": 8000.0, "vesicle_nm": (40.0, 40.0), "vesicle": 0.0, "membrane_nm": 1.0})
    found = paint(scene, look, scene.to_membrane(), np.random.default_rng(1))
    assert found.min() < 0.25 and 0.02 < (found < 0.5).mean() < 0.6
    none = paint(scene, Look(**PLAIN), scene.to_membrane(), np.random.default_rng(1))
    assert not (none < 0.5)[:, :, :15].any()


def test_noise_is_normal_and_as_coarse_as_asked():
    scene = Scene(Grid((64, 64, 64), (2.0, 2.0, 2.0)), np.ones((64,) * 3, np.int32), np.zeros((64,) * 3, np.int32), np.array([-1]), ())
    noise = smooth_noise(scene, 6.0, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1) and abs(noise.mean()) < 0.1
    apart = 3
    assert (noise[:, :, apart:] * noise[:, :, :-apart]).mean() == pytest.approx(np.exp(-((2 * apart) ** 2) / (4 * 6**2)), abs=0.06)


def test_classes_say_what_is_painted():
    scene = two_cells(organelle=True)
    found = classes_of(scene, 20.0, scene.to_membrane())
    assert ((found == 2) == (scene.organelles == 1)).all()
    np.testing.assert_array_equal(found[0, 0, 15:25], [1, 1, 1, 0, 0, 0, 0, 1, 1, 1])


@pytest.mark.parametrize("more", [{"membrane": 1.2}, {"membrane_nm": -1.0}, {"cristae_share": -0.1}])
def test_impossible_looks_are_refused(more: dict[str, float]):
    with pytest.raises(CellmlError):
        Look(**more)

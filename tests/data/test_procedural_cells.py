from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cellml.data.procedural_cells import draw_cell, random_frame, voxelise
from cellml.data.procedural_kinds import Mitochondrion, Nucleus, Reticulum, Spine
from cellml.data.tube_graph import random_lattice_graph
from cellml.errors import CellmlError
from cellml.meshing.topology import surface_topology
from cellml.surfaces.extraction import marching_tetrahedra

KINDS = [Spine(), Reticulum(), Nucleus(), Mitochondrion()]
SHAPE, SPACING = (48, 40, 44), (7.0, 8.0, 8.0)


def genus_of(distance: np.ndarray, spacing: tuple[float, float, float]) -> tuple[int, int]:
    """Genus and number of pieces of the zero set."""
    found = surface_topology(marching_tetrahedra(distance.astype(float), spacing, (0.0, 0.0, 0.0))[1])
    assert found.manifold
    return found.components - found.euler // 2, found.components


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_a_cell_is_seeded_whole_within_its_box_and_of_its_genus(kind: Any) -> None:
    first, again, other = (voxelise(draw_cell(kind, SHAPE, SPACING, seed=seed), SHAPE, SPACING) for seed in (5, 5, 6))
    assert first.distances.tobytes() == again.distances.tobytes()
    assert (first.labels.data != other.labels.data).any()
    assert first.distances.shape == (len(first.cell.names), *SHAPE)
    for distance, genus in zip(first.distances, first.cell.genus, strict=True):
        assert genus_of(distance, SPACING) == (genus, 1)
        for axis, step in enumerate(SPACING):
            assert np.abs(np.diff(distance, axis=axis)).max() <= step * (1 + 1e-5)  # Lipschitz 1
            assert min(distance.take(0, axis).min(), distance.take(-1, axis).min()) > 0


@pytest.mark.parametrize("genus", [0, 1, 20])
def test_a_reticulum_has_the_genus_that_is_asked_for(genus: int) -> None:
    shape, spacing = (64, 64, 64), (5.0, 5.0, 5.0)
    cell = draw_cell(Reticulum(genus=(genus, genus)), shape, spacing, seed=genus)
    assert cell.genus == (0, genus)
    assert genus_of(voxelise(cell, shape, spacing).distances[1], spacing) == (genus, 1)


def test_labels_hold_the_innermost_compartment() -> None:
    made = voxelise(draw_cell(Nucleus(), SHAPE, SPACING, seed=1), SHAPE, SPACING)
    cell, nucleus, nucleolus = made.distances < 0
    assert (nucleolus <= nucleus).all()
    assert (nucleus <= cell).all()
    np.testing.assert_array_equal(made.labels.data, cell.astype(int) + nucleus + nucleolus)
    assert made.labels.names == {1: "cell", 2: "nucleus", 3: "nucleolus"}


def test_the_parts_of_a_spine_are_disjoint_and_touch() -> None:
    made = voxelise(draw_cell(Spine(), SHAPE, SPACING, seed=2), SHAPE, SPACING)
    assert ((made.distances < 0).sum(axis=0) <= 1).all()
    near = (np.abs(made.distances) < 8).any(axis=(1, 2, 3))
    assert near.all()


def test_cristae_divide_the_matrix_without_cutting_it() -> None:
    inner = [voxelise(draw_cell(Mitochondrion((n, n)), SHAPE, SPACING, seed=3), SHAPE, SPACING).distances[1] for n in (0, 4)]
    assert (inner[1] < 0).sum() < 0.85 * (inner[0] < 0).sum()
    assert genus_of(inner[1], SPACING) == (0, 1)


def test_the_same_cell_on_a_finer_grid() -> None:
    shape, spacing = (24, 26, 28), (16.0, 15.0, 14.0)
    fine_shape = tuple(2 * n - 1 for n in shape)
    fine_spacing = tuple(s / 2 for s in spacing)
    coarse = voxelise(draw_cell(Spine(), shape, spacing, seed=4), shape, spacing)
    fine = voxelise(draw_cell(Spine(), fine_shape, fine_spacing, seed=4), fine_shape, fine_spacing)
    np.testing.assert_allclose(fine.distances[:, ::2, ::2, ::2], coarse.distances, atol=1e-3)


def test_anisotropy_of_ten_to_one() -> None:
    shape, spacing = (24, 120, 30), (40.0, 4.0, 20.0)
    made = voxelise(draw_cell(Nucleus(), shape, spacing, seed=0), shape, spacing)
    assert set(np.unique(made.labels.data)) == {0, 1, 2, 3}


@pytest.mark.parametrize("loops", [0, 3, 20])
def test_a_lattice_graph_is_connected_and_has_its_loops(loops: int) -> None:
    edges = random_lattice_graph(np.random.default_rng(loops), 4, loops)
    nodes = np.unique(edges)
    assert len(edges) - len(nodes) + 1 == loops
    reached = {int(edges[0, 0])}
    for _ in range(len(nodes)):
        reached |= {int(n) for pair in edges if reached & {int(v) for v in pair} for n in pair}
    assert len(reached) == len(nodes)
    assert len({frozenset(pair.tolist()) for pair in edges}) == len(edges)


def test_random_frames_are_rotations() -> None:
    for seed in range(20):
        frame = random_frame(np.random.default_rng(seed))
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(frame) > 0


@pytest.mark.parametrize(
    ("kind", "shape", "spacing", "said"),
    [
        (Spine(), (64, 64, 8), (1.0, 1.0, 1.0), "24 voxels"),
        (Spine(), (64, 64, 64), (1.0, 0.0, 1.0), "positive size"),
        (Reticulum(genus=(0, 21)), (32, 32, 32), (1.0, 1.0, 1.0), "within 0 to 20"),
        (Mitochondrion(cristae=(3, 2)), (32, 32, 32), (1.0, 1.0, 1.0), "within 0 to 4"),
    ],
)
def test_bad_input_is_refused(kind: Any, shape: Any, spacing: Any, said: str) -> None:
    with pytest.raises(CellmlError, match=said):
        draw_cell(kind, shape, spacing)


def test_a_graph_of_too_many_loops_is_refused() -> None:
    with pytest.raises(CellmlError, match="0 to 5 loops"):
        random_lattice_graph(np.random.default_rng(0), 2, 6)

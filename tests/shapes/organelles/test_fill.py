"""Filling: nothing overlaps, the same seed gives the same cell, a full cell says so, and the verb writes what it promises."""

import json
from pathlib import Path

import numpy as np
import pytest

from cellml.cli import main
from cellml.errors import CellmlError
from cellml.io import read_labels, read_tagged_surfaces, write_labels
from cellml.shapes.organelles.count import CountModel
from cellml.shapes.organelles.distribution import Distribution, load_distribution, save_distribution
from cellml.shapes.organelles.fill import Effort, Filled, fill
from cellml.shapes.organelles.learn import Example, learn
from cellml.shapes.organelles.objects import objects_of
from cellml.shapes.organelles.outlines import centroid, is_sound, outline
from cellml.shapes.organelles.placement import UniformPlacement
from cellml.shapes.organelles.pose import body_of, random_rotations
from cellml.shapes.organelles.sources import ModelledShapes, ObservedShapes, SizeModel
from cellml.shapes.organelles.verify import find_overlaps
from cellml.surfaces import extract_surface
from cellml.types import Labels, Surface, Volume
from tests.shapes.organelles.test_harmonic import ball_host, concentric


def ellipsoid(axes: tuple[float, float, float] = (3.0, 2.0, 2.0)) -> Surface:
    grid = np.indices((9, 9, 9)) - 4.0
    field = np.sqrt(((grid / np.array(axes)[:, None, None, None]) ** 2).sum(axis=0)) - 1
    return extract_surface(Volume(field, (1.0,) * 3))


def kind(name: str, diameter: float, spread: float = 0.0, density: float = 1.0) -> Distribution:
    size = SizeModel.of_diameter(diameter, spread)
    return Distribution(name, ObservedShapes((ellipsoid(), ellipsoid((2.0, 2.0, 2.0)))), size, CountModel(density), UniformPlacement())


@pytest.fixture(scope="module")
def filled() -> Filled:
    return fill(ball_host(), [kind("large", 70.0, 0.05), kind("small", 30.0, 0.05)], {"large": 4, "small": 12}, gap_nm=10.0, seed=2)


def test_nothing_overlaps_on_the_meshes_or_the_voxels(filled: Filled):
    assert len(filled.placed) == 16 and not filled.refused and filled.overlaps.count == 0
    # The slow twin: of any two organelles, no vertex of one is within the other or nearer than the gap (less half a voxel of the grid).
    from scipy.spatial import cKDTree

    every = [p.surface for p in filled.placed]
    for k, surface in enumerate(every):
        for other in every[:k]:
            assert cKDTree(surface.vertices).query(other.vertices)[0].min() > 5
    numbers, counts = np.unique(filled.labels[filled.labels > 0], return_counts=True)
    assert numbers.tolist() == list(range(1, 17))
    volumes = np.array([p.volume for p in filled.placed])
    np.testing.assert_allclose(counts.sum() * 1000.0, volumes.sum(), rtol=0.1)
    assert filled.host.inside[filled.labels > 0].all() and not filled.host.inner[filled.labels > 0].any()


def test_sizes_are_those_that_were_drawn(filled: Filled):
    for p in filled.placed:
        assert p.surface.volume() == pytest.approx(p.volume) and p.scale == 1
        np.testing.assert_allclose(centroid(p.surface), p.centre, atol=1e-6)
    assert np.median([p.volume for p in filled.placed if p.kind == "small"]) == pytest.approx(np.pi / 6 * 30**3, rel=0.2)


def test_overlaps_are_found_where_there_are_some():
    middle = centroid(ellipsoid())
    ball = Surface(ellipsoid().vertices - middle, ellipsoid().faces, "ball")
    near, far = Surface(ball.vertices + 2.0, ball.faces, "near"), Surface(ball.vertices + 10, ball.faces, "far")
    host, inner = Surface(ball.vertices * 20, ball.faces, "host"), Surface(ball.vertices * 0.2, ball.faces, "inner")
    found = find_overlaps([ball, near], host)
    assert found.between == (("ball", "near"),) and found.crossing > 0 and found.count > 0
    assert find_overlaps([far], Surface(ball.vertices * 2, ball.faces, "host")).outside == ("far",)
    assert find_overlaps([inner], host, ball).outside == ("inner",)
    assert find_overlaps([ball, inner], host).nested == (("inner", "ball"),)
    assert find_overlaps([ball, far], host).count == 0


def test_the_same_seed_gives_the_same_cell():
    first, second = (fill(ball_host(n=24, cell=11, nucleus=4), [kind("a", 25.0)], {"a": 3}, gap_nm=5.0, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)


def test_a_full_cell_shrinks_and_then_refuses_with_reasons():
    host = ball_host(n=24, cell=11, nucleus=4)
    effort = Effort(proposals=32, redraws=0, smallest=0.8)
    crowded = fill(host, [kind("a", 60.0)], {"a": 25}, gap_nm=10.0, effort=effort, seed=0)
    assert crowded.refused and len(crowded.placed) + len(crowded.refused) == 25 and crowded.overlaps.count == 0
    assert all("down to 80% of its size" in reason for _, reason in crowded.refused)


@pytest.mark.parametrize(
    ("distributions", "counts", "words"),
    [
        ([], {}, "no kind was given"),
        ([kind("a", 30.0)], {"a": 0}, "no organelles to place"),
        ([kind("a", 30.0)], {"b": 1}, "none of the kinds a"),
        ([kind("a", 30.0)], {"a": -1}, "give 0 or more"),
        ([kind("a", 30.0), kind("a", 20.0)], {}, "same name"),
        ([kind("a", 500.0)], {"a": 1}, "more than the"),
        ([kind("a", 150.0)], {"a": 1}, "No 'a' fits into"),
        ([kind("a", 30.0)], {"a": 100000}, "ask for fewer or smaller ones"),
    ],
)
def test_what_cannot_be_filled_is_refused(distributions, counts, words):
    with pytest.raises(CellmlError, match=words):
        fill(ball_host(n=24, cell=11, nucleus=4), distributions, counts, gap_nm=5.0)


def test_rotations_are_rotations():
    turned = random_rotations(200, np.random.default_rng(0))
    np.testing.assert_allclose(np.einsum("nij,nkj->nik", turned, turned), np.broadcast_to(np.eye(3), (200, 3, 3)), atol=1e-12)
    assert np.allclose(np.linalg.det(turned), 1) and np.abs(turned.mean(axis=0)).max() < 0.15


def test_shapes_may_come_from_a_model():
    class Balls:
        def sample(self, count: int, seed: int, condition: str = "") -> np.ndarray:
            return np.random.default_rng(seed).random((count, 1))

        def decode(self, codes: np.ndarray) -> list[Surface]:
            return [Surface(ellipsoid().vertices * (1 + c[0]), ellipsoid().faces) for c in codes]

    first, second = ModelledShapes(Balls()).draw(2, 0)
    assert first.volume() != second.volume()
    body = body_of(first, 1000.0, "ball")
    assert Surface(body.vertices, body.faces).volume() == pytest.approx(1000) and 0 < body.ball < body.reach


def test_outlines_keep_volume_and_are_sound():
    mask = np.pad(np.linalg.norm(np.indices((15, 15, 15)) - 7.0, axis=0) < 6, 2)
    surface = outline(mask, (4.0, 5.0, 6.0), 300)
    assert surface.volume() == pytest.approx(mask.sum() * 120.0) and is_sound(surface) and len(surface.faces) < 4000
    with pytest.raises(CellmlError, match="no voxel"):
        outline(np.zeros((4, 4, 4), bool), (1.0,) * 3)


def instances() -> Labels:
    data = np.zeros((32, 32, 32), np.int32)
    for number, corner in enumerate(np.random.default_rng(0).permutation(27)[:14], 1):
        place = 2 + 10 * np.array(np.unravel_index(corner, (3, 3, 3)))
        data[tuple(slice(p, p + 5) for p in place)] = number
    return Labels(data, (10.0,) * 3)


def test_a_distribution_is_learned_from_labels():
    found = learn("cubes", [Example(instances())], facets=300)
    assert found.size.mean == pytest.approx(np.log(125e3)) and found.size.spread == pytest.approx(0)
    assert found.count.density == pytest.approx(14 / (320**3 / 1e9))
    assert len(found.shapes.surfaces) == 14 and isinstance(found.placement, UniformPlacement)
    objects = objects_of(instances())
    np.testing.assert_allclose(objects.balls, 25, atol=6)
    with pytest.raises(CellmlError, match="touch the border"):
        learn("cubes", [Example(Labels(instances().data[2:7, 2:7, 2:7] * 0 + 1, (10.0,) * 3))])


def test_the_verb_writes_a_cell_that_it_reads_again(tmp_path: Path, capsys):
    inside, inner, _ = concentric(30, 14, 5)
    write_labels(Labels(inside.astype(np.uint8) + inner, (10.0,) * 3, kind="semantic"), tmp_path / "cell.npz")
    save_distribution(kind("ignored", 40.0), tmp_path / "kind.npz")
    command = [
        "fill",
        f"input={tmp_path / 'cell.npz'}",
        "cell=1",
        "nucleus=2",
        f"output={tmp_path / 'filled'}",
        f"organelles={{bodies: {{examples: {tmp_path / 'kind.npz'}, count: 5, diameter_nm: 36}}}}",
    ]
    assert main(command) == 0, capsys.readouterr().err
    folder = tmp_path / "filled"
    facts = json.loads((folder / "provenance.json").read_text())
    assert facts["kinds"]["bodies"]["placed"] == 5 and facts["overlaps"]["crossing_facets"] == 0
    classes, organelles = read_labels(folder / "classes.zarr"), read_labels(folder / "organelles.zarr")
    assert classes.names == {1: "cytosol", 2: "nucleus", 3: "bodies"} and organelles.data.max() == 5
    np.testing.assert_array_equal(classes.data == 3, organelles.data > 0)
    assert [s.surface.name for s in read_tagged_surfaces(folder / "surfaces.mdl")][:2] == ["membrane", "nucleus"]
    recipe = json.loads((folder / "recipe.json").read_text())
    assert recipe["composition"]["cell"]["regions"]["interior"] == ["nucleus_compartment", {"object": "bodies", "count": 5}]
    assert (folder / recipe["objects"]["bodies"]["representations"]["mesh"]["name"]).is_file()
    assert load_distribution(folder / "bodies.npz").size == SizeModel.of_diameter(36.0, 0.0)
    assert main(command) == 2 and "not empty" in capsys.readouterr().err
    assert main([*command[:-1], "overwrite=true", "organelles={}"]) == 2
    assert main([*command[:-1], "overwrite=true", "organelles={bodies: {exmples: a}}"]) == 2 and "exmples" in capsys.readouterr().err


@pytest.mark.slow
def test_one_conforming_mesh_of_all_and_a_model_on_it(tmp_path: Path):
    from cellml.io import read_mesh
    from cellml.shapes.organelles.tetrahedra import write_tetrahedra

    cell = fill(ball_host(), [kind("bodies", 90.0)], {"bodies": 2}, gap_nm=25.0, seed=1)
    facts = write_tetrahedra(cell, tmp_path, edge_nm=None, timeout_s=300.0, model=None, tell=lambda said: None)
    volumes = read_mesh(tmp_path / "cell.vtu").region_volumes()
    assert volumes["bodies"] == pytest.approx((cell.labels > 0).sum() * 1000.0, rel=0.02)
    assert set(volumes) == {"cytosol", "nucleus", "bodies"} and facts["exports"] == ["mcell", "vcell"]
    assert (tmp_path / "vcell" / "spatial.xml").is_file() and (tmp_path / "mcell" / "geometry.mdl").is_file()

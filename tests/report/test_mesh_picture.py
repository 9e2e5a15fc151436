from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from cellml.errors import FileError
from cellml.meshing.topology import boundary_facets, edges_of
from cellml.report import mesh3d, mesh_picture
from cellml.report.cutaway import Pose, broad_side
from cellml.report.mesh3d import mesh_3d
from cellml.report.mesh_panels import panels
from cellml.report.mesh_picture import draw_mesh, mesh_figure
from cellml.report.palette import rgb
from cellml.report.picture_frame import cross_of, nice_length
from cellml.types import TetMesh

from .conftest import HOSTILE, ball


@pytest.fixture(scope="module")
def mesh() -> TetMesh:
    """A ball in a ball, with a patch on its top."""
    plain = ball(4, stretch=1.3)
    middles = plain.points[plain.tets].mean(axis=1)
    facets = boundary_facets(plain.tets)
    tags = np.where(plain.points[facets].mean(axis=1)[:, 1] > 75.0, 5, 1)
    regions = np.where(np.linalg.norm(middles, axis=1) < 55, 7, 3)
    return TetMesh(plain.points, plain.tets, regions, {3: "cytosol $", 7: HOSTILE}, facets, tags, {1: "PM", 5: "PSD"}, name=HOSTILE)


@pytest.mark.parametrize(
    ("longest", "length", "label"),
    [
        (1.0, 1.0, "1 nm"),
        (99.0, 50.0, "50 nm"),
        (999.0, 500.0, "500 nm"),
        (1000.0, 1000.0, "1 µm"),
        (4.9e3, 2000.0, "2 µm"),
        (0.3, 0.2, "0.2 nm"),
    ],
)
def test_scale_bars_have_round_lengths(longest: float, length: float, label: str) -> None:
    assert nice_length(longest) == (pytest.approx(length), label)


def test_panels_hold_membranes_regions_and_angles(mesh: TetMesh) -> None:
    membranes, regions, quality = panels(mesh, broad_side(mesh))
    assert [name for name, _ in membranes.groups.values()] == ["PM", "PSD"]
    assert len(membranes.faces) == len(boundary_facets(mesh.tets))
    assert [name for name, _ in regions.groups.values()] == ["cytosol $", HOSTILE]
    assert regions.faces is quality.faces
    assert 0 < quality.values.min() < quality.values.max() <= 70.6
    patch = mesh.points[membranes.faces[membranes.values == 1]].mean(axis=1)
    assert patch[:, 1].min() > 75.0
    assert np.array_equal(np.unique(regions.colours(), axis=0), np.unique([rgb(c) for _, c in regions.groups.values()], axis=0))
    assert quality.colours().shape == (len(quality.faces), 3)


def test_a_mesh_without_facets_has_a_surface(mesh: TetMesh) -> None:
    bare = TetMesh(mesh.points, mesh.tets, np.zeros(len(mesh.tets)))
    first, second, _ = panels(bare, broad_side(bare))
    assert [name for name, _ in first.groups.values()] == ["surface"]
    assert [name for name, _ in second.groups.values()] == ["region 0"]


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of 70 dots per inch, which are drawn faster."""
    monkeypatch.setattr(mesh_picture, "_DPI", 70)


@pytest.mark.usefixtures("coarse")
def test_the_picture_shows_every_colour(mesh: TetMesh, tmp_path: Path) -> None:
    draw_mesh(mesh, tmp_path / "a.png")
    picture = imread(tmp_path / "a.png")[..., :3]
    assert picture.shape[1] == pytest.approx(3 * 3.3 * 70, abs=2)
    hues = {"membrane": (0.765, 0.788, 0.824), "PSD": rgb("#D55E00"), "cytosol": rgb("#56B4E9"), "organelle": rgb("#E69F00")}
    pixels = picture.reshape(-1, 3)
    direction = pixels / np.maximum(np.linalg.norm(pixels, axis=1, keepdims=True), 1e-6)
    for name, colour in hues.items():
        close = direction @ (np.array(colour) / np.linalg.norm(colour)) > 0.999
        assert (close & (pixels.max(axis=1) < 0.97)).mean() > 0.003, name


@pytest.mark.usefixtures("coarse")
def test_panels_of_a_long_mesh_stand_below_each_other(mesh: TetMesh) -> None:
    long = TetMesh(mesh.points * [6.0, 1.0, 1.0], mesh.tets, mesh.regions)
    rows = [axes.get_subplotspec().get_gridspec().nrows for axes in mesh_figure(long).axes[:1]]
    assert rows == [3]
    assert mesh_figure(mesh).axes[0].get_subplotspec().get_gridspec().ncols == 3


def test_other_suffixes_are_refused(mesh: TetMesh, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"a\.gif has no suffix of a picture"):
        draw_mesh(mesh, tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


def test_the_page_stands_alone_and_escapes_names(mesh: TetMesh, tmp_path: Path) -> None:
    draw_mesh(mesh, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert "default-src 'none'" in text
    assert 'class="scene"' in text


def test_views_are_chosen_by_a_menu(mesh: TetMesh) -> None:
    figure = mesh_3d(mesh)
    buttons = figure.layout.updatemenus[0].buttons
    assert [button.label for button in buttons] == ["Regions, cut open", "Smallest dihedral angle, cut open", "Surface, by membrane"]
    assert [trace.visible for trace in figure.data] == list(buttons[0].args[0]["visible"])
    assert [sum(button.args[0]["visible"]) for button in buttons] == [3, 2, 3]
    kinds = [trace.type for trace in figure.data]
    assert kinds == ["mesh3d", "mesh3d", "scatter3d", "mesh3d", "scatter3d", "mesh3d", "mesh3d", "scatter3d"]
    drawn = panels(mesh, broad_side(mesh))
    assert sum(len(trace.i) for trace in figure.data[:2]) == len(drawn[1].faces)
    assert len(figure.data[3].intensity) == len(drawn[2].faces)
    assert len(figure.data[2].x) == 3 * len(edges_of(drawn[1].faces)[0])


def test_edges_stand_a_little_above_the_faces(mesh: TetMesh) -> None:
    edges = np.stack([np.asarray(mesh_3d(mesh).data[-1][axis], float) for axis in "xyz"], axis=1).reshape(-1, 3, 3)[:, :2]
    radius = np.linalg.norm(edges / [1.3, 1.0, 1.0], axis=2)
    assert 100.0 < radius.min()
    assert radius.max() < 101.0


def test_huge_meshes_go_without_edges(mesh: TetMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh3d, "TRIANGLES", 100)
    assert {trace.type for trace in mesh_3d(mesh).data} == {"mesh3d"}


@pytest.mark.parametrize("title", ["one line", "a name of many words " * 20, "x" * 400, "WMWM " * 60])
def test_the_header_stays_within_the_picture(mesh: TetMesh, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_picture._Canvas, "picture", lambda self, panel: np.ones((2, 2, 4)))  # drawing takes the time
    figure = mesh_figure(mesh, title)
    figure.draw_without_rendering()  # which lays it out
    box = figure._suptitle.get_window_extent()
    assert 0 <= box.x0 and box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1
    assert "".join(figure.get_suptitle().split()) == "".join(title.split())
    for axes in figure.axes[:3]:
        assert axes.get_tightbbox().y1 <= box.y0  # the panels and their titles lie below


@pytest.mark.parametrize(
    ("turned", "drawn"),
    [((0.0, 0.0), "xy"), ((24.0, 20.0), "xyz"), ((10.0, 10.0), "xy"), ((-45.0, 0.0), "yx"), ((0.0, 90.0), "xz")],
)
def test_axes_along_the_view_or_on_each_other_are_not_drawn(turned: tuple[float, float], drawn: str) -> None:
    pose = Pose(np.eye(3)[0], np.eye(3)[1], np.eye(3)[2], np.zeros(3)).turned(*turned)
    assert set(cross_of(pose)) == set(drawn)

"""The verb `view`: folders that a browser opens, the small server, and the layers of a napari viewer."""

from __future__ import annotations

import html
import json
import struct
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.io import open_image, read_labels, read_volume, write_labels, write_mesh, write_surface, write_volume
from cellml.sim.analytic import box
from cellml.types import Labels, Surface, Volume
from cellml.viewing.command import view_files
from cellml.viewing.folder import served_state
from cellml.viewing.meshes import NamedSurface, fragment, read_surfaces
from cellml.viewing.napari_window import fill_viewer
from cellml.viewing.server import make_server
from cellml.viewing.state import ViewLayer, link, viewer_state

SPACING, ORIGIN = (40.0, 10.0, 10.0), (0.0, 100.0, 200.0)


@pytest.fixture
def files(tmp_path: Path) -> SimpleNamespace:
    generator = np.random.default_rng(0)
    grey = generator.integers(0, 255, (20, 40, 70)).astype(np.uint8)
    labels = np.zeros(grey.shape, np.uint16)
    labels[3:8, 5:20, 5:30], labels[10:15, 20:35, 30:60] = 5, 9
    write_volume(Volume(grey, SPACING, ORIGIN, name="tissue"), tmp_path / "tissue.npz")
    write_labels(Labels(labels, SPACING, ORIGIN, name="cells"), tmp_path / "cells.npz")
    write_volume(Volume(generator.random(grey.shape).astype(np.float32), SPACING, ORIGIN, name="entropy"), tmp_path / "entropy.npz")
    write_mesh(box((200.0, 300.0, 400.0), (2, 2, 2)), tmp_path / "box.vtu")
    return SimpleNamespace(
        folder=tmp_path,
        image=tmp_path / "tissue.npz",
        labels=str(tmp_path / "cells.npz"),
        mesh=str(tmp_path / "box.vtu"),
        entropy=str(tmp_path / "entropy.npz"),
    )


@pytest.fixture
def view(files: SimpleNamespace) -> SimpleNamespace:
    found = view_files(
        files.image, labels=files.labels, uncertainty=[files.entropy], meshes=files.mesh, output=files.folder / "view",
        viewer="neuroglancer", url="http://127.0.0.1:9",
    )  # fmt: skip
    return SimpleNamespace(**vars(files), found=found, view=files.folder / "view")


def test_the_state_lists_the_layers_and_their_files_are_there(view: SimpleNamespace) -> None:
    state = json.loads((view.view / "state.json").read_text())
    assert [(layer["type"], layer["name"]) for layer in state["layers"]] == [
        ("image", "tissue"), ("image", "entropy"), ("segmentation", "cells"), ("segmentation", "meshes")
    ]  # fmt: skip
    sources = [source for layer in state["layers"] for source in np.atleast_1d(layer["source"])]
    for source in sources:
        kind, _, address = source.partition("://")
        path = view.view / address.removeprefix("http://127.0.0.1:9/")
        assert (path / ("zarr.json" if kind == "zarr" else "info")).is_file(), source
    assert state["dimensions"] == {"x": [1e-8, "m"], "y": [1e-8, "m"], "z": [4e-8, "m"]}
    assert state["position"] == [20 + 35, 10 + 20, 10]  # the middle, in voxels from the origin of space
    assert state["layers"][3]["segments"] == ["1"]
    address = view.found["link"]
    assert json.loads(unquote(address.partition("#!")[2])) == state
    assert "http://127.0.0.1:9" in (view.view / "README.md").read_text()


def test_labels_are_label_images_of_the_volume(view: SimpleNamespace) -> None:
    store = json.loads((view.view / "volume.zarr/labels/zarr.json").read_text())
    assert store["attributes"]["ome"]["labels"] == ["cells"]
    back = read_labels(f"{view.view / 'volume.zarr'}:labels/cells")
    np.testing.assert_array_equal(back.data, read_labels(view.labels).data)
    assert back.spacing == SPACING and back.origin == ORIGIN


def test_an_older_view_is_replaced_only_when_asked_and_nothing_else_ever(view: SimpleNamespace) -> None:
    with pytest.raises(CellmlError, match="replace it with overwrite=true"):
        view_files(view.image, output=view.view, viewer="neuroglancer")
    view_files(view.image, output=view.view, viewer="neuroglancer", overwrite=True)
    assert not (view.view / "meshes").exists()
    mine = view.folder / "mine"
    mine.mkdir()
    (mine / "notes").write_text("x")
    with pytest.raises(CellmlError, match="is no view"):
        view_files(view.image, output=mine, viewer="neuroglancer", overwrite=True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://example.org/a/view"])
def test_a_view_is_served_from_where_it_is_served_now(
    url: str, files: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not from where it was to be served when it was written."""
    folder = files.folder / "view"
    view_files(files.image, labels=files.labels, meshes=files.mesh, output=folder, viewer="neuroglancer", url=url)
    served: list[tuple[Path, int]] = []
    monkeypatch.setattr("cellml.viewing.server.serve", lambda folder, port: served.append((folder, port)))
    found = view_files(output=folder, serve=True, port=4321)
    state = json.loads(unquote(found["link"].partition("#!")[2]))
    sources = [source.partition("://")[2] for layer in state["layers"] for source in np.atleast_1d(layer["source"])]
    here = "http://127.0.0.1:4321"
    assert sources == [f"{here}/volume.zarr", f"{here}/volume.zarr/labels/cells", f"{here}/meshes", f"{here}/properties"]
    assert served == [(folder, 4321)] and found["link"] in capsys.readouterr().out


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"layers": [3]}'])
def test_a_state_that_is_none_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(CellmlError, match=r"state\.json is no state of a view"):
        view_files(output=tmp_path, serve=True)


def test_of_a_film_the_first_time_is_shown_and_that_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = np.stack([np.full((4, 5, 6), n, np.uint8) for n in (3, 9)])
    write_volume(Volume(data, SPACING, axes="TZYX", name="film"), tmp_path / "film.npz")
    view_files(tmp_path / "film.npz", output=tmp_path / "v", viewer="neuroglancer")
    assert "film has 2 times; a browser is shown the first" in caplog.text
    assert set(read_volume(tmp_path / "v/volume.zarr").data.ravel()) == {3}


def test_labels_alone_and_meshes_alone(files: SimpleNamespace) -> None:
    alone = view_files(labels=files.labels, output=files.folder / "a", viewer="neuroglancer")
    assert alone["layers"] == ["cells"] and (files.folder / "a/cells.zarr/zarr.json").is_file()
    meshes = view_files(meshes=[files.mesh, files.mesh], output=files.folder / "b", viewer="neuroglancer")
    state = json.loads((files.folder / "b/state.json").read_text())
    assert meshes["layers"] == ["meshes"] and state["layers"][0]["segments"] == ["1", "2"]
    assert state["position"] == [100.0, 150.0, 200.0]


def test_bad_input_is_refused(files: SimpleNamespace) -> None:
    with pytest.raises(CellmlError, match="There is nothing to show"):
        view_files(output=files.folder / "v")
    with pytest.raises(CellmlError, match="entropy.npz holds float32 with axes ZYX; labels are whole numbers"):
        view_files(labels=files.entropy, output=files.folder / "v", viewer="neuroglancer")
    with pytest.raises(CellmlError, match="port=0 must be a number from 1 to 65535"):
        view_files(files.image, output=files.folder / "v", port=0)
    with pytest.raises(CellmlError, match="There is no file|does not exist|There is no"):
        view_files(files.folder / "none.tif", output=files.folder / "v", viewer="neuroglancer")
    assert not (files.folder / "v").exists()


def test_triangles_survive_the_format(tmp_path: Path) -> None:
    surface = Surface(
        np.array([[0, 0, 0], [10, 0, 0], [0, 20, 0], [0, 0, 30]], float), np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    )
    content = fragment(surface)
    (count,) = struct.unpack("<I", content[:4])
    points = np.frombuffer(content[4 : 4 + 12 * count], "<f4").reshape(-1, 3)
    np.testing.assert_array_equal(points, surface.vertices)
    np.testing.assert_array_equal(np.frombuffer(content[4 + 12 * count :], "<u4").reshape(-1, 3), surface.faces)
    write_surface(surface, tmp_path / "one.ply")
    (found,) = read_surfaces(tmp_path / "one.ply")
    assert found.name == "one" and len(found.surface.faces) == 4


def test_the_surface_of_a_mesh_is_closed_and_as_large_as_the_mesh(files: SimpleNamespace) -> None:
    (found,) = read_surfaces(files.mesh)
    assert found.surface.volume() == pytest.approx(200 * 300 * 400)


def test_the_state_of_an_image_with_channels_has_a_dimension_for_them() -> None:
    layer = ViewLayer("image", "many", ("many.zarr",), channels=3)
    state = viewer_state([layer], "https://example.org/v/", spacing=(1.0, 1.0, 1.0), shape=(4, 5, 6), origin=(0.0, 0.0, 0.0))
    assert state["layers"][0]["source"] == "zarr://https://example.org/v/many.zarr" and "c'" in state["layers"][0]["localDimensions"]
    assert json.loads(unquote(link(state).partition("#!")[2])) == state


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "view").mkdir()
    (tmp_path / "view/state.json").write_text("{}")
    (tmp_path / "secret").write_text("s")
    (tmp_path / "view/out").symlink_to(tmp_path / "secret")
    with make_server(tmp_path / "view", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_servers_own_address_answers_with_the_link(view: SimpleNamespace) -> None:
    with make_server(view.view, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            here = f"http://127.0.0.1:{server.server_port}"
            with urllib.request.urlopen(f"{here}/") as answer:
                page = answer.read().decode()
                assert answer.headers["Content-Type"].startswith("text/html")
            request = urllib.request.Request(f"{here}/", method="HEAD")
            with urllib.request.urlopen(request) as answer:
                assert answer.read() == b"" and int(answer.headers["Content-Length"]) == len(page.encode())
        finally:
            server.shutdown()
            thread.join()
    assert html.unescape(page.partition('href="')[2].partition('"')[0]) == link(served_state(view.view, here))
    assert "<li>tissue</li>" in page


def test_labels_without_names_say_nothing_of_them(view: SimpleNamespace) -> None:
    store = json.loads((view.view / "volume.zarr/labels/cells/zarr.json").read_text())
    assert store["attributes"]["ome"]["image-label"] == {}


def test_the_server_lets_pages_of_other_origins_read(served: str) -> None:
    with urllib.request.urlopen(f"http://{served}/state.json") as answer:
        assert answer.read() == b"{}" and answer.headers["Access-Control-Allow-Origin"] == "*"
    connection = HTTPConnection(served)
    connection.request("OPTIONS", "/state.json", headers={"Access-Control-Request-Private-Network": "true"})
    answer = connection.getresponse()
    assert answer.status == 204 and answer.headers["Access-Control-Allow-Private-Network"] == "true"
    connection.close()


@pytest.mark.parametrize("path", ["/", "/out", "/../secret", "/%2e%2e/secret", "/none"])
def test_the_server_shows_no_folder_and_nothing_outside(path: str, served: str) -> None:
    connection = HTTPConnection(served)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 404 and b"s" != answer.read()
    connection.close()


def test_a_taken_port_is_named(served: str, tmp_path: Path) -> None:
    port = int(served.rpartition(":")[2])
    with pytest.raises(CellmlError, match=rf"Port {port} of this machine cannot be served from .*port={port + 1}"):
        make_server(tmp_path, port)


def test_without_napari_a_window_is_refused_with_the_remedy(files: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cellml.viewing.napari_window.find_spec", lambda name: None)
    with pytest.raises(CellmlError, match=r"napari is not installed \(pip install 'cellml\[annotate\]'\)"):
        view_files(files.image, output=files.folder / "v", viewer="napari")
    assert view_files(files.image, output=files.folder / "v")["viewer"] == "neuroglancer"


def filled(files: SimpleNamespace, viewer: Any) -> Any:
    with open_image(files.image) as image, open_image(files.labels, usual="labels") as labels, open_image(files.entropy) as entropy:
        surfaces = [NamedSurface("box", read_surfaces(files.mesh)[0].surface)]
        fill_viewer(viewer, image=image, labels=[("cells", labels)], uncertainty=[("entropy", entropy)], surfaces=surfaces)
    return viewer


class Recorder:
    """A viewer that remembers what it was given, for where napari is not installed."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda data, **more: self.calls.append((name, data, more))


def test_layers_stand_in_nanometres(files: SimpleNamespace) -> None:
    calls = filled(files, Recorder()).calls
    assert [name for name, _, _ in calls] == ["add_image", "add_labels", "add_image", "add_surface"]
    assert all(more["scale"] == list(SPACING) and more["translate"] == list(ORIGIN) for _, _, more in calls[:3])
    points, _ = calls[3][1]
    assert points.max(axis=0).tolist() == [400.0, 300.0, 200.0], "points are (z, y, x)"


def test_napari_takes_the_layers(files: SimpleNamespace) -> None:
    components = pytest.importorskip("napari.components", reason="needs the extra `annotate`")
    viewer = filled(files, components.ViewerModel())
    assert [layer.name for layer in viewer.layers] == ["tissue", "cells", "entropy", "box"]
    np.testing.assert_allclose(viewer.layers["cells"].extent.world[0], viewer.layers["tissue"].extent.world[0])


def test_what_no_disk_holds_is_refused_before_it_is_written(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "absurd.h5", "w") as file:  # a kilobyte that promises a petabyte
        file.create_dataset("raw", (10**5, 10**5, 10**5), "u1", chunks=(64, 64, 64), compression="gzip")
    with pytest.raises(CellmlError, match=r"absurd holds 1000\.0 TB before they are compressed, and .* are free in"):
        view_files(tmp_path / "absurd.h5", output=tmp_path / "view", spacing_nm=SPACING, viewer="neuroglancer")
    assert not (tmp_path / "view").exists()

from __future__ import annotations

import gzip
import hashlib
import io
import multiprocessing
import os
import threading
import time
from collections import Counter
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from cellml.data import sources
from cellml.data.catalogue import CATALOGUE, DataSet, RemoteFile, Route
from cellml.data.convert import apply_transforms, fingerprint, neuroproof_block, number_by_appearance
from cellml.data.download import write_npz
from cellml.data.sources import locate
from cellml.errors import CellmlError, FileError

SECTIONS = 6
NAME = "small"


def small_block() -> tuple[np.ndarray, np.ndarray]:
    """An image and supervoxels (8, 10, 12): two more sections than the data set keeps."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (8, 10, 12), dtype=np.uint8), rng.integers(1, 9, (8, 10, 12)).astype(np.uint64)


TRANSFORMS = np.array([[n, 100 + n // 2] for n in range(1, 9)], dtype=np.uint64)


def h5_bytes(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return buffer.getvalue()


def png_bytes(section: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(section).save(buffer, "PNG")
    return buffer.getvalue()


def git_layout() -> dict[str, bytes]:
    raw, stack = small_block()
    files = {f"grayscale_maps/iso.{2600 + z}.png": png_bytes(section) for z, section in enumerate(raw[:SECTIONS])}
    return {"groundtruth.h5.gz": gzip.compress(h5_bytes(stack=stack, transforms=TRANSFORMS)), **files}


def bucket_layout() -> dict[str, bytes]:
    raw, stack = small_block()
    return {"grayscale_maps.h5": h5_bytes(raw=raw), "groundtruth.h5": h5_bytes(stack=stack, transforms=TRANSFORMS)}


def route(files: dict[str, bytes], address: str, *, hashed: bool = False) -> Route:
    remote = tuple(RemoteFile(path, hashlib.sha256(content).hexdigest() if hashed else None) for path, content in files.items())
    return Route(address, remote, partial(neuroproof_block, sections=SECTIONS))


def small_entry(*routes: Route) -> DataSet:
    raw, stack = small_block()
    content = {"raw": raw[:SECTIONS], "neurons": apply_transforms(stack, TRANSFORMS)[:SECTIONS]}
    return DataSet(NAME, "small.npz", ("raw", "neurons"), "a small block", "free", "nowhere", fingerprint(content), routes, (16, 16, 16))


class Server(ThreadingHTTPServer):
    """Serves a dictionary of files; a file named in `cut` ends in the middle; counts what was asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut, self.asked, self.delay_s = files, set[str](), Counter[str](), 0.0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.server.asked[path] += 1
        time.sleep(self.server.delay_s)
        if path not in self.server.files:
            self.send_error(404)
            return
        content = self.server.files[path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if path in self.server.cut else content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serve():
    running = []

    def start(files: dict[str, bytes]) -> Server:
        server = Server(files)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CELLML_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CELLML_DATA", raising=False)
    monkeypatch.delenv("CELLML_OFFLINE", raising=False)
    return tmp_path / "cache"


def visible(folder: Path) -> list[str]:
    """Every file except the locks."""
    return sorted(path.name for path in folder.rglob("*") if path.suffix != ".lock")


def register(monkeypatch: pytest.MonkeyPatch, *routes: Route) -> None:
    monkeypatch.setitem(CATALOGUE, NAME, small_entry(*routes))


@pytest.mark.parametrize("layout", [git_layout, bucket_layout])
def test_download_is_converted_then_found_in_the_cache(layout, serve, cache, monkeypatch) -> None:
    server = serve(layout())
    register(monkeypatch, route(layout(), server.url))
    found = locate(NAME)
    assert (found.kind, found.warning, found.path) == ("download", None, cache / "small.npz")
    raw, stack = small_block()
    with np.load(found.path) as archive:
        assert np.array_equal(archive["raw"], raw[:SECTIONS])
        assert np.array_equal(archive["neurons"], 100 + stack[:SECTIONS] // 2)
        assert (archive["raw"].dtype, archive["neurons"].dtype) == (np.uint8, np.uint16)
        assert archive["voxel_nm"].tolist() == [10.0, 10.0, 10.0]
    assert visible(cache) == ["small.npz"]
    asked = server.asked.total()
    assert locate(NAME).kind == "cache"
    assert server.asked.total() == asked == len(layout())


def test_base_url_replaces_the_address_of_the_route(serve, cache, monkeypatch) -> None:
    server = serve(bucket_layout())
    register(monkeypatch, route(bucket_layout(), "http://127.0.0.1:9/nothing-here"))
    assert locate(NAME, base_url=server.url + "/").kind == "download"


def test_the_second_route_is_taken_when_the_first_fails(serve, cache, monkeypatch) -> None:
    first, second = serve({}), serve(bucket_layout())
    register(monkeypatch, route(git_layout(), first.url), route(bucket_layout(), second.url, hashed=True))
    assert locate(NAME).kind == "download"
    assert first.asked.total() == 1  # one refusal is enough


def corrupt_image(files: dict[str, bytes]) -> None:
    raw, _ = small_block()
    raw[1, 2, 3] ^= 1  # one bit of one voxel
    files["grayscale_maps.h5"] = h5_bytes(raw=raw)


def corrupt_labels(files: dict[str, bytes]) -> None:
    _, stack = small_block()
    stack[0, 0, 0] = 1 if stack[0, 0, 0] != 1 else 8
    files["groundtruth.h5"] = h5_bytes(stack=stack, transforms=TRANSFORMS)


def a_login_page(files: dict[str, bytes]) -> None:
    files.update(dict.fromkeys(files, b"<html>please log in</html>"))


@pytest.mark.parametrize("hashed", [False, True], ids=["content pinned", "files pinned"])
@pytest.mark.parametrize("corrupt", [corrupt_image, corrupt_labels, a_login_page])
def test_a_corrupted_download_is_refused_and_removed(corrupt, hashed, serve, cache, monkeypatch) -> None:
    files = bucket_layout()
    corrupt(files)
    server = serve(files)
    register(monkeypatch, route(bucket_layout(), server.url, hashed=hashed))
    with pytest.raises(FileError, match=r"could not be downloaded[\s\S]*CELLML_DATA"):
        locate(NAME, allow_phantom=False)
    assert visible(cache) == []


def test_the_refusal_names_the_array_and_both_hashes(serve, cache, monkeypatch) -> None:
    files = bucket_layout()
    corrupt_labels(files)
    register(monkeypatch, route(files, serve(files).url))
    expected = CATALOGUE[NAME].fingerprint["neurons"][:12]
    with pytest.raises(FileError, match=rf"neurons: [0-9a-f]{{12}}…, expected {expected}…"):
        locate(NAME, allow_phantom=False)


@pytest.mark.parametrize("layout", [git_layout, bucket_layout])
def test_an_interrupted_download_leaves_nothing(layout, serve, cache, monkeypatch) -> None:
    server = serve(layout())
    server.cut.add(list(layout())[-1])
    register(monkeypatch, route(layout(), server.url))
    with pytest.raises(FileError, match="could not be downloaded"):
        locate(NAME, allow_phantom=False)
    assert visible(cache) == []
    server.cut.clear()
    assert locate(NAME).kind == "download"


def test_what_a_killed_process_left_is_cleared(serve, cache, monkeypatch) -> None:
    part = cache / ".small.part"
    part.mkdir(parents=True)
    (part / "groundtruth.h5").write_bytes(b"half")
    (cache / "small.npz").write_bytes(b"PK half an archive")
    register(monkeypatch, route(bucket_layout(), serve(bucket_layout()).url))
    assert locate(NAME).kind == "download"
    assert visible(cache) == ["small.npz"]


@pytest.mark.skipif("CELLML_DATA" not in os.environ, reason="needs the real block in CELLML_DATA")
def test_the_real_block_passes_through_the_download(serve, tmp_path, monkeypatch) -> None:
    entry = CATALOGUE["fib25_train2"]
    with np.load(locate("fib25_train2").path) as archive:
        raw, neurons = archive["raw"], archive["neurons"]
    renamed = neurons.astype(np.uint16) * 7 + (neurons > 0)  # the numbers of the bodies are not pinned, the bodies are
    files = {f"grayscale_maps/iso.{2600 + z}.png": png_bytes(section) for z, section in enumerate(raw)}
    server = serve({"groundtruth.h5.gz": gzip.compress(h5_bytes(stack=renamed), 1), **files})
    monkeypatch.delenv("CELLML_DATA")
    monkeypatch.setenv("CELLML_CACHE", str(tmp_path))
    found = locate("fib25_train2", base_url=server.url, allow_phantom=False)
    with np.load(found.path) as archive:
        assert fingerprint(archive) == entry.fingerprint


def _locate_in_process(url: str, cache: str, start, results) -> None:
    os.environ["CELLML_CACHE"] = cache
    os.environ.pop("CELLML_DATA", None)
    CATALOGUE[NAME] = small_entry(route(bucket_layout(), url))
    start.wait(60)
    results.put(locate(NAME).kind)


def test_two_processes_download_once(serve, cache) -> None:
    server = serve(bucket_layout())
    server.delay_s = 0.5  # long enough for the other to come in between
    context = multiprocessing.get_context("spawn")
    results, start = context.Queue(), context.Barrier(2)
    workers = [context.Process(target=_locate_in_process, args=(server.url, str(cache), start, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    kinds = sorted(results.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join()
    assert kinds == ["cache", "download"]
    assert set(server.asked.values()) == {1}


def test_without_a_network_a_phantom_is_said_loudly_and_flagged(cache, monkeypatch, capsys) -> None:
    register(monkeypatch, route(bucket_layout(), "http://127.0.0.1:9"))
    found = locate(NAME)
    assert found.kind == "phantom"
    assert "PHANTOM, NOT REAL DATA" in found.warning
    assert "cannot be reached" in found.warning
    printed = capsys.readouterr().err
    assert "no real data" in printed
    assert "PHANTOM" in printed
    with np.load(found.path) as archive:
        assert archive["raw"].shape == archive["neurons"].shape == (16, 16, 16)
        assert bool(archive["phantom"])
    assert found.path.name != "small.npz"
    assert "phantom" in found.description


def test_a_phantom_never_becomes_the_cached_data(serve, cache, monkeypatch) -> None:
    register(monkeypatch, route(bucket_layout(), "http://127.0.0.1:9"))
    assert locate(NAME).kind == locate(NAME).kind == "phantom"
    assert locate(NAME, base_url=serve(bucket_layout()).url).kind == "download"


def test_offline_asks_no_server(serve, cache, monkeypatch) -> None:
    server = serve(bucket_layout())
    register(monkeypatch, route(bucket_layout(), server.url))
    monkeypatch.setenv("CELLML_OFFLINE", "1")
    assert "CELLML_OFFLINE" in locate(NAME).warning
    assert server.asked.total() == 0


def test_the_folder_comes_first(serve, cache, tmp_path, monkeypatch) -> None:
    server = serve(bucket_layout())
    register(monkeypatch, route(bucket_layout(), server.url))
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv("CELLML_DATA", str(folder))
    assert locate(NAME).kind == "download"  # the folder does not have it
    raw, stack = small_block()
    write_npz(folder / "small.npz", {"raw": raw, "neurons": stack})
    found = locate(NAME)
    assert (found.kind, found.path) == ("folder", folder / "small.npz")


def test_a_broken_file_in_the_folder_is_an_error_not_a_phantom(cache, tmp_path, monkeypatch) -> None:
    register(monkeypatch)
    monkeypatch.setenv("CELLML_DATA", str(tmp_path))
    whole = io.BytesIO()
    np.savez(whole, raw=np.zeros(100), neurons=np.zeros(100))
    only_raw = io.BytesIO()
    np.savez(only_raw, raw=np.zeros(3))
    for content in (b"", b"PK\x03\x04", whole.getvalue()[:200], only_raw.getvalue()):
        (tmp_path / "small.npz").write_bytes(content)
        with pytest.raises(FileError, match="broken or lacks one of the arrays raw, neurons"):
            locate(NAME)


def test_wrong_names_and_folders_are_named(cache, tmp_path, monkeypatch) -> None:
    with pytest.raises(CellmlError, match=r"'fib52'.*fib25_train2"):
        locate("fib52")
    monkeypatch.setenv("CELLML_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileError, match=r"CELLML_DATA names .*nowhere"):
        locate("fib25_train2")
    monkeypatch.delenv("CELLML_DATA")
    (tmp_path / "file").touch()
    monkeypatch.setenv("CELLML_CACHE", str(tmp_path / "file"))
    with pytest.raises(FileError, match="CELLML_CACHE"):
        locate("fib25_train2")


def test_a_data_set_without_download_or_phantom_says_where_it_comes_from(cache) -> None:
    with pytest.raises(FileError, match=r"groundtruth-drosophila-vnc[\s\S]*vnc_stack1_y000-703\.npz[\s\S]*CELLML_DATA"):
        locate("vnc_stack1")


def test_the_cache_is_the_users_unless_told(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("CELLML_CACHE", raising=False)
    assert "cellml" in str(sources.cache_folder())
    monkeypatch.setenv("CELLML_CACHE", str(tmp_path))
    assert sources.cache_folder() == tmp_path


def test_the_catalogue_pins_every_download() -> None:
    for entry in CATALOGUE.values():
        for way in entry.routes:
            assert set(entry.fingerprint) == {"raw", "neurons"}
            assert all(len(mark) == 64 and int(mark, 16) for mark in entry.fingerprint.values())
            assert way.base_url.startswith("https://")
            assert len({file.path for file in way.files}) == len(way.files)
    sections = [file.path for file in CATALOGUE["fib25_train2"].routes[0].files if file.path.endswith(".png")]
    assert (sections[0], sections[-1], len(sections)) == ("grayscale_maps/iso.2600.png", "grayscale_maps/iso.2769.png", 170)


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(FileError, match="no space is left"):
        write_npz(tmp_path / "a.npz", {"raw": np.zeros(3)})
    assert list(tmp_path.iterdir()) == []


def test_numbering_by_appearance_forgets_names_but_not_objects() -> None:
    labels = np.array([[[7, 7, 3], [0, 3, 9]]])
    assert number_by_appearance(labels).tolist() == [[[1, 1, 2], [0, 2, 3]]]
    assert np.array_equal(number_by_appearance(labels * 1000), number_by_appearance(labels))
    assert not np.array_equal(number_by_appearance(np.where(labels == 9, 3, labels)), number_by_appearance(labels))


def test_transforms_join_supervoxels_and_leave_strangers() -> None:
    stack = np.array([[[1, 2, 3, 5]]], dtype=np.uint64)
    assert apply_transforms(stack, np.array([[1, 40], [2, 40], [3, 41]])).tolist() == [[[40, 40, 41, 5]]]


def test_labels_too_large_for_uint16_are_renumbered(tmp_path) -> None:
    raw = np.zeros((2, 3, 4), dtype=np.uint8)
    stack = np.arange(24).reshape(2, 3, 4).astype(np.uint64) + 10**9
    (tmp_path / "grayscale_maps.h5").write_bytes(h5_bytes(raw=raw))
    (tmp_path / "groundtruth.h5").write_bytes(h5_bytes(stack=stack))
    (block,) = neuroproof_block(tmp_path, 2)
    assert block["neurons"].ravel().tolist() == list(range(1, 25))


def test_the_shape_of_image_and_truth_must_agree(tmp_path) -> None:
    (tmp_path / "grayscale_maps.h5").write_bytes(h5_bytes(raw=np.zeros((2, 3, 4), np.uint8)))
    (tmp_path / "groundtruth.h5").write_bytes(h5_bytes(stack=np.zeros((2, 4, 4), np.uint64)))
    with pytest.raises(FileError, match=r"\(2, 3, 4\).*\(2, 4, 4\)"):
        list(neuroproof_block(tmp_path, 2))

"""Zarr stores behind https:// and s3:// addresses, served by servers of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io import read_labels, read_volume, write_labels, write_volume
from cellml.io.remote import is_remote, locate_remote
from cellml.types import Labels, Volume


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    rng = np.random.default_rng(0)
    write_volume(
        Volume(rng.random((20, 17, 13)).astype(np.float32), (8.0, 4.0, 4.0), (1.0, 2.0, 3.0)), folder / "volume.zarr", version="0.4"
    )
    write_labels(Labels(rng.integers(0, 9, (20, 17, 13)), (8.0, 4.0, 4.0)), folder / "volume.zarr:labels/cells")
    return folder / "volume.zarr"


@pytest.fixture(scope="module")
def web(store: Path) -> Iterator[str]:
    pytest.importorskip("aiohttp", reason="https:// needs the extra `remote`")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(store.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/volume.zarr"
    server.shutdown()


def test_a_volume_on_a_web_server_is_the_volume(store: Path, web: str) -> None:
    here, there = read_volume(store), read_volume(web, region=(slice(3, 9), slice(0, 17), slice(2, 5)))
    assert np.array_equal(there.data, here.data[3:9, :, 2:5]) and there.spacing == here.spacing
    assert np.array_equal(read_labels(f"{web}:labels/cells").data, read_labels(f"{store}:labels/cells").data)
    assert read_volume(f"{web}:0").spacing == here.spacing


def test_what_is_not_there_is_named(web: str) -> None:
    with pytest.raises(FileError, match=r"no Zarr store.*at http://127"):
        read_volume(web.replace("volume.zarr", "other.zarr"))
    with pytest.raises(FileError, match="must end in .zarr"):
        read_volume(web.replace("volume.zarr", "volume.tif"))
    with pytest.raises(FileError, match="leads out of its store"):
        locate_remote("https://host/a.zarr:../b")


def test_a_volume_in_a_bucket_is_the_volume(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("s3fs", reason="s3:// needs the extra `remote`")
    server_module = pytest.importorskip("moto.server", reason="moto serves the bucket")
    import s3fs

    server = server_module.ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
        for key, value in {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(key, value)
        files = s3fs.S3FileSystem(endpoint_url=endpoint, skip_instance_cache=True)
        files.mkdir("bucket")
        files.put(str(store), "bucket/volume.zarr", recursive=True)
        assert np.array_equal(read_volume("s3://bucket/volume.zarr").data, read_volume(store).data)
        assert np.array_equal(read_labels("s3://bucket/volume.zarr:labels/cells").data, read_labels(f"{store}:labels/cells").data)
    finally:
        server.stop()


@pytest.mark.parametrize(("spec", "url", "member"), [
    ("s3://b/v.zarr", "s3://b/v.zarr", None),
    ("https://h:8080/a/v.ome.zarr/labels/x", "https://h:8080/a/v.ome.zarr", "labels/x"),
    ("HTTPS://h/v.zarr:raw/s0", "https://h/v.zarr", "raw/s0"),
])  # fmt: skip
def test_addresses(spec: str, url: str, member: str | None) -> None:
    found = locate_remote(spec)
    assert is_remote(spec) and (found.url, found.member) == (url, member) and not is_remote("/data/v.zarr")

"""Fetching a data set from its public source, all of it or nothing."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from cellml.data.catalogue import DataSet, RemoteFile, Route
from cellml.data.convert import fingerprint
from cellml.errors import FileError
from cellml.io import atomic_path

_CONNECTIONS = 8  # sections are many small files, and each costs a round trip
_TIMEOUT_S = (10.0, 60.0)  # to connect, and between two packets


def download(entry: DataSet, target: Path, *, base_url: str | None = None) -> None:
    """Fetch a data set, convert it, check its content and put it at `target`, by the first route that works.

    base_url replaces the address of every route (a mirror). Each file with a published SHA-256 is checked on arrival, and the converted
    arrays always. Nothing appears under the final name before both hold, and nothing is left behind where they do not. Raises
    FileError with the reason each route failed for; the caller holds a lock on `target`.
    """
    reasons = []
    for route in entry.routes:
        folder = target.with_name(f".{target.stem}.part")
        shutil.rmtree(folder, ignore_errors=True)  # of a process that was killed
        address = (base_url or route.base_url).rstrip("/")
        try:
            folder.mkdir(parents=True)
            _fetch_all(route, address, folder, entry.name)
            write_npz(target, _matching(entry, route, folder))
        except (FileError, OSError, ValueError) as error:  # requests' errors are OSErrors, pooch's refusal a ValueError
            reasons.append(f"{urlsplit(address).netloc}: {_reason(error)}")
        else:
            return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise FileError(f"{entry.name!r} could not be downloaded. " + "; ".join(reasons))


def _reason(error: BaseException) -> str:
    """One line; the long text of a failed connection says no more than that there was none."""
    from requests.exceptions import ConnectionError as NoConnection
    from requests.exceptions import Timeout

    if isinstance(error, Timeout):
        return f"no answer within {_TIMEOUT_S[0]:.0f} s"
    if isinstance(error, NoConnection):
        return "cannot be reached (is there a network?)"
    return (str(error) or type(error).__name__).splitlines()[0]


def _fetch_all(route: Route, address: str, folder: Path, title: str) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("files"), TimeRemainingColumn())
    pool = ThreadPoolExecutor(_CONNECTIONS)
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(f"Downloading {title}", total=len(route.files))
            _fetch(route.files[0], address, folder)  # alone: without a network this fails once, not eight times
            progress.advance(task)
            for done in as_completed([pool.submit(_fetch, file, address, folder) for file in route.files[1:]]):
                done.result()
                progress.advance(task)
    finally:
        pool.shutdown(cancel_futures=True)


def _fetch(file: RemoteFile, address: str, folder: Path) -> None:
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    place = folder / file.path
    downloader = pooch.HTTPDownloader(chunk_size=2**16, timeout=_TIMEOUT_S)
    known = None if file.sha256 is None else f"sha256:{file.sha256}"
    pooch.retrieve(f"{address}/{file.path}", known_hash=known, fname=place.name, path=place.parent, downloader=downloader)


def _matching(entry: DataSet, route: Route, folder: Path) -> Mapping[str, NDArray[Any]]:
    """The reading of the downloaded files whose content is the one that is pinned."""
    found = []
    for arrays in route.convert(folder):
        found.append(fingerprint(arrays))
        if found[-1] == entry.fingerprint:
            return arrays
    expected = entry.fingerprint
    wrong = [name for name in expected if expected[name] != found[0][name]]
    marks = ", ".join(f"{name}: {found[0][name][:12]}…, expected {expected[name][:12]}…" for name in wrong)
    raise FileError(f"refused, because the SHA-256 of the content differs from the pinned one ({marks})")


def write_npz(target: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an .npz so that the final name never holds half a file. Raises FileError where the disk is full or may not be written."""
    with atomic_path(target) as aside:
        np.savez_compressed(aside, allow_pickle=False, **arrays)

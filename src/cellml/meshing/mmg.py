"""Optimise tetrahedra with MMG, in a process of its own with a time limit."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.errors import MeshingError, MeshingTimeoutError
from cellml.meshing.topology import Index

_STOPPED = "its process was stopped"
# The command that runs the worker (-P: no module of the working folder shadows a library); the paths of its input and its output are
# appended.
WORKER = (sys.executable, "-P", "-m", "cellml.meshing.mmg_worker")


@dataclass(frozen=True, eq=False)
class Remeshed:
    """What MMG returns: points (P, 3) in nm, tets (T, 4), regions (T,), triangles (F, 3), their tags (F,), and what it took.

    interrupted: why a pass after `passes_run` was not finished, in words; empty if none was cut short.
    """

    points: NDArray[np.float64]
    tets: Index
    regions: NDArray[np.int32]
    triangles: Index
    triangle_tags: NDArray[np.int64]
    passes_run: int
    cpu_s: float
    versions: Mapping[str, str]
    interrupted: str


def remesh(arrays: Mapping[str, NDArray[Any]], passes: Sequence[Mapping[str, float]], *, timeout_s: float, allowed_s: float) -> Remeshed:
    """Run optimisation passes of MMG over a mesh.

    arrays: points, tets, regions, triangles, triangle_tags, ridges as `cellml.meshing.mmg_worker` takes them; passes: MMG's options for
    each pass, lengths in nm; timeout_s: wall-clock limit in seconds; allowed_s: the limit that the user gave, of which earlier attempts may
    have used a part. Raises MeshingError if the worker ends without a mesh, MeshingTimeoutError if it runs out of time.
    """
    with tempfile.TemporaryDirectory(prefix="cellml-mmg-") as folder:
        source, destination = Path(folder, "input.npz"), Path(folder, "output.npz")
        np.savez(source, **arrays, passes=json.dumps([dict(p) for p in passes]))  # type: ignore[arg-type]
        reason = _run(source, destination, timeout_s)
        if destination.exists():
            return _read(destination, reason)
        late = reason.startswith(_STOPPED)
        remedy = "give a larger timeout_s or a larger edge_nm" if late else "another edge_nm often helps"
        raise (MeshingTimeoutError if late else MeshingError)(
            f"MMG made no mesh of {len(arrays['tets'])} tetrahedra: {reason or 'it wrote nothing'} (timeout_s = {allowed_s:g}); {remedy}."
        )


def _run(source: Path, destination: Path, timeout_s: float) -> str:
    """Run the worker; returns why it ended before its time, in words, or nothing."""
    try:
        done = subprocess.run([*WORKER, str(source), str(destination)], capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return f"{_STOPPED} after {timeout_s:.3g} s"
    return _reason(done) if done.returncode else ""


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    last = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()][-1:]
    said = f" ({last[0]})" if last else ""
    if done.returncode < 0:
        return f"its process was ended by signal {-done.returncode}{said}"
    return f"its process ended with code {done.returncode}{said}"


def _read(path: Path, interrupted: str) -> Remeshed:
    with np.load(path, allow_pickle=False) as data:
        return Remeshed(
            points=data["points"],
            tets=data["tets"].astype(np.int64),
            regions=data["regions"].astype(np.int32),
            triangles=data["triangles"].astype(np.int64),
            triangle_tags=data["triangle_tags"].astype(np.int64),
            passes_run=int(data["passes_run"]),
            cpu_s=float(data["cpu_s"]),
            versions=json.loads(str(data["versions"])),
            interrupted=interrupted,
        )

"""What is asked of the workers of a block-wise run, and what is found out once before they begin. No torch here: the client reads this."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cellml.infer.tiles import Tile, TilePlan

Triple = tuple[int, int, int]
_METADATA = ("zarr.json", ".zgroup", ".zarray", ".zattrs")


@dataclass(frozen=True)
class Request:
    """Checkpoints and input of a run, and how the network is asked; fields as in `cellml.infer.command.infer_file`."""

    checkpoints: tuple[str, ...]
    inputs: tuple[str, ...]
    spacing_nm: tuple[float, ...] | None = None
    axes: str | None = None
    tta: int = 1
    tile: tuple[int, ...] | None = None
    halo: tuple[int, ...] | None = None
    precision: str | None = None
    device: str = "auto"
    trust: tuple[str, ...] = ()
    decode: Mapping[str, Any] | None = None

    def about_prediction(self) -> dict[str, Any]:
        """What the probabilities depend on, as plain values: weights by their content, files by what tells one from another."""
        plain = json.loads(json.dumps(asdict(self)))
        del plain["decode"], plain["device"]
        return {
            **plain,
            "checkpoints": [hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16] for path in self.checkpoints],
            "content": [fingerprint(path) for path in self.inputs],
        }


@dataclass(frozen=True)
class Frame:
    """What a worker found out of a request: the grid of the image, the tiles of the network, and how its answers become labels.

    shape: (Z, Y, X); spacing, origin: (z, y, x) in nm; channels: of the answers; read: how many of the first of them the decoder reads;
    core, halo, overlap, multiple: of the `TilePlan`; shift, scale: of the normalisation, one number a channel or one for all; precision:
    number format of the network; kind, names: of the labels; whole_sections, context, least: of the decoder
    (`cellml.segmentation.piece.PiecewiseDecoder`); decoder: in words.
    """

    shape: Triple
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    channels: int
    read: int
    core: Triple
    halo: Triple
    overlap: Triple
    multiple: Triple
    shift: tuple[float, ...]
    scale: tuple[float, ...]
    precision: str
    kind: str
    names: tuple[str, ...]
    whole_sections: bool
    context: int
    least: int
    decoder: str

    @property
    def plan(self) -> TilePlan:
        """The tiles of the network."""
        return TilePlan(self.shape, self.core, self.halo, self.overlap, self.multiple)

    def tiles(self) -> list[Tile]:
        """All tiles in the order in which their contributions are added."""
        return [tile for row in self.plan.rows() for tile in row]

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Frame:
        """From what `asdict` gave and JSON kept."""
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
        return cls(**values)


def fingerprint(spec: str) -> str:
    """What tells the content of a file or store from another without reading all of it: metadata of a store, size and time of a file."""
    from cellml.io.location import locate
    from cellml.io.remote import is_remote

    if is_remote(spec):
        return "remote"
    path = locate(spec).path
    if path.is_dir():
        parts = sorted(p for p in path.rglob("*") if p.name in _METADATA)
        told = [f"{p.relative_to(path)}:{hashlib.sha256(p.read_bytes()).hexdigest()}" for p in parts]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    if not path.exists():
        return "missing"
    about = path.stat()
    return f"{about.st_size}-{about.st_mtime_ns}"


def as_tuple(values: Sequence[Any] | None) -> tuple[Any, ...] | None:
    """A list of a configuration as a tuple; None stays None."""
    return None if values is None else tuple(values)

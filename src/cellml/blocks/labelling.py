"""From an image to a label volume: planning, prediction, decoding, stitching and renumbering, each part of which is done once."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from cellml.blocks.decoding import Decoding, Renumbering, Stitching
from cellml.blocks.engine import Run
from cellml.blocks.grid import Grid, Triple
from cellml.blocks.manifest import Manifest, digest
from cellml.blocks.network import Planning, Prediction
from cellml.blocks.request import Frame, Request
from cellml.blocks.stages import Limits, all_done, one_done
from cellml.blocks.store import noted, publish, ready_store
from cellml.io.atomic import write_json
from cellml.io.header import ImageHeader

log = logging.getLogger(__name__)
_NOTE = "cellml_blockwise"  # attribute of an output: of which question it is the answer


@dataclass(frozen=True)
class Labelling:
    """What is asked for: labels of `request` at `target`, and the probabilities at `probabilities` where that is not None.

    work: the folder that remembers; block: voxels (z, y, x); keep: whether tiles and blocks stay when the volume is full.
    """

    request: Request
    target: Path
    probabilities: Path | None
    work: Path
    block: Triple
    keep: bool = False

    def done(self, run: Run, limits: Limits) -> Labelled:
        """Do what is not done yet, and return what is known of the result."""
        frame, about = self._planned(run, limits)
        grid = Grid(frame.shape, self._block(frame))
        asked = {"prediction": about, "decoder": frame.decoder, "block": list(grid.block)}
        key, stitched = digest(asked), Manifest.of(self.work, "stitch", asked)
        full = all(noted(path, _NOTE) == key for path in (self.target, self.probabilities) if path is not None)
        seconds: dict[str, float] = {}
        if not (full and stitched.done(0)):
            seconds = self._fill(run, limits, frame, grid, asked, stitched, key)
        if not self.keep:
            for stage in ("tiles", "decode", "number"):
                for folder in self.work.glob(f"{stage}-*"):
                    shutil.rmtree(folder, ignore_errors=True)
        return Labelled(frame, grid, stitched, key, seconds)

    def _planned(self, run: Run, limits: Limits) -> tuple[Frame, dict[str, Any]]:
        about = self.request.about_prediction()
        known = [field.name for field in fields(Frame)]  # another version of the program may know other things of a plan
        plan = Manifest.of(self.work, "plan", {"prediction": about, "decode": _plain(self.request.decode), "known": known}, ".json")
        if not plan.done(0):
            found = one_done(run, "planning", Planning(self.request).prepare, limits)
            write_json(plan.path(0), asdict(found))
        frame = Frame.of(json.loads(plan.path(0).read_text(encoding="utf-8")))
        return frame, {**about, "precision": frame.precision}

    def _block(self, frame: Frame) -> Triple:
        """The block, of whole sections where the decoder needs them, and never larger than the volume."""
        z, y, x = (min(b, n) for b, n in zip(self.block, frame.shape, strict=True))
        if frame.whole_sections:
            z, y, x = max(1, z * y * x // (frame.shape[1] * frame.shape[2])), frame.shape[1], frame.shape[2]
        return (z, y, x)

    def _fill(
        self, run: Run, limits: Limits, frame: Frame, grid: Grid, asked: Mapping[str, Any], stitched: Manifest, key: str
    ) -> dict[str, float]:
        """Compute the volume; returns the seconds of each stage in this run."""
        wanted = self.probabilities is not None and noted(self.probabilities, _NOTE) != key
        channels = frame.channels if wanted else frame.read
        tiles = Manifest.of(self.work, "tiles", {**asked["prediction"], "channels": channels}, ".npy")
        stores = {"pieces": _header(frame, "pieces", np.uint32)} | ({"answers": _channels(frame)} if wanted else {})
        decoded = _with_stores(self.work, "decode", {**asked, "probabilities": wanted}, stores, grid, key)
        pieces, answers = decoded.folder / "pieces.zarr", decoded.folder / "answers.zarr" if wanted else None
        blocks = range(len(grid))
        seconds = {}
        waiting = decoded.waiting(blocks)
        predict = Prediction(self.request, frame, channels, tiles).prepare
        needed = tiles.waiting(range(len(frame.tiles()))) if waiting else []
        seconds["predict"] = all_done(run, "predicting", predict, needed, limits)
        decode = Decoding(self.request, frame, channels, grid, tiles, decoded, pieces, answers).prepare
        seconds["decode"] = all_done(run, "decoding", decode, waiting, limits)
        if not stitched.done(0):
            seconds["objects"] = one_done(run, "stitching", Stitching(frame, grid, decoded, stitched).prepare, limits)
        kind = np.uint32 if frame.kind == "instance" else np.uint8
        numbered = _with_stores(self.work, "number", asked, {"labels": _header(frame, "labels", kind)}, grid, key)
        labels = numbered.folder / "labels.zarr"
        number = Renumbering(grid, pieces, stitched, numbered, labels).prepare
        seconds["number"] = all_done(run, "numbering", number, numbered.waiting(blocks), limits)
        for full, target in ((labels, self.target), (answers, self.probabilities)):
            if full is not None and target is not None:
                publish(full, target)
        return seconds


@dataclass(frozen=True)
class Labelled:
    """A full label volume. frame, grid: of it; stitched: manifest with its objects; key: stands for the question; seconds: of stages."""

    frame: Frame
    grid: Grid
    stitched: Manifest
    key: str
    seconds: dict[str, float]


def _with_stores(work: Path, stage: str, asked: Mapping[str, Any], stores: Mapping[str, ImageHeader], grid: Grid, key: str) -> Manifest:
    """The manifest of a stage whose parts are written to stores; begun anew where a store is gone, with what it said was in it."""
    manifest = Manifest.of(work, stage, asked)
    if not all((manifest.folder / f"{name}.zarr").is_dir() for name in stores):
        shutil.rmtree(manifest.folder)
        manifest = Manifest.of(work, stage, asked)
    for name, header in stores.items():
        ready_store(manifest.folder / f"{name}.zarr", header, grid.block, {_NOTE: key})
    return manifest


def _header(frame: Frame, name: str, kind: Any) -> ImageHeader:
    names = dict(enumerate(frame.names)) if frame.kind == "semantic" else {}
    return ImageHeader(frame.shape, np.dtype(kind), "ZYX", frame.spacing, frame.origin, name=name, kind=frame.kind, names=names)


def _channels(frame: Frame) -> ImageHeader:
    names = frame.names if len(frame.names) == frame.channels else ()
    shape = (frame.channels, *frame.shape)
    return ImageHeader(shape, np.dtype(np.float32), "CZYX", frame.spacing, frame.origin, channels=names, name="probabilities")


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))

"""From an image to a label volume: planning, prediction, decoding, stitching and renumbering, each part of which is done once."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
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
        return Labelled(frame, grid, stitched, key, seconds)

    def _planned(self, run: Run, limits: Limits) -> tuple[Frame, dict[str, Any]]:
        about = self.request.about_prediction()
        plan = Manifest.of(self.work, "plan", {"prediction": about, "decode": _plain(self.request.decode)}, ".json")
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
        tiles = Manifest.of(self.work, "tiles", asked["prediction"], ".npy")
        decoded = Manifest.of(self.work, "decode", {**asked, "probabilities": self.probabilities is not None})
        numbered = Manifest.of(self.work, "number", asked)
        pieces = ready_store(decoded.folder / "pieces.zarr", _header(frame, "pieces", np.uint32), grid.block)
        answers = None
        if self.probabilities is not None:
            answers = ready_store(decoded.folder / "answers.zarr", _channels(frame), grid.block, {_NOTE: key})
        blocks = range(len(grid))
        seconds = {}
        waiting = decoded.waiting(blocks)
        predict = Prediction(self.request, frame, tiles).prepare
        needed = tiles.waiting(range(len(frame.tiles()))) if waiting else []
        seconds["predict"] = all_done(run, "predicting", predict, needed, limits)
        decode = Decoding(self.request, frame, grid, tiles, decoded, pieces, answers).prepare
        seconds["decode"] = all_done(run, "decoding", decode, waiting, limits)
        if not stitched.done(0):
            seconds["objects"] = one_done(run, "stitching", Stitching(frame, grid, decoded, stitched).prepare, limits)
        kind = np.uint32 if frame.kind == "instance" else np.uint8
        labels = ready_store(numbered.folder / "labels.zarr", _header(frame, "labels", kind), grid.block, {_NOTE: key})
        number = Renumbering(grid, pieces, stitched, numbered, labels).prepare
        seconds["number"] = all_done(run, "numbering", number, numbered.waiting(blocks), limits)
        for full, target in ((answers, self.probabilities), (labels, self.target)):
            if full is not None and target is not None:
                publish(full, target)
        if not self.keep:
            for manifest in (tiles, decoded, numbered):
                shutil.rmtree(manifest.folder, ignore_errors=True)
        return seconds


@dataclass(frozen=True)
class Labelled:
    """A full label volume. frame, grid: of it; stitched: manifest with its objects; key: stands for the question; seconds: of stages."""

    frame: Frame
    grid: Grid
    stitched: Manifest
    key: str
    seconds: dict[str, float]


def _header(frame: Frame, name: str, kind: Any) -> ImageHeader:
    names = dict(enumerate(frame.names)) if frame.kind == "semantic" else {}
    return ImageHeader(frame.shape, np.dtype(kind), "ZYX", frame.spacing, frame.origin, name=name, kind=frame.kind, names=names)


def _channels(frame: Frame) -> ImageHeader:
    names = frame.names if len(frame.names) == frame.channels else ()
    shape = (frame.channels, *frame.shape)
    return ImageHeader(shape, np.dtype(np.float32), "CZYX", frame.spacing, frame.origin, channels=names, name="probabilities")


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))

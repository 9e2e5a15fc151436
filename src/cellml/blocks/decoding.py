"""Labels of blocks, and their numbers in the whole volume: the jobs between probabilities and a label volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellml.blocks.blended import BlendedTiles
from cellml.blocks.grid import Grid, grown
from cellml.blocks.manifest import Manifest
from cellml.blocks.network import decoder_of
from cellml.blocks.request import Frame, Request
from cellml.blocks.stitch import Stitched, remembered, renumbered, stitch
from cellml.blocks.store import read_part, write_durably


@dataclass(frozen=True)
class Decoding:
    """The labels of each block by itself. channels: how many the tiles hold; tiles: manifest of the prediction; manifest: of this; pieces:
    the store of the blocks' labels; probabilities: the store of probabilities (C, Z, Y, X), None where they are not wanted.
    """

    request: Request
    frame: Frame
    channels: int
    grid: Grid
    tiles: Manifest
    manifest: Manifest
    pieces: Path
    probabilities: Path | None = None

    def prepare(self) -> Callable[[int, int], int]:
        """What a worker calls with the number of a block; returns how many labels it found."""
        from cellml.infer.members import load_members

        members = load_members(list(self.request.checkpoints), self.request.trust)
        decoder, target = decoder_of(members, self.request), members.task.target
        blended = BlendedTiles(self.frame, self.channels, self.frame.tiles(), self.tiles)

        def work(job: int, attempt: int) -> int:
            if self.manifest.done(job):
                return 0
            region = self.grid.region(job)
            outer, inner = grown(region, self.frame.context, self.frame.shape)
            probabilities = blended.read(outer)
            if self.probabilities is not None:
                write_durably(self.probabilities, (slice(0, self.channels), *region), probabilities[(slice(None), *inner)])
            piece = decoder.piece(*target.pairs(probabilities[: self.frame.read]), inner)
            del probabilities
            write_durably(self.pieces, region, piece.labels)
            facts = remembered(piece, region, self.grid)
            self.manifest.commit_arrays(job, facts)
            return len(facts["sizes"])

        return work


@dataclass(frozen=True)
class Stitching:
    """The one job that joins the labels of all blocks. pieces: manifest of `Decoding`; manifest: of this, which has one part."""

    frame: Frame
    grid: Grid
    pieces: Manifest
    manifest: Manifest

    def prepare(self) -> Callable[[int, int], int]:
        """What a worker calls; returns how many objects there are."""

        def work(job: int, attempt: int) -> int:
            found = stitch(self.grid, self.pieces.read, self.frame.least)
            self.manifest.commit_arrays(job, {name: getattr(found, name) for name in Stitched.__dataclass_fields__})
            return len(found.voxels)

        return work


@dataclass(frozen=True)
class Renumbering:
    """Each block's labels by their numbers in the whole, written to the final store. stitched: manifest of `Stitching`."""

    grid: Grid
    pieces: Path
    stitched: Manifest
    manifest: Manifest
    labels: Path

    def prepare(self) -> Callable[[int, int], int]:
        """What a worker calls with the number of a block."""
        import zarr

        found = self.stitched.read(0)
        offsets, numbers = found["offsets"], found["numbers"]
        kind: Any = zarr.open_array(self.labels / "0", mode="r").dtype

        def work(job: int, attempt: int) -> int:
            if self.manifest.done(job):
                return 0
            region = self.grid.region(job)
            labels = renumbered(read_part(self.pieces, region), numbers[offsets[job] : offsets[job + 1]])
            write_durably(self.labels, region, labels.astype(kind))
            self.manifest.commit_arrays(job, {"labels": np.array(len(np.unique(labels)))})
            return 0

        return work

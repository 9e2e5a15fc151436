"""The network of a block-wise run inside a worker: loaded once, asked tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.blocks.manifest import Manifest
from cellml.blocks.request import Frame, Request
from cellml.errors import CellmlError


@dataclass(frozen=True, eq=False)
class Opened:
    """members: of `load_members`; net, activation: what `SlidingWindow.contribution` takes; window: how; image: the opened input."""

    members: Any
    net: Any
    activation: Callable[[Any], Any]
    window: Any
    image: Any


def opened(request: Request) -> Opened:
    """Load what a request names, once a process. Raises CellmlError and ContractError where its parts do not go together."""
    from cellml.checkpoint import require_match
    from cellml.infer.command import fitted_window
    from cellml.infer.device import choose_device
    from cellml.infer.members import load_members, make_committee
    from cellml.infer.opened import open_input

    members = load_members(list(request.checkpoints), request.trust)
    _require_labels(members, request)
    place = choose_device(request.device)
    task = members.task.to(place)
    window = fitted_window(task.window, place, tile=request.tile, halo=request.halo, precision=request.precision)
    alone = len(members.nets) * request.tta == 1
    net = members.nets[0] if alone else make_committee(members, tta=request.tta, dropout_passes=0, seed=0, entropies=False).to(place)
    image = open_input(list(request.inputs), request.spacing_nm, request.axes)
    name = " + ".join(request.inputs)
    if "T" in image.axes:
        raise CellmlError(
            f"{name} has a time axis ({image.axes}); blockwise takes one volume. Use cellml infer, or write its frames apart."
        )
    require_match(members.contract, spacing_nm=image.spacing, channels=len(image.channels) or 1, name=name)
    return Opened(members, net.eval(), task.target.activation if alone else _as_it_is, window, image)


def decoder_of(members: Any, request: Request) -> Any:
    """The decoder as one that can be taken apart into blocks. Raises CellmlError, naming those that can, where it cannot."""
    from hydra.utils import instantiate

    from cellml.segmentation.class_decoder import MostProbable

    kind, decoder = members.task.target.kind, members.task.decoder
    if request.decode is not None:
        if kind != "instance":
            raise CellmlError(f"decode makes objects of affinities, but {request.checkpoints[0]} predicts classes; leave it out.")
        decoder = instantiate(dict(request.decode), _convert_="all")
    if decoder is None:
        return MostProbable()
    if not hasattr(decoder, "piece"):
        raise CellmlError(
            f"{type(decoder).__name__} weighs all contacts of a volume against each other, so that its objects cannot be found block by "
            "block. Choose decode=components (any volume), decode=section_watershed or decode=section_dynamics (sections that stand for "
            "themselves), with parameters chosen on validation data, or decode a volume that fits into memory with cellml infer."
        )
    return decoder


@dataclass(frozen=True)
class Planning:
    """The first job of a run: what its `Frame` is."""

    request: Request

    def prepare(self) -> Callable[[Any, int], Frame]:
        """What a worker calls; the job is not looked at."""
        found = opened(self.request)
        return lambda job, attempt: self._planned(found)

    def _planned(self, found: Opened) -> Frame:
        from cellml.data.normalisation import Normalisation
        from cellml.infer.context import warn_of_small_tiles

        image, task = found.image, found.members.task
        decoder = decoder_of(found.members, self.request)
        z, y, x = image.shape[-3:]
        plan = found.window.plan(found.net, (z, y, x))
        warn_of_small_tiles(found.window, found.net, (z, y, x))
        numbers = Normalisation.measure(image, method=found.members.contract["normalisation"], name=" + ".join(self.request.inputs))
        return Frame(
            plan.shape, image.spacing, image.origin, task.target.channels, _read_by(decoder, task.target), plan.core, plan.halo,
            plan.overlap, plan.multiple,
            tuple(np.ravel(numbers.shift).tolist()), tuple(np.ravel(numbers.scale).tolist()), found.window.precision, task.target.kind,
            tuple(found.members.record.get("labels") or ()), bool(decoder.whole_sections), int(decoder.context), int(decoder.least),
            repr(decoder),
        )  # fmt: skip


@dataclass(frozen=True)
class Prediction:
    """The jobs of prediction: what each tile contributes, as a file of its own. channels: how many of the first are kept."""

    request: Request
    frame: Frame
    channels: int
    manifest: Manifest

    def prepare(self) -> Callable[[int, int], int]:
        """What a worker calls with the number of a tile; returns voxels that it computed."""
        from cellml.data.normalisation import Normalisation

        found, frame = opened(self.request), self.frame
        window = replace(found.window, precision=frame.precision)
        tiles, plan = frame.tiles(), frame.plan
        shift, scale = (_by_channel(values) for values in (frame.shift, frame.scale))
        numbers = Normalisation(shift, scale, " + ".join(self.request.inputs))

        def work(job: int, attempt: int) -> int:
            if self.manifest.done(job):  # by a process that died before it could say so
                return 0
            tile = tiles[job]
            part = window.contribution(
                found.net, lambda region: numbers.apply(found.image.read(region)), plan, tile, activation=found.activation
            )
            self.manifest.commit(job, lambda aside: _save(aside, part[: self.channels].numpy()))
            return int(np.prod([s.stop - s.start for s in tile.read]))

        return work


def _read_by(decoder: Any, target: Any) -> int:
    """How many of the first answers of a network a decoder reads."""
    from cellml.tasks.targets import AffinityTarget

    channels = int(target.channels)
    return min(channels, decoder.leading or channels) if isinstance(target, AffinityTarget) else channels


def _save(path: Path, array: NDArray[np.float32]) -> None:
    whole = np.ascontiguousarray(array)
    with path.open("wb") as stream:  # np.save would write past the stream, and not say that a disk is full
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(whole))
        stream.write(whole.data)


def _by_channel(values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(values, np.float32).reshape(-1, 1, 1, 1)


def _as_it_is(values: Any) -> Any:
    """A committee answers with probabilities."""
    return values


def _require_labels(members: Any, request: Request) -> None:
    kind = members.task.target.kind
    if kind not in ("instance", "semantic") or members.contract.get("planes_as_channels"):
        raise CellmlError(
            f"{request.checkpoints[0]} predicts {kind}, and blockwise predicts the labels of volumes: give a checkpoint of affinities, "
            "boundaries or classes, or use cellml infer."
        )

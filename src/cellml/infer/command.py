"""The verb `infer`: a checkpoint and a volume in, labels (and probabilities) out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

log = logging.getLogger(__name__)

# Probabilities larger than this wait for the decoder in a file beside the output instead of in memory.
_IN_MEMORY_BYTES = 4e9


def infer_file(
    checkpoint: str,
    input: str,
    output: str,
    probabilities: bool = False,
    spacing_nm: Sequence[float] | None = None,
    axes: str | None = None,
    tile: Sequence[int] | None = None,
    halo: Sequence[int] | None = None,
    precision: str | None = None,
    device: str = "auto",
    trust: Sequence[str] = (),
    threads: int | None = None,
    decode: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Predict a volume with a checkpoint and write instances (affinity and boundary models) or classes.

    input: a volume, `FILE.npz:NAME`, `FILE.h5:/dataset` or a known data set's name; output: where the labels go, the suffix chooses the
    format; probabilities: also write `<output stem>_probabilities` in the same format; spacing_nm: (z, y, x) where the file does not say;
    tile, halo: voxels (z, y, x) instead of the checkpoint's; device: auto, cpu or cuda; trust: module prefixes that the checkpoint may
    build classes from. decode: another decoder than the checkpoint's, as `_target_` and arguments. A time axis is kept, frame by frame.
    Returns seconds and voxels of each part. Raises CellmlError where input and checkpoint disagree.
    """
    from hydra.utils import instantiate

    from cellml.checkpoint import load, require_match
    from cellml.data.references import resolve
    from cellml.infer.device import choose_device, choose_precision, set_threads
    from cellml.io import open_image
    from cellml.io.overlap import require_apart

    require_apart(output, resolve(input, "image")[0], checkpoint)
    _require_target(output)
    if precision not in (None, "float32", "bfloat16"):
        raise CellmlError(f"precision={precision} is unknown; use float32 or bfloat16, or leave it out for what the hardware is fast at.")
    set_threads(threads)
    model = load(checkpoint, trust=trust, task="SegmentationTask")
    place = choose_device(device)
    task = model.task.to(place)
    window = replace(task.window, precision=precision or choose_precision(place))
    window = replace(window, **{k: tuple(v) for k, v in (("tile", tile), ("halo", halo)) if v is not None})
    if decode is not None:
        if task.target.kind == "semantic":
            raise CellmlError(f"decode makes objects of affinities, but {checkpoint} predicts classes; leave it out.")
        task.decoder = instantiate(dict(decode), _convert_="all")
    reference, warning = resolve(input, "image")
    if warning:
        log.warning(warning)
    with open_image(reference, spacing_nm=spacing_nm, axes=axes) as image:
        channels = len(image.channels) or 1
        require_match(model.contract, spacing_nm=image.spacing, channels=channels, name=input)
        return _predict(
            task, window, image, input, output, probabilities, model.contract["normalisation"], model.record.get("labels") or []
        )


def _predict(
    task: Any, window: Any, image: Any, name: str, output: str, keep: bool, normalisation: str, classes: Sequence[str]
) -> dict[str, Any]:
    from cellml.data.normalisation import Normalisation
    from cellml.io import create_array

    shape, timed = tuple(image.shape[-3:]), "T" in image.axes
    frames = image.frames
    common = {"spacing": image.spacing, "origin": image.origin}
    kind, names = task.target.kind, dict(enumerate(classes))
    seconds = {"network": 0.0, "total": 0.0}
    begin = time.perf_counter()
    with ExitStack() as stack:
        lead, axes = ((frames,), "TZYX") if timed else ((), "ZYX")
        labels = stack.enter_context(
            create_array(
                output,
                shape=(*lead, *shape),
                dtype=np.uint32 if kind == "instance" else np.uint8,
                axes=axes,
                kind=kind,
                names=names,
                name="labels",
                **common,
            )
        )
        kept = None
        if keep:
            where, kaxes = _beside(output, "_probabilities"), "TCZYX" if timed else "CZYX"
            kept = stack.enter_context(
                create_array(
                    where, shape=(*lead, task.target.channels, *shape), dtype=np.float32, axes=kaxes, name="probabilities", **common
                )
            )
        for frame in range(frames):
            numbers = Normalisation.measure(image, method=normalisation, frame=frame if timed else None, name=name)

            def read(region: Any, frame: int = frame, numbers: Any = numbers) -> NDArray[np.float32]:
                return numbers.apply(image.read(region, frame=frame) if timed else image.read(region))

            _one_frame(task, window, read, shape, _Target(labels, kept, frame if timed else None), seconds, Path(output).parent)
    seconds["total"] = time.perf_counter() - begin
    voxels = int(np.prod(shape)) * frames
    log.info("%s: %d voxels in %.1f s (%.2f Mvoxel/s)", output, voxels, seconds["total"], voxels / seconds["total"] / 1e6)
    return {"output": output, "voxels": voxels, **seconds}


class _Target:
    """Where one frame's results go."""

    def __init__(self, labels: Any, probabilities: Any, frame: int | None) -> None:
        self.labels, self.probabilities, self.lead = labels, probabilities, () if frame is None else (slice(frame, frame + 1),)

    def write_labels(self, z: slice, block: NDArray[Any]) -> None:
        self._write(self.labels, (z,), block)

    def write_probabilities(self, z: slice, block: NDArray[np.float32]) -> None:
        if self.probabilities is not None:
            self._write(self.probabilities, (slice(0, block.shape[0]), z), block)

    def _write(self, sink: Any, index: tuple[slice, ...], block: NDArray[Any]) -> None:
        rest = tuple(slice(0, n) for n in block.shape[-2:])
        sink.write((*self.lead, *index, *rest), block[None] if self.lead else block)


def _one_frame(
    task: Any,
    window: Any,
    read: Callable[[Any], NDArray[np.float32]],
    shape: tuple[int, ...],
    target: _Target,
    seconds: dict[str, float],
    folder: Path,
) -> None:
    from cellml.infer.progress import tile_progress

    begin = time.perf_counter()
    with _waiting_room(task, shape, folder) as held, tile_progress(sum(len(row) for row in window.plan(task.net, shape).rows())) as advance:
        for z, block in window.slabs(task.net, read, shape, activation=task.target.activation, on_tile=advance):
            target.write_probabilities(z, block)
            if held is None:
                target.write_labels(z, task.decode(block).astype(np.uint8))
            else:
                held[:, z] = block
        seconds["network"] += time.perf_counter() - begin
        if held is not None:
            target.write_labels(slice(0, shape[0]), task.decode(held).astype(np.uint32))


@contextmanager
def _waiting_room(task: Any, shape: tuple[int, ...], folder: Path) -> Iterator[NDArray[np.float32] | None]:
    """Room for the probabilities of a whole frame until they are decoded; None for classes, which need none."""
    import tempfile

    if task.decoder is None:
        yield None
        return
    size = (task.target.channels, *shape)
    if 4 * np.prod(size, dtype=float) <= _IN_MEMORY_BYTES:
        yield np.empty(size, np.float32)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".probabilities-") as stream:
        yield np.memmap(stream.name, dtype=np.float32, mode="w+", shape=size)


def _beside(output: str, suffix: str) -> str:
    """`out.tif` → `out_probabilities.tif`; an array inside a file gets a file of its own, a folder of slices a folder."""
    from cellml.io.location import locate

    path = locate(output).path
    stem, dot, ending = path.name.partition(".")
    return str(path.with_name(f"{stem}{suffix}{dot}{ending}")) + ("/" if output.endswith("/") else "")


def _require_target(output: str) -> None:
    from cellml.io.location import locate

    if "." not in locate(output).path.name and not output.endswith("/"):
        raise CellmlError(
            f"output={output} has no suffix, so the format is unknown; use for example {output}.tif, .npz, .h5, .mrc, .nii.gz or .ome.zarr."
        )

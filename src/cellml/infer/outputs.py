"""Where the results of inference go: one file for each kind, written slab by slab, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

UNCERTAINTIES = ("variance", "entropy", "mutual_information")


@dataclass(frozen=True)
class Frame:
    """The grid of what is written: shape (Z, Y, X), spacing and origin (z, y, x) in nm, frames of a time axis (None without one)."""

    shape: tuple[int, int, int]
    spacing: Sequence[float]
    origin: Sequence[float]
    frames: int | None = None


@dataclass
class Outputs:
    """Open files by name: labels, probabilities, variance, entropy, mutual_information, and samples by number. `frame` is written to."""

    sinks: dict[str, Any]
    samples: list[Any] = field(default_factory=list)
    frame: int | None = None

    def write(self, name: str, z: slice, block: NDArray[Any]) -> None:
        """Write a slab (n, Y, X), or (K, n, Y, X) of probabilities, if this output was asked for."""
        if name in self.sinks:
            self._write(self.sinks[name], z, block)

    def write_sample(self, number: int, z: slice, block: NDArray[Any]) -> None:
        """Write a slab of a drawn label volume."""
        self._write(self.samples[number], z, block)

    def _write(self, sink: Any, z: slice, block: NDArray[Any]) -> None:
        rest = tuple(slice(0, n) for n in block.shape[-2:])
        index = (slice(0, block.shape[0]), z, *rest) if block.ndim == 4 else (z, *rest)
        lead = () if self.frame is None else (slice(self.frame, self.frame + 1),)
        sink.write((*lead, *index), block[None] if lead else block)


def open_outputs(
    stack: ExitStack,
    output: str,
    frame: Frame,
    *,
    kind: str,
    names: Mapping[int, str],
    channels: int,
    probabilities: bool,
    uncertainty: bool,
    samples: int,
) -> Outputs:
    """Open all files beside `output`; each appears when the stack closes without an error.

    kind: "instance" (uint32 labels) or "semantic" (uint8), names: of the classes; channels: of the probabilities.
    """
    from cellml.io import create_array

    lead, axes = ((frame.frames,), "T") if frame.frames is not None else ((), "")
    named = tuple(names.values()) if len(names) == channels else ()
    common: dict[str, Any] = {"spacing": frame.spacing, "origin": frame.origin}

    def labels(path: str) -> Any:
        dtype = np.uint32 if kind == "instance" else np.uint8
        return stack.enter_context(
            create_array(path, shape=(*lead, *frame.shape), dtype=dtype, axes=axes + "ZYX", kind=kind, names=names, name="labels", **common)
        )

    def floats(name: str, *more: int) -> Any:
        shape, letters = (*lead, *more, *frame.shape), axes + ("CZYX" if more else "ZYX")
        path = beside(output, f"_{name}")
        return stack.enter_context(
            create_array(path, shape=shape, dtype=np.float32, axes=letters, channels=named if more else (), name=name, **common)
        )

    sinks = {"labels": labels(output)}
    if probabilities:
        sinks["probabilities"] = floats("probabilities", channels)
    if uncertainty:
        sinks |= {name: floats(name) for name in UNCERTAINTIES}
    return Outputs(sinks, [labels(sample_path(output, number)) for number in range(samples)])


def sample_path(output: str, number: int) -> str:
    """`out.tif` → `out_sample_000.tif`."""
    return beside(output, f"_sample_{number:03d}")


def beside(output: str, suffix: str) -> str:
    """`out.tif` → `out_probabilities.tif`; an array inside a file gets a file of its own, a folder of slices a folder."""
    from cellml.io.location import locate

    path = locate(output).path
    stem, dot, ending = path.name.partition(".")
    return str(path.with_name(f"{stem}{suffix}{dot}{ending}")) + ("/" if output.endswith("/") else "")


def require_target(output: str) -> None:
    """Raise CellmlError for an output without a suffix, whose format is unknown."""
    from cellml.io.location import locate

    if "." not in locate(output).path.name and not output.endswith("/"):
        raise CellmlError(
            f"output={output} has no suffix, so the format is unknown; use for example {output}.tif, .npz, .h5, .mrc, .nii.gz or .ome.zarr."
        )

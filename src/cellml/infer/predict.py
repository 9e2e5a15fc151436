"""Sliding-window prediction in bounded memory: tiles in, finished z-slabs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.infer.tiles import Region, Tile, TilePlan, Weights, plan_tiles

ReadRegion = Callable[[Region], NDArray[np.float32]]
Activation = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class SlidingWindow:
    """How to predict: tile, halo and overlap in (z, y, x) voxels, and the number format of the network.

    halo: context that is read and thrown away, null for the network's whole field of view; overlap: width on each side that is blended;
    precision: "float32" or "bfloat16" (losses, blending and outputs stay float32). Larger tiles waste less on halos and cost memory.
    """

    tile: Sequence[int] = (160, 160, 160)
    halo: Sequence[int] | None = (16, 16, 16)
    overlap: Sequence[int] = (4, 4, 4)
    precision: str = "float32"

    def plan(self, net: nn.Module, shape: Sequence[int]) -> TilePlan:
        """The tiles for a volume of shape (Z, Y, X); `net` may say its `halo` and `multiple`, as cellml's networks do.

        A committee also says by how much it shifts its channels (`shift`), which is context on top of any halo.
        """
        multiple = getattr(net, "multiple", (1, 1, 1))
        field = getattr(net, "halo", (32, 32, 32))
        halo = field if self.halo is None else [min(h, f) for h, f in zip(self.halo, field, strict=True)]
        halo = [h + s for h, s in zip(halo, getattr(net, "shift", (0, 0, 0)), strict=True)]
        return plan_tiles(shape, tile=self.tile, halo=halo, overlap=self.overlap, multiple=multiple)

    def slabs(
        self, net: nn.Module, read: ReadRegion, shape: Sequence[int], *, activation: Activation, on_tile: Callable[[], object] | None = None
    ) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield (z-range, (K, dz, Y, X) float32) from the top of the volume to its end, each voxel once.

        read(region): normalised image (C, z, y, x) float32 inside the volume; activation: logits (1, K, …) → what is blended.
        """
        plan = self.plan(net, shape)
        blend: _RollingBlend | None = None
        rows = list(plan.rows())
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            for tile in row:
                result = self.contribution(net, read, plan, tile, activation=activation)
                if blend is None:
                    blend = _RollingBlend(plan, result.shape[0])
                blend.add(tile, result)
                if on_tile is not None:
                    on_tile()
            assert blend is not None
            yield from blend.flush(plan.padded[0] if following is None else following[0].keep[0].start)

    def contribution(self, net: nn.Module, read: ReadRegion, plan: TilePlan, tile: Tile, *, activation: Activation) -> Tensor:
        """What a tile adds to the result where it lies inside the volume: (K, z, y, x) float32, its weights applied.

        Contributions of all tiles, added in the order of the plan, are the result; arguments as in `slabs`.
        """
        result = self._run(net, read_padded(read, tile.read, plan.shape), tile, activation)
        result = result[(slice(None), *(slice(0, s.stop - s.start) for s in tile.kept_in(plan.shape)))]
        with torch.inference_mode():
            for axis, weights in enumerate(tile.weights):
                _weigh(result, axis + 1, weights)
        return result

    def whole(
        self, net: nn.Module, image: NDArray[np.float32], *, activation: Activation, on_tile: Callable[[], object] | None = None
    ) -> NDArray[np.float32]:
        """image: normalised (C, Z, Y, X) float32 → (K, Z, Y, X) float32 in memory."""
        parts = [
            part for _, part in self.slabs(net, lambda r: image[(slice(None), *r)], image.shape[1:], activation=activation, on_tile=on_tile)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _run(self, net: nn.Module, block: NDArray[np.float32], tile: Tile, activation: Activation) -> Tensor:
        """(K, z, y, x) float32 of what the tile keeps."""
        device = next(net.parameters()).device
        kept = tuple(slice(k.start - r.start, k.stop - r.start) for k, r in zip(tile.keep, tile.read, strict=True))
        with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.precision == "bfloat16"):
            logits = net(torch.from_numpy(np.ascontiguousarray(block))[None].to(device))
        with torch.inference_mode():
            result = activation(logits[(..., *kept)].float())[0].cpu()
        if not torch.isfinite(result).all():
            _refuse(result, tile, self.precision)
        return result


def _refuse(result: Tensor, tile: Tile, precision: str) -> None:
    bad, start = int((~torch.isfinite(result)).sum()), tuple(part.start for part in tile.keep)
    raise CellmlError(
        f"The network answered {bad} of {result.numel()} numbers of the tile at {start} (z, y, x) with NaN or infinity, computed in "
        f"{precision}. {'Try precision=float32; if' if precision != 'float32' else 'If'} the image is sound (cellml check), the "
        "training has diverged: use an earlier checkpoint or a lower learning rate."
    )


class _RollingBlend:
    """The weighted sum of the z-range that is still open; weights of all tiles add up to 1, so that sums are means."""

    def __init__(self, plan: TilePlan, channels: int) -> None:
        self.plan, self.start = plan, 0
        self.sums = torch.zeros((channels, 0, *plan.shape[1:]))

    def add(self, tile: Tile, result: Tensor) -> None:
        inside = tile.kept_in(self.plan.shape)
        self._grow(inside[0].stop)
        self.sums[:, inside[0].start - self.start : inside[0].stop - self.start, inside[1], inside[2]] += result

    def flush(self, stop: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        stop = min(stop, self.plan.shape[0])
        depth = stop - self.start
        if depth <= 0:
            return
        done, rest = self.sums[:, :depth], self.sums[:, depth:]
        self.sums = rest.clone()
        self.start, begin = stop, self.start
        yield slice(begin, stop), done.numpy()

    def _grow(self, stop: int) -> None:
        missing = stop - self.start - self.sums.shape[1]
        if missing > 0:
            more = torch.zeros((self.sums.shape[0], missing, *self.plan.shape[1:]))
            self.sums = torch.cat([self.sums, more], dim=1) if self.sums.shape[1] else more


def _weigh(block: Tensor, axis: int, weights: Weights) -> None:
    """Multiply, in place, the two ends of an axis where the weights are not 1; the bulk of a tile is never touched."""
    size = block.shape[axis]
    inner = np.flatnonzero(weights[:size] == 1)
    first, last = (int(inner[0]), int(inner[-1]) + 1) if inner.size else (size, size)
    for start, stop in ((0, first), (last, size)):
        if stop > start:
            shape = [1] * block.ndim
            shape[axis] = stop - start
            block.narrow(axis, start, stop - start).mul_(torch.from_numpy(weights[start:stop]).view(shape))


def read_padded(read: ReadRegion, region: Region, shape: Sequence[int]) -> NDArray[np.float32]:
    """Read a region of the padded frame: what lies beyond the volume's far end repeats its last voxel."""
    inside = tuple(slice(s.start, min(s.stop, n)) for s, n in zip(region, shape, strict=True))
    block = read(inside)  # type: ignore[arg-type]
    missing = [s.stop - i.stop for s, i in zip(region, inside, strict=True)]
    if any(missing):
        block = np.pad(block, [(0, 0), *((0, m) for m in missing)], mode="edge")
    return block

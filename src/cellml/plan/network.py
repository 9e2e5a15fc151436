"""Levels, widths, patch and batch: as large as the objects ask for and the machine allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cellml.errors import CellmlError
from cellml.plan.cost import Cost, training_cost
from cellml.plan.machine import Machine

Triple = tuple[int, int, int]

_CPU_STEP, _GPU_STEP = 2.5, 0.5  # seconds of an optimiser step beyond which too few of them fit into an hour
_LARGEST_PATCH = 160**3  # voxels; larger patches show the network nothing new
_WIDE = 6  # voxels across that objects need where the layers run on voxels coarser by 2
_SMALL = 32  # voxels along its longest edge that a patch should have, before widths are spared
_MEMORY = 0.8  # share of what is free, for other programs want some


@dataclass(frozen=True)
class Network:
    """widths, stem_stride: as `cellml.nets.unet.UNet` takes them; patch: (z, y, x) voxels; batch: patches; cost, seconds: of a step.

    view_nm: radius of the field of view (z, y, x); limit: what kept the patch from being larger, in words.
    """

    widths: tuple[int, ...]
    stem_stride: int
    strides: tuple[Triple, ...]
    kernels: tuple[Triple, ...]
    multiple: Triple
    halo: Triple
    patch: Triple
    batch: int
    cost: Cost
    seconds: float
    view_nm: tuple[float, float, float]
    limit: str


def choose_network(
    spacing: Sequence[float],
    room: Sequence[int],
    machine: Machine,
    *,
    channels: int,
    outputs: int,
    context_nm: float,
    thinnest_nm: float,
) -> Network:
    """The deepest network that the context asks for, with the largest patch that fits.

    spacing: (z, y, x) nm; room: voxels of the smallest training block; context_nm: the radius that should be seen (objects' diameter);
    thinnest_nm: what must stay visible at the stem's resolution. Levels are added until the field of view reaches the context, patches grow
    isotropically in nm (Isensee et al. 2021 grow them in voxels, to the median shape), widths are halved where nothing else helps.
    Raises CellmlError, with the numbers, where not even the smallest patch fits.
    """
    stem = 1 if thinnest_nm < _WIDE * min(spacing) or machine.gpu else 2
    slimmest: Network | None = None
    for base in _bases(machine):
        network = _with_base(base, stem, spacing, room, machine, channels, outputs, context_nm)
        if network is not None and max(network.patch) >= min(_SMALL, max(room)):
            return network
        slimmest = network or slimmest
    if slimmest is not None:
        return slimmest
    raise CellmlError(
        f"{machine.memory_gb:.1f} GB of memory are too little to train the smallest network on the smallest patch. "
        "Free some, use another machine, or classify pixels by a forest: cellml train experiment=segmentation/forest."
    )


def _bases(machine: Machine) -> Iterator[int]:
    yield from (32, 16, 8) if machine.gpu else (24, 16, 8, 4)


def _with_base(
    base: int, stem: int, spacing: Sequence[float], room: Sequence[int], machine: Machine, channels: int, outputs: int, context_nm: float
) -> Network | None:
    chosen: Network | None = None
    for levels in (3, 4, 5):
        widths = tuple(min(base * 2**level, 320 if machine.gpu else 96) for level in range(levels))
        network = _fitted(widths, stem, spacing, room, machine, channels, outputs)
        if network is None:
            break
        chosen = network
        if max(network.view_nm) >= context_nm:
            break
    if chosen is None:
        return _fitted((base, 2 * base), stem, spacing, room, machine, channels, outputs)
    return chosen


def _fitted(
    widths: tuple[int, ...], stem: int, spacing: Sequence[float], room: Sequence[int], machine: Machine, channels: int, outputs: int
) -> Network | None:
    """The largest patch, then the largest batch, of one network; None where the block or the memory is too small for any."""
    import torch

    from cellml.nets.unet import UNet

    build = partial(UNet, in_channels=channels, out_channels=outputs, widths=widths, spacing=tuple(spacing), stem_stride=stem)
    with torch.device("meta"):
        net = build()
    if any(n < 2 * m for n, m in zip(room, net.multiple, strict=True)) and len(widths) > 2:
        return None
    best: Triple | None = None
    limit, unit = "the training block is no larger", None
    for patch in _patches(spacing, room, net.multiple):
        unit = unit or (_voxels(patch), training_cost(build, channels, patch, 1))
        limit = _obstacle(unit[1].scaled(_voxels(patch) / unit[0]), machine, patch)
        if limit:
            break
        best, limit = patch, "the training block is no larger"
    if best is None:
        return None
    patch, batch, cost = best, 1, training_cost(build, channels, best, 1)
    for more in (2, 4):
        if _obstacle(cost.scaled(more / batch), machine, patch):
            break
        batch, cost = more, cost.scaled(more / batch)
    view = (net.halo[0] * spacing[0], net.halo[1] * spacing[1], net.halo[2] * spacing[2])
    strides, kernels = tuple(net.strides), tuple(net.kernels)
    seconds = cost.seconds(machine.gflops)
    return Network(widths, stem, strides, kernels, net.multiple, net.halo, patch, batch, cost, seconds, view, limit)


def _obstacle(cost: Cost, machine: Machine, patch: Triple) -> str:
    """Why a step is too expensive, in words; empty where it is not."""
    if cost.memory_gb > _MEMORY * machine.memory_gb:
        return f"a larger one needs {cost.memory_gb:.1f} GB of {machine.memory_gb:.1f} GB memory"
    allowed = _GPU_STEP if machine.gpu else _CPU_STEP
    if cost.seconds(machine.gflops) > allowed:
        return f"a larger one takes {cost.seconds(machine.gflops):.1f} s a step here, and steps of more than {allowed:g} s are too few"
    if _voxels(patch) > _LARGEST_PATCH:
        return "larger ones show the network nothing new"
    return ""


def _voxels(patch: Triple) -> int:
    return patch[0] * patch[1] * patch[2]


def _patches(spacing: Sequence[float], room: Sequence[int], multiple: Sequence[int]) -> Iterator[Triple]:
    """Patches of growing edge, as isotropic in nm as multiples of the network's stride and the block allow."""
    edge, last = 8.0 * min(spacing) * max(multiple) / 2, None
    while True:
        z, y, x = (max(m, int(min(n, edge / s)) // m * m) for s, n, m in zip(spacing, room, multiple, strict=True))
        patch = (z, y, x)
        if patch != last and all(p <= n for p, n in zip(patch, room, strict=True)):
            yield patch
            last = patch
        if all(edge / s > n for s, n in zip(spacing, room, strict=True)):
            return
        edge *= 1.15


def window_of(network: Network, shape: Sequence[int]) -> dict[str, Any]:
    """Tile, halo and overlap for prediction: tiles about twice the patch, a third of the field of view as context, as it counts most.

    More where a tile would otherwise show less than the field of view. The planned volume may need no halo, being one tile along an axis;
    a larger one, that the model is used on later, does.
    """
    tile = [min(-(-n // m) * m, 2 * p) for n, m, p in zip(shape, network.multiple, network.patch, strict=True)]
    halo = [min(radius, max(-(-radius // 3), -((t - 2 * radius - 1) // 2))) for radius, t in zip(network.halo, tile, strict=True)]
    overlap = [min(8, h // 4) for h in halo]
    return {"tile": tile, "halo": halo, "overlap": overlap}

"""An autoregressive network of binary volumes: each voxel's probability given all voxels before it, exact and without blind spots.

p(x) = Π_i p(x_i | x_1 … x_{i−1}) in raster order (van den Oord et al. 2016, arXiv:1601.06759). Stacks of masked convolutions do not see all
that came before; here, one axis more than in the gated PixelCNN (arXiv:1606.05328), three streams share the past: planes before, rows
before in the plane, voxels before in the row. Each sees the whole of its share within reach.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cellml.errors import CellmlError

_KERNELS = ((2, 3, 3), (1, 2, 3), (1, 1, 2))  # of the streams of planes, rows and voxels: two steps into the past, all sides across


class CausalStream(nn.Module):
    """Residual gated convolutions that see only what comes before along one axis: (B, C, Z, Y, X) → (B, width, Z, Y, X).

    axis: 0, 1 or 2 for planes, rows or voxels; channels: of the input, which is shifted by one along the axis; told: channels of what the
    stream may see at its own place, such as the answer of the stream before; dilations: steps of each layer along all its axes.
    """

    def __init__(self, axis: int, channels: int, told: int, width: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.axis, self.dilations = axis, [int(step) for step in dilations]
        kernel = _KERNELS[axis]
        self.see, self.hear = nn.Conv3d(channels, width, kernel), nn.Conv3d(told, width, 1)
        self.gates = nn.ModuleList(nn.Conv3d(width, 2 * width, kernel, dilation=step) for step in dilations)
        self.out = nn.ModuleList(nn.Conv3d(width, width, 1) for _ in dilations)

    def forward(self, past: Tensor, told: Tensor) -> Tensor:
        """past: (B, C, Z, Y, X), seen before each place only; told: (B, T, Z, Y, X), seen at each place."""
        last = past.shape[2 + self.axis] - 1
        before = functional.pad(past.narrow(2 + self.axis, 0, last), self._padding((1, 1, 1), shift=True))
        state = self.see(before) + self.hear(told)
        for gate, out, step in zip(self.gates, self.out, self.dilations, strict=True):
            value, opening = gate(functional.pad(functional.silu(state), self._padding((step, step, step)))).chunk(2, dim=1)
            state = state + out(torch.tanh(value) * torch.sigmoid(opening))
        return state

    def _padding(self, dilation: Sequence[int], shift: bool = False) -> list[int]:
        """Zeros for `torch.nn.functional.pad`, last axis first: the past side of the stream's axis, both sides of the axes after it."""
        sides: list[int] = []
        for axis in (2, 1, 0):
            step = int(dilation[axis])
            sides += [0, 0] if axis < self.axis else [step + shift, 0] if axis == self.axis else [step, step]
        return sides


class PixelCnn(nn.Module):
    """Binary volumes (B, 1, Z, Y, X) → logits (B, 1, Z, Y, X) of each voxel being 1, given the voxels before it in raster order.

    shape: voxels (z, y, x), whose places the network knows; conditions: numbers that the whole is conditioned on; width: features;
    dilations: of the layers of each stream. Raises CellmlError for a shape of fewer than one voxel or no layers.
    """

    in_channels = 1

    def __init__(
        self, shape: Sequence[int] = (16, 16, 16), conditions: int = 1, width: int = 16, dilations: Sequence[int] = (1, 2, 4)
    ) -> None:
        super().__init__()
        if len(shape) != len(_KERNELS) or min(shape) < 1 or not dilations or min(dilations) < 1 or width < 1:
            raise CellmlError(
                f"A PixelCNN needs three axes, a width and dilations of 1 or more; got {list(shape)}, {width}, {list(dilations)}."
            )
        self.shape, self.conditions = tuple(int(n) for n in shape), conditions
        self.places: Tensor
        self.register_buffer("places", _places(self.shape), persistent=False)
        inside = len(self.places) + conditions
        self.planes = CausalStream(0, 1, inside, width, dilations)
        self.rows = CausalStream(1, 1, width, width, dilations)
        self.voxels = CausalStream(2, 1, width, width, dilations)
        self.head = nn.Sequential(nn.SiLU(), nn.Conv3d(width, width, 1), nn.SiLU(), nn.Conv3d(width, 1, 1))

    def forward(self, volumes: Tensor, conditions: Tensor) -> Tensor:
        """volumes: (B, 1, Z, Y, X) of 0 and 1; conditions: (B, conditions)."""
        seen = 2 * volumes.to(self.places) - 1
        planes = self.planes(seen, self.told(conditions))
        return self.head(self.voxels(seen, self.rows(seen, planes)))  # type: ignore[no-any-return]

    def told(self, conditions: Tensor) -> Tensor:
        """What every place knows, (B, T, Z, Y, X): where it is, and the condition (B, conditions)."""
        given = conditions.to(self.places)[:, :, None, None, None].expand(-1, -1, *self.shape)
        return torch.cat([self.places.expand(len(conditions), -1, -1, -1, -1), given], dim=1)

    @torch.no_grad()
    def sample(self, conditions: Tensor, draws: Tensor) -> Tensor:
        """New volumes (B, 1, Z, Y, X) of 0 and 1. conditions: (B, conditions); draws: (B, Z, Y, X) uniform numbers, one for each voxel.

        Voxel by voxel, but each stream runs again only where its share of the past has grown: planes once a plane, rows once a row. That
        is the work of as many whole passes as there are planes, and not as many as voxels.
        """
        depth, height, length = self.shape
        volume = torch.zeros(len(conditions), 1, *self.shape, device=self.places.device)
        told = self.told(conditions)
        for z in range(depth):
            behind = self.planes(2 * volume[:, :, : z + 1] - 1, told[:, :, : z + 1])[:, :, -1:]
            for y in range(height):
                above = self.rows(2 * volume[:, :, z : z + 1, : y + 1] - 1, behind[:, :, :, : y + 1])[:, :, :, -1:]
                for x in range(length):
                    row = self.voxels(2 * volume[:, :, z : z + 1, y : y + 1, : x + 1] - 1, above[..., : x + 1])[..., -1:]
                    chance = torch.sigmoid(self.head(row))[:, 0, 0, 0, 0]
                    volume[:, 0, z, y, x] = (draws[:, z, y, x].to(chance) < chance).float()
        return volume


def _places(shape: Sequence[int]) -> Tensor:
    """(12, Z, Y, X): along each axis the place from −1 to 1, its square, and a sine and cosine of it."""
    axes = [torch.linspace(-1, 1, n) if n > 1 else torch.zeros(1) for n in shape]
    grids = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    return torch.cat([grids, grids**2, torch.sin(torch.pi * grids), torch.cos(torch.pi * grids)])

"""Networks of other libraries with what cellml must know of a network: how far it looks, and which sizes it takes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.nets.unet import Triple


class Bounded(nn.Module):
    """`net`, such as one of MONAI's, made a network of cellml: `halo` and `multiple` let tiled prediction equal that of the whole volume.

    net: (B, C, Z, Y, X) → (B, K, Z, Y, X); in_channels, out_channels: C and K; multiple: sizes must be multiples of these; halo: radius of
    the field of view, both (z, y, x) voxels; `cellml.nets.field_of_view.measure_halo` measures it. Norms over the patch (instance, group)
    look everywhere: a network with them has no halo that is large enough.
    """

    def __init__(self, net: nn.Module, in_channels: int, out_channels: int, multiple: Sequence[int], halo: Sequence[int]) -> None:
        super().__init__()
        norms = {
            type(module).__name__ for module in net.modules() if isinstance(module, nn.modules.instancenorm._InstanceNorm | nn.GroupNorm)
        }
        if norms:
            raise CellmlError(
                f"{type(net).__name__} has {', '.join(sorted(norms))}, which look at the whole patch, so that tiles would disagree; "
                "use batch norm (task.net.norm_name=batch for DynUNet, task.net.norm=BATCH for SegResNet)."
            )
        self.net, self.in_channels, self.out_channels = net, in_channels, out_channels
        self.multiple: Triple = _triple(multiple, "multiple")
        self.halo: Triple = _triple(halo, "halo")

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, C, Z, Y, X), of sizes that are multiples of `multiple`, else CellmlError."""
        if any(n % m for n, m in zip(image.shape[2:], self.multiple, strict=True)):
            raise CellmlError(f"The network needs patches in multiples of {self.multiple} voxels (z, y, x), got {tuple(image.shape[2:])}.")
        return self.net(image)  # type: ignore[no-any-return]


def _triple(values: Sequence[int], name: str) -> Triple:
    if len(values) != 3 or min(values) < (1 if name == "multiple" else 0):
        raise CellmlError(f"net.{name} must be three whole numbers (z, y, x), got {list(values)}.")
    z, y, x = (int(v) for v in values)
    return (z, y, x)

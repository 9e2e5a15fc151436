"""The Lightning data module of self-supervised missing-wedge repair: rotated blocks of the tomogram that is to be repaired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from cellml.data.augment import SeededTransforms
from cellml.data.block_module import BlockDataModule
from cellml.data.halves import TomogramHalves
from cellml.data.patches import collate
from cellml.data.rotated_wedges import RotatedWedges
from cellml.errors import CellmlError, ContractError
from cellml.tomography.rotated_wedge import checked_range


class SelfWedgeDataModule(BlockDataModule):
    """Rotated blocks of one tomogram, for training and, in other frames, for validation: there is no truth to hold back.

    path: the tomogram, or even and odd: reconstructions of two halves of its tilts; wedge: first and last tilt of the whole series and the
    step between tilts, in degrees (axis along y, beam along z); size: voxels along each side of a block; margin: of
    the larger block that the wedge is removed from; fade: voxels over which a block's faces lose weight; validation: blocks a look;
    transforms: train-only changes of the grey values (none may move a voxel: masks would not follow); spacing_nm:
    (z, y, x) where the files do not say.
    """

    def __init__(
        self,
        path: str | None = None,
        even: str | None = None,
        odd: str | None = None,
        wedge: Sequence[float] = (-60.0, 60.0, 2.0),
        size: int = 48,
        margin: int = 8,
        fade: int = 8,
        batch_size: int = 2,
        patches_per_epoch: int = 200,
        validation: int = 16,
        transforms: Sequence[Any] = (),
        normalisation: str = "volume",
        spacing_nm: Sequence[float] | None = None,
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__([size] * 3, batch_size, patches_per_epoch, normalisation, num_workers, seed)
        if (path is None) == (even is None) or (even is None) != (odd is None):
            raise CellmlError(
                f"Give the tomogram as data.path, or both its halves as data.even and data.odd; got path={path}, even={even}, odd={odd}."
            )
        if min(size, batch_size, validation) < 1 or min(margin, fade) < 0 or 2 * fade > size:
            raise CellmlError(
                f"data.size={size}, data.margin={margin}, data.fade={fade}, data.validation={validation}: sizes and counts must be at "
                "least 1, margins at least 0, and the two faces that fade must fit into a block."
            )
        if len(wedge) != 3:
            raise CellmlError(f"data.wedge={list(wedge)} must be the first and the last tilt and the step in degrees: [-60,60,2].")
        self.wedge = [*checked_range(wedge[:2]), float(wedge[2])]
        self.references = [path] if path is not None else [str(even), str(odd)]
        self.size, self.margin, self.fade, self.validation = size, margin, fade, validation
        self.transforms, self.spacing_nm = list(transforms), spacing_nm

    def setup(self, stage: str | None = None) -> None:
        """Read the tomogram, once. Raises CellmlError where it does not lack the wedge that is said: what is learned would be another."""
        if self._train:
            return
        from cellml.data.wedge_damage import tilts_of
        from cellml.infer.repair import require_wedge
        from cellml.io.tilt_kind import is_tilt_series

        for reference in filter(is_tilt_series, self.references):
            raise CellmlError(
                f"{reference} is a tilt series, by its suffix or the angles beside it, and a tomogram is expected. Reconstruct both halves "
                f"(cellml reconstruct input={reference} output=even.mrc half=even, and half=odd), and give data.even and data.odd."
            )
        halves = TomogramHalves(self.references, self.normalisation, self.spacing_nm)
        try:
            require_wedge(halves.voxels.mean(dim=0).numpy(), tilts_of(*self.wedge), halves.name)
        except ContractError as error:
            raise CellmlError(f"{error} In training, the range is data.wedge={self.wedge}.") from error
        self._train = [halves]

    @property
    def halves(self) -> TomogramHalves:
        """The tomogram."""
        self.setup()
        return self._train[0]  # type: ignore[no-any-return]

    @property
    def contract(self) -> dict[str, Any]:
        """As for labels, and the wedge that the network learns to repair, and whether its input are halves."""
        first, last, step = self.wedge
        half, centre = (last - first) / 2, (last + first) / 2
        wedge = {"half_range": [half, half], "step": [step], "slant": abs(centre), "tilts": [first, last]}
        return {**super().contract, "wedge": wedge, "halves": len(self.references) == 2}

    def patches(self) -> RotatedWedges:
        """Rotated blocks for training."""
        transform = SeededTransforms(self.transforms) if self.transforms else None
        return RotatedWedges(self.halves, self.size, self.margin, self.patches_per_epoch, self.seed, self.fade, transform)

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """The same rotated blocks at each look, in frames that training does not draw."""
        blocks = RotatedWedges(self.halves, self.size, self.margin, self.validation, self.seed + 2**31, self.fade)
        return DataLoader(blocks, batch_size=1, shuffle=False, collate_fn=collate)

    def whole(self, block: Any) -> dict[str, Any]:
        """{"image": (H, Z, Y, X)}, the tomogram as the network is shown it after training."""
        return {"image": block.voxels}

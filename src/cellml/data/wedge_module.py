"""The Lightning data module of learned missing-wedge repair: damaged and true patches, whole damaged blocks for validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from cellml.data.block_module import BlockDataModule
from cellml.data.blocks import Block, OpenBlock
from cellml.data.image_box import require_alike, require_guard
from cellml.data.wedge_damage import WedgeDamage
from cellml.data.wedge_pairs import WedgePairs, pair
from cellml.errors import CellmlError


class WedgeDataModule(BlockDataModule):
    """Undamaged volumes in, pairs of reconstruction and truth out; nothing is stored.

    path: the volume that blocks without an `image` of their own come from; train, val: blocks (labels are not read), or their fields;
    patch: (z, y, x) voxels; damage: what tilt series are drawn from; val_damage: that of the validation blocks, the same where None, drawn
    once for each block by its number; per_slab, section, cube, invert: as `WedgePairs`; guard: least distance in voxels between a training
    and a validation block of one file. Raises CellmlError for blocks of several channels or voxel sizes.
    """

    def __init__(
        self,
        train: Sequence[Block | Mapping[str, Any]],
        val: Sequence[Block | Mapping[str, Any]],
        patch: Sequence[int],
        damage: WedgeDamage | None = None,
        val_damage: WedgeDamage | None = None,
        path: str | None = None,
        spacing_nm: Sequence[float] | None = None,
        batch_size: int = 1,
        patches_per_epoch: int = 96,
        per_slab: int = 8,
        section: Sequence[int] = (256, 256),
        cube: bool = True,
        invert: bool = False,
        guard: int = 8,
        normalisation: str = "volume",
        num_workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(patch, batch_size, patches_per_epoch, normalisation, num_workers, seed)
        usual = {"image": path, "spacing_nm": spacing_nm}
        self.train_blocks, self.val_blocks = ([_block(b, usual) for b in blocks] for blocks in (train, val))
        self.damage = damage or WedgeDamage()
        self.val_damage = val_damage or self.damage
        self.per_slab, self.section, self.cube, self.invert, self.guard = per_slab, section, cube, invert, guard
        self._damaged: dict[str, dict[str, Any]] = {}

    def setup(self, stage: str | None = None) -> None:
        """Open the files and refuse leaking splits."""
        if self._train:
            return
        if not self.train_blocks:
            raise CellmlError("data.train lists no block; give at least one {image}.")
        train, val = (
            [OpenBlock(block, normalisation=self.normalisation, need_labels=False) for block in blocks]
            for blocks in (self.train_blocks, self.val_blocks)
        )
        require_guard(train, val, self.guard)
        require_alike([*train, *val], "spacing", "channels", remedy="give volumes of one kind.")
        if train[0].channels != 1:
            raise CellmlError(f"{train[0].name} has {train[0].channels} channels; a specimen that is projected has one density.")
        if max(train[0].spacing) > 1.02 * min(train[0].spacing):
            raise CellmlError(
                f"{train[0].name} has voxels of {train[0].spacing} nm (z, y, x); projections need cubes. Resample the volume, or correct "
                "its voxel size (data.spacing_nm=[z,y,x])."
            )
        self._train, self._val = train, val

    @property
    def contract(self) -> dict[str, Any]:
        """As for labels, and the wedge: tilt ranges, steps, noise and reconstruction that the network learned to repair."""
        common = super().contract
        channels = len(self.damage.reconstruction)
        return {
            **common,
            "axes": "ZYX" if channels == 1 else "CZYX",
            "channels": channels,
            "wedge": {**self.damage.describe(), "invert": self.invert},
        }

    def patches(self) -> Dataset[Any]:
        """Pairs of an epoch."""
        return WedgePairs(
            self._train, self.patch, self.damage, self.patches_per_epoch, self.seed, self.section, self.per_slab, self.cube, self.invert
        )

    def density(self, block: OpenBlock) -> NDArray[np.float32]:
        """A whole block, (Z, Y, X), dense voxels bright where `invert` says that they are dark."""
        image = block.read_image()[0]
        return -image if self.invert else image

    def whole(self, block: OpenBlock) -> dict[str, Any]:
        """What `WedgePairs` gives, of a whole validation block; damaged once, by a tilt series that depends on seed and number alone."""
        if block.name not in self._damaged:
            rng = np.random.default_rng([self.seed, 2, self._val.index(block)])
            truth, scheme = self.density(block), self.val_damage.draw(rng)
            self._damaged[block.name] = dict(pair(self.val_damage.apply(truth, scheme, rng), truth, scheme))
        return self._damaged[block.name]


def _block(block: Block | Mapping[str, Any], usual: Mapping[str, Any]) -> Block:
    if isinstance(block, Block):
        return block
    given = {**{name: value for name, value in usual.items() if value is not None}, **block}
    if given.get("image") is None:
        raise CellmlError("A block of data.train or data.val names no image, and there is no data.path to take it from.")
    unknown = set(given) - {field.name for field in fields(Block)}
    if unknown:
        raise CellmlError(
            f"A block of data.train or data.val has the unknown fields {sorted(unknown)}; it takes image, region and spacing_nm."
        )
    return Block(**given)

"""Patches from two kinds of blocks in a given proportion, however large either is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellml.data.blocks import OpenBlock
from cellml.data.sampling import Anywhere, AroundLabels, LabelledPlaces, Place, UniformPlaces


@dataclass(frozen=True)
class MixedSampling:
    """The first `first` blocks give the part `share` of the patches, the others the rest; `rule`: where in them patches are taken from."""

    first: int
    share: float
    rule: Anywhere | AroundLabels

    def prepare(self, blocks: Sequence[OpenBlock], patch: Sequence[int]) -> MixedPlaces:
        """The distribution for these blocks."""
        parts = (self.rule.prepare(blocks[: self.first], patch), self.rule.prepare(blocks[self.first :], patch))
        return MixedPlaces(parts, self.first, self.share)


@dataclass(frozen=True, eq=False)
class MixedPlaces:
    """`MixedSampling`, for given blocks."""

    parts: tuple[UniformPlaces | LabelledPlaces, UniformPlaces | LabelledPlaces]
    first: int
    share: float

    def draw(self, rng: np.random.Generator) -> Place:
        """The number of a block, and where in it the patch begins (z, y, x)."""
        if rng.random() < self.share:
            return self.parts[0].draw(rng)
        block, start = self.parts[1].draw(rng)
        return self.first + block, start

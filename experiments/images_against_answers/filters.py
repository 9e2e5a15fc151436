"""The block damaged, and damaged and then filtered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from hydra.utils import instantiate
from numpy.typing import NDArray
from tissue import grey_values

from cellml.imaging.frame import Frame
from cellml.imaging.repairs.apply import repair_volume
from cellml.types import Volume

Floats = NDArray[np.float32]
NONE = "none"
KEY = ("damage", "family", "strength")


@dataclass(frozen=True)
class Filtered:
    """damage: a name of filters.yaml; family and strength of a filter, or "none" for both."""

    damage: str
    family: str = NONE
    strength: str = NONE

    @property
    def key(self) -> tuple[str, ...]:
        """As it stands in a row of a table."""
        return (self.damage, self.family, self.strength)

    @property
    def title(self) -> str:
        """For a reader."""
        return "no filter" if self.family == NONE else f"{self.family} {self.strength}"


def conditions(config: Any) -> list[Filtered]:
    """All of filters.yaml: each image without a filter, and with the first strength of its first filter, then of its second, …; then the
    second strengths.
    """
    offered = {family: list(strengths) for family, strengths in config.filters.items()}
    tried = [(damage, family, place, rank) for damage, families in config.tried.items() for place, family in enumerate(families)
             for rank in range(len(offered[family]))]  # fmt: skip
    found = []
    for damage, family, place, rank in sorted(tried, key=lambda one: (one[3], one[2])):
        found += [Filtered(damage)] if rank == place == 0 else []
        found.append(Filtered(damage, family, offered[family][rank]))
    return found


def damaged(damage: str, config: Any) -> Volume:
    """The block (170, 200, 82) with the damage; black is taken to be grey value 0."""
    clean, apply = _clean(), instantiate(config.damages[damage])
    return clean if apply is None else Volume(apply(clean.data, frame=Frame.of(clean)), clean.spacing, name=damage)


def image(one: Filtered, config: Any) -> Floats:
    """What is segmented."""
    volume = damaged(one.damage, config)
    if one.family != NONE:
        volume = repair_volume(volume, instantiate(config.filters[one.family][one.strength]))
    return np.asarray(volume.data, np.float32)


@cache
def _clean() -> Volume:
    return grey_values()

"""The block damaged, and damaged and then filtered."""

from __future__ import annotations

from collections.abc import Iterator
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
JUDGED = ("validation", "test")


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
    """All of filters.yaml: the damages without filters first, then image by image, each family with all of its strengths."""
    bare = [Filtered(damage) for damage in config.damages]
    return bare + [
        Filtered(damage, family, strength)
        for damage, families in config.tried.items()
        for family in families
        for strength in config.filters[family]
    ]


def damaged(damage: str, config: Any) -> Volume:
    """The block (170, 250, 82) with the damage; black is taken to be grey value 0."""
    clean, apply = _clean(), instantiate(config.damages[damage])
    return clean if apply is None else Volume(apply(clean.data, frame=Frame.of(clean)), clean.spacing, name=damage)


def image(one: Filtered, config: Any) -> Floats:
    """What is segmented."""
    volume = damaged(one.damage, config)
    if one.family != NONE:
        volume = repair_volume(volume, instantiate(config.filters[one.family][one.strength]))
    return np.asarray(volume.data, np.float32)


def images(wanted: list[Filtered], config: Any) -> Iterator[tuple[Filtered, Floats]]:
    """Each condition with its image, made when it is asked for."""
    for one in wanted:
        yield one, image(one, config)


@cache
def _clean() -> Volume:
    return grey_values()

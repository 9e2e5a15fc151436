"""A population: many closed surfaces of one kind of thing, and what must be known of each to learn from them fairly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cellml.errors import CellmlError
from cellml.types import Surface


@dataclass(frozen=True, eq=False)
class Population:
    """Closed, oriented, manifold surfaces, one a shape.

    names: unique; surfaces: lengths nm; groups: what must not be split between training and test, such as an image stack, a block or a
    cell; classes: "" where unknown; excluded: (name, reason) of what was left out; repaired: (name, what was done). Raises CellmlError
    where their numbers disagree, or a name comes twice.
    """

    names: tuple[str, ...]
    surfaces: tuple[Surface, ...]
    groups: tuple[str, ...]
    classes: tuple[str, ...]
    excluded: tuple[tuple[str, str], ...] = ()
    repaired: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        counts = {len(self.names), len(self.surfaces), len(self.groups), len(self.classes)}
        if len(counts) != 1:
            raise CellmlError(
                f"A population needs one name, group and class a surface: it has {len(self.surfaces)} surfaces, {len(self.names)} names, "
                f"{len(self.groups)} groups and {len(self.classes)} classes."
            )
        twice = sorted({name for name in self.names if self.names.count(name) > 1}) if len(set(self.names)) < len(self.names) else []
        if twice:
            raise CellmlError(f"A population's names are unique, but {len(twice)} come more than once, such as {twice[0]!r}.")

    def __len__(self) -> int:
        return len(self.names)

    def select(self, indices: Iterable[int]) -> Population:
        """The shapes with these numbers, in this order; what was excluded stays on record."""
        chosen = [int(i) for i in indices]
        kept = {self.names[i] for i in chosen}
        return Population(
            tuple(self.names[i] for i in chosen),
            tuple(self.surfaces[i] for i in chosen),
            tuple(self.groups[i] for i in chosen),
            tuple(self.classes[i] for i in chosen),
            self.excluded,
            tuple(one for one in self.repaired if one[0] in kept),
        )

    def require(self, fewest: int, purpose: str) -> None:
        """Raise CellmlError where there are fewer shapes than `purpose` needs."""
        if len(self) < fewest:
            left = f" ({len(self.excluded)} were left out, such as {': '.join(self.excluded[0])})" if self.excluded else ""
            raise CellmlError(f"{purpose} needs {fewest} shapes or more, and the population has {len(self)}{left}. Add shapes.")

"""What a network on tables is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from cellml.errors import CellmlError


class TableTarget:
    """outputs: names of the columns that are predicted, in their order. Raises CellmlError for none and for a name that stands twice."""

    kind = "table"

    def __init__(self, outputs: Sequence[str]) -> None:
        self.outputs = [str(name) for name in outputs]
        if not self.outputs or len(set(self.outputs)) != len(self.outputs):
            raise CellmlError(f"task.target.outputs names the columns to predict, each once; it is {self.outputs}.")

    @property
    def channels(self) -> int:
        """Numbers predicted for a row."""
        return len(self.outputs)

"""How far a simulation has come, for those who wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# Called with what is done at the moment, and the share of it that is done, from 0 to 1.
Tell = Callable[[str, float], object]


def silent(stage: str, share: float) -> None:
    """Tell nobody."""


@contextmanager
def time_progress(console: Console) -> Iterator[Tell]:
    """Yield a function to be told; shows a bar for what is done at the moment where someone watches, and nothing once it is over."""
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bars: dict[str, TaskID] = {}

        def tell(stage: str, share: float) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=1.0)
            progress.update(bars[stage], completed=share)

        yield tell

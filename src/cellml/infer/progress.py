"""A progress bar over tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def tile_progress(tiles: int) -> Iterator[Callable[[], object]]:
    """Yield a function to call after each tile; shows a bar where someone watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("predicting"), BarColumn(), MofNCompleteColumn(), TextColumn("tiles"), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        bar = progress.add_task("predicting", total=tiles)
        yield lambda: progress.advance(bar)

"""How far a search for parameters has come, for those who wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def solutions_progress(console: Console) -> Iterator[Callable[[int, float], object]]:
    """Yield what a `Problem` tells after each solution: their number and chi².

    Shows one line with both where someone watches, nothing elsewhere, and nothing once it is over. How many solutions a search takes is
    not known before, so there is no bar.
    """
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        line = progress.add_task("the model is solved for the first time", total=None)

        def tell(count: int, chi2: float) -> None:
            progress.update(line, description=f"model solutions: {count}, chi² = {chi2:.4g}")

        yield tell

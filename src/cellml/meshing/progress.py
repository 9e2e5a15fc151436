"""A line on the terminal that says which step a long meshing is at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from cellml.meshing.watch import Tell


@contextmanager
def progress_line(what: str, file: IO[str] | None = None) -> Iterator[Tell]:
    """Show `what`, the step that began last and the seconds since the start, on one line that goes when the work is done.

    file: where to write, standard error by default. Nothing is written where that is no terminal, so that logs stay clean.
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(file=file, stderr=file is None)
    if not console.is_terminal:
        yield lambda step: None
        return
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, refresh_per_second=4, get_time=time.monotonic) as progress:
        task = progress.add_task(what, total=None)
        yield lambda step: progress.update(task, description=f"{what}: {step}")

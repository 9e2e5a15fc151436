"""What `cellml score` found, in the report: the tables that the command prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellml.errors import FileError
from cellml.report.markup import Html, escape, table
from cellml.report.run_folder import SCORES, AbsentError, RunFolder

if TYPE_CHECKING:
    from rich.table import Table


def scores_section(run: RunFolder) -> Html:
    """Every scores.json (or scores_NAME.json) of a run folder. Raises AbsentError without one, FileError for a file of another kind."""
    paths = sorted(run.path.rglob(SCORES))
    if not paths:
        raise AbsentError
    return Html("".join(_scores(path, path.relative_to(run.path).as_posix()) for path in paths))


def _scores(path: Path, name: str) -> Html:
    from cellml.metrics.shape_tables import shape_tables
    from cellml.metrics.tables import score_tables

    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        tables = [*score_tables(result), *shape_tables(result)]
        said = f"{result['prediction']} against {result['truth']}. Scored {result['protocol']}."
        warning = (result.get("split") or {}).get("warning") or ""
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FileError(
            f"{name} is not what cellml score writes ({type(error).__name__}: {error}); score again with output=scores.json."
        ) from error
    alarm = f'<p class="warning">{escape(warning)}</p>' if warning else ""
    return Html(f"<h3>{escape(name)}</h3><p>{escape(said)}</p>{alarm}" + "".join(_as_html(one) for one in tables))


def _as_html(printed: Table) -> Html:
    """A table of the console as one of the page."""
    header = [str(column.header) for column in printed.columns]
    rows: list[tuple[Any, ...]] = list(zip(*(list(map(str, column.cells)) for column in printed.columns), strict=True))
    caption = ". ".join(str(text) for text in (printed.title, printed.caption) if text)
    return table(header, rows, caption=caption)

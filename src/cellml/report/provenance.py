"""What a reader needs in order to repeat a run: times, versions, machine, seed, commit, command and configuration."""

from __future__ import annotations

from collections.abc import Sequence

from cellml.report.markup import Html, details, escape, number, table
from cellml.report.summary import StageTime, Summary


def provenance(summary: Summary) -> Html:
    """Tables of how the run was made, and its configuration in a block that folds open."""
    run = [("seed", summary.seed), ("commit", summary.commit), ("made", summary.created), ("command", summary.command)]
    rows = [(name, _code(value) if name in ("commit", "command") else value) for name, value in run if value not in ("", None)]
    rows += [(name, value) for name, value in summary.machine.items() if value not in ("", None)]
    parts = [_named("Run", _pairs(rows)), _named("Times", timings_table(summary.timings) if summary.timings else Html(""))]
    parts.append(_named("Versions", _pairs([(name, _code(text)) for name, text in summary.versions.items()])))
    if summary.config:
        parts.append(_named("Configuration", details("The whole resolved configuration", Html(f"<pre>{escape(summary.config)}</pre>"))))
    return Html("".join(parts))


def timings_table(timings: Sequence[StageTime]) -> Html:
    """Seconds of each stage with a bar, its budget where it has one, and the sum."""
    longest = max(max(t.seconds for t in timings), 1e-9)
    rows = []
    for time in timings:
        bar = Html(f'<span class="bar" style="width:{9.0 * time.seconds / longest:.2f}rem"></span>')
        rows.append(
            [time.stage, bar, time.note, seconds(time.seconds), "" if time.budget_seconds is None else seconds(time.budget_seconds)]
        )
    rows.append([Html("<strong>sum</strong>"), "", "", Html(f"<strong>{escape(seconds(sum(t.seconds for t in timings)))}</strong>"), ""])
    budgeted, noted = any(t.budget_seconds is not None for t in timings), any(t.note for t in timings)
    keep = [0, 1, *([2] if noted else []), 3, *([4] if budgeted else [])]
    header = ["stage", "", "note", "time", "budget"]
    return table([header[i] for i in keep], [[row[i] for i in keep] for row in rows], text_columns=3 if noted else 2)


def seconds(value: float) -> str:
    """A duration: 0.42 s, 37 s, 6 min 05 s."""
    if value < 60:
        return f"{number(float(value), 2)} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def _pairs(rows: Sequence[tuple[str, object]]) -> Html:
    if not rows:
        return Html("")
    lines = "".join(f'<tr><td class="text">{escape(n)}</td><td class="text">{escape(_text(v))}</td></tr>' for n, v in rows)
    return Html(f'<div class="scroll"><table><tbody>{lines}</tbody></table></div>')


def _text(value: object) -> object:
    return value if isinstance(value, str) else number(value)


def _code(value: object) -> Html:
    return Html(f"<code>{escape(value)}</code>")


def _named(title: str, body: Html) -> Html:
    return Html(f"<h3>{escape(title)}</h3>{body}") if body else body

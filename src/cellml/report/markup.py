"""HTML fragments in which every text from outside is escaped.

`Html` marks text that is markup already; whatever else is put into a fragment is escaped, so that a file name or a config value can
never become markup.
"""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Iterable, Sequence
from html import escape as _escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.figure import Figure

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Html(str):
    """Text that is markup already and is not escaped again."""


def escape(value: Any) -> Html:
    """Markup for any value: `Html` as it is, everything else as escaped text."""
    return value if isinstance(value, Html) else Html(_escape(str(value), quote=True))


def number(value: Any, digits: int = 4) -> str:
    """A number for people: `digits` significant digits, powers of ten as 1.2 × 10⁻⁵, a dash for nothing; other values as their text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f").replace("-", "−")
    if not isinstance(value, float):
        return str(value)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if 10.0**digits <= abs(value) < 1e6:
        return number(round(value), digits)
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text.replace("-", "−")
    mantissa, exponent = text.split("e")
    return f"{mantissa.replace('-', '−')} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def unit_text(unit: str) -> str:
    """A unit as it is printed: um^3/s becomes µm³/s."""
    printed = re.sub(r"\^(-?\d+)", lambda power: power.group(1).translate(_SUPERSCRIPTS), unit)
    return re.sub(r"\bu(?=[a-zA-Z])", "µ", printed)


def table(header: Sequence[Any], rows: Iterable[Sequence[Any]], *, caption: str = "", text_columns: int = 1) -> Html:
    """A table; the first `text_columns` columns are set flush left, the others, being numbers, flush right."""
    kinds = ["text" if i < text_columns else "num" for i in range(len(header))]
    head = "".join(f'<th scope="col" class="{k}">{escape(h)}</th>' for k, h in zip(kinds, header, strict=True))
    lines = []
    for row in rows:
        cells = "".join(f'<td class="{k}">{escape(c if isinstance(c, str) else number(c))}</td>' for k, c in zip(kinds, row, strict=True))
        lines.append(f"<tr>{cells}</tr>")
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return Html(f'<div class="scroll"><table>{title}<thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>')


def details(summary: str, body: Html, *, opened: bool = False) -> Html:
    """A block that folds open under its summary line."""
    return Html(f"<details{' open' if opened else ''}><summary>{escape(summary)}</summary>{body}</details>")


def picture(figure: Figure, *, alt: str, caption: str, vector: bool = True) -> Html:
    """A matplotlib figure inlined as a data URI (SVG where lines dominate, PNG where voxels do); the figure is released."""
    import matplotlib

    kind, mime = ("svg", "svg+xml") if vector else ("png", "png")
    buffer = io.BytesIO()
    # The salt and the empty date keep two reports of the same run byte for byte equal.
    with matplotlib.rc_context({"svg.hashsalt": "cellml"}):
        figure.savefig(buffer, format=kind, dpi=150, metadata={"Date": None} if vector else None)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Html(
        f'<figure><img alt="{escape(alt)}" src="data:image/{mime};base64,{data}"><figcaption>{escape(caption)}</figcaption></figure>'
    )


def scene(figure: go.Figure, *, caption: str, linked_cameras: bool = False) -> Html:
    """A plotly figure as a block of JSON that the page's one script draws; linked cameras turn all its views together."""
    # "<" must not stand in a script block: "</script>" inside a name would end it.
    data = str(figure.to_json()).replace("<", "\\u003c")
    linked = " data-linked" if linked_cameras else ""
    height = int(figure.layout.height or 520)
    return Html(
        f'<figure class="scene"><div class="plot" style="height:{height}px"{linked}><script type="application/json">{data}</script></div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )

"""The page around the sections: one HTML file that asks nothing of any network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from cellml.report.markup import Html, escape

# The browser itself refuses every request: even a defect of this code could load nothing from outside. plotly compiles its drawing
# routines at run time ('unsafe-eval') and saves pictures through blob: addresses.
_POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Section:
    """One numbered part of the report: anchor is its name in addresses (letters, digits, dashes)."""

    anchor: str
    title: str
    body: Html


def page(
    title: str, subtitle: str, sections: Sequence[Section], *, warnings: Sequence[str] = (), alarm: str = "", footer: str = ""
) -> Html:
    """The whole document. `alarm` is the loudest line of all (phantom data); warnings stand above the first section."""
    contents = "".join(f'<li><a href="#{escape(s.anchor)}">{escape(s.title)}</a></li>' for s in sections)
    parts = "".join(f'<section id="{escape(s.anchor)}"><h2>{escape(s.title)}</h2>{s.body}</section>' for s in sections)
    return Html(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="generator" content="cellml">'
        f"<title>{escape(title)}</title><style>{_resource('page.css')}</style></head>\n<body>"
        f"<header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header>{_notices(warnings, alarm)}"
        f'<div class="layout"><nav aria-label="Contents"><ol>{contents}</ol></nav><main>{parts}</main></div>'
        f"<footer>{escape(footer)}</footer>{_scripts(parts)}</body></html>\n"
    )


def _notices(warnings: Sequence[str], alarm: str) -> str:
    loud = f'<p class="alarm" role="alert">{escape(alarm)}</p>' if alarm else ""
    items = "".join(f"<li>{escape(w)}</li>" for w in warnings)
    heading = "Warning" if len(warnings) == 1 else "Warnings"
    return loud + (f'<aside class="warnings"><strong>{heading}</strong><ul>{items}</ul></aside>' if items else "")


def _scripts(parts: str) -> str:
    """The script of plotly, once, and the few lines that draw the scenes; nothing where there is no scene."""
    if '<figure class="scene">' not in parts:
        return ""
    from plotly.offline import get_plotlyjs

    return f"<script>{get_plotlyjs()}</script><script>{_resource('scenes.js')}</script>"


def _resource(name: str) -> str:
    return files("cellml.report").joinpath(name).read_text(encoding="utf-8")

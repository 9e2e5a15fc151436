"""Overlap against the simulated error, entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellml.evaluation.leaderboard import Leaderboard, lower_is_better
from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import BLUE, INK, MUTED, VERMILLION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NAMES = 14


def leaderboard_figure(board: Leaderboard, observable: str) -> Figure:
    """A dot an entry, those that change places with another as crosses; were overlap and answer the same, they would lie on one curve."""
    overlap, error = (np.array([getattr(row.entry, key) for row in board.rows]) for key in ("overlap", "error"))
    changed = np.array([row.disagrees > 0 for row in board.rows])
    with figure_style():
        figure = new_figure(5.6, 4.2)
        axes = figure.subplots()
        axes.plot(overlap[~changed], error[~changed], "o", color=BLUE, label="in both orders alike")
        axes.plot(overlap[changed], error[changed], "X", color=VERMILLION, markersize=7, label="changes places with another")
        if len(board.rows) <= _MOST_NAMES:
            for row in board.rows:
                place = (row.entry.overlap, row.entry.error)
                axes.annotate(row.entry.name, place, xytext=(4, 3), textcoords="offset points", fontsize=7, color=INK)
        axes.set(
            title=_title(board),
            xlabel=f"{board.score.replace('_', ' ')} ({'lower' if lower_is_better(board.score) else 'higher'} is better)",
            ylabel=f"relative error of the {observable.replace('_', ' ') or 'answer'}, median",
        )
        if (error > 0).all() and error.max() > 20 * error.min():
            axes.set_yscale("log")
        axes.axhline(1, color=MUTED, linewidth=0.8)
        axes.legend(loc="best")
    return figure


def _title(board: Leaderboard) -> str:
    interval = f" ({board.tau_low:.2f} to {board.tau_high:.2f})" if np.isfinite(board.tau_low) else ""
    return f"Kendall's τ {board.tau:.2f}{interval}" if np.isfinite(board.tau) else "Overlap and simulated answer"

"""The study's figure: error against unknowns, a panel for each problem, and the ratio to the residual estimator for all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cellml.report.figure_style import figure_style, new_figure

# Okabe and Ito's colours, which people with any colour vision tell apart; line styles say it again.
STYLES = {
    "uniform": ("#999999", ":", "uniform"),
    "residual": ("#0072B2", "-", "Dörfler, residual estimator"),
    "learned": ("#D55E00", "--", "Dörfler, learned indicator"),
    "oracle": ("#009E73", "-.", "Dörfler, true errors"),
}


def draw(rows: list[dict[str, str]], cases: list[str], path: Path) -> None:
    """Draw the curves of the named problems and of two random ones, and learned / residual and oracle / residual for every case."""
    shown = [name for name in cases if not name.startswith("random")] + [name for name in cases if name.startswith("random")][:1]
    with figure_style():
        figure = new_figure(10.5, 6.2)
        axes = figure.subplots(2, 3).ravel()
        for axis, name in zip(axes, shown, strict=False):
            _curves(axis, rows, name)
        _ratios(axes[5], rows, cases)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
        figure.savefig(path, dpi=140)


def _own(rows: list[dict[str, str]], case: str, method: str) -> tuple[np.ndarray, np.ndarray]:
    own = [(float(r["unknowns"]), float(r["error"])) for r in rows if r["case"] == case and r["method"] == method]
    unknowns, error = np.array(own).T
    return unknowns, error


def _curves(axis, rows: list[dict[str, str]], case: str) -> None:
    scale = np.sqrt(float(next(r["exact_energy"] for r in rows if r["case"] == case)))
    for method, (colour, line, label) in STYLES.items():
        unknowns, error = _own(rows, case, method)
        keep = unknowns >= 30
        axis.loglog(unknowns[keep], 100 * error[keep] / scale, line, color=colour, label=label)
    axis.set(title=case, xlabel="unknowns", ylabel="error (% of the energy norm)")
    _plain(axis.xaxis, (1.0, 3.0))
    _plain(axis.yaxis, (1.0, 2.0, 3.0, 5.0))


def _plain(axis, subs: tuple[float, ...]) -> None:
    """Labels such as 300 in place of powers of ten, at these multiples of them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _ratios(axis, rows: list[dict[str, str]], cases: list[str]) -> None:
    for method in ("learned", "oracle"):
        colour, _, label = STYLES[method]
        for number, case in enumerate(cases):
            base_n, base_e = _own(rows, case, "residual")
            n, e = _own(rows, case, method)
            keep = (n >= 100) & (n <= base_n.max())
            ratio = e[keep] / np.exp(np.interp(np.log(n[keep]), np.log(base_n), np.log(base_e)))
            axis.semilogx(n[keep], ratio, ".", color=colour, markersize=4, alpha=0.6, label=label if number == 0 else None)
    _plain(axis.xaxis, (1.0, 3.0))
    axis.axhline(1.0, color="#0072B2", linewidth=1.0)
    axis.set(title="All held-out problems", xlabel="unknowns", ylabel="error / error of residual marking")

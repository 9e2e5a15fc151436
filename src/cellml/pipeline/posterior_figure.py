"""The figure of a posterior: its histogram with the interval, and the parts of its variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import BLUE, INK, MUTED, ORANGE, SKY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 5  # histograms
_WORDS = {
    "image": "image (noise, wedge)",
    "segmentation": "segmentation",
    "mesh": "mesh",
    "unseen": "unseen (calibration)",
    "shrinkage": "fixation shrinkage",
    "parameter": "diffusion coefficient",
}


def posterior_figure(found: Sequence[Any], draws: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Histograms of the first five posteriors, and the mean parts of the variance over all of them, first-order and total."""
    shown = [p for p in found if f"{p.object} {p.observable}" in draws][:_MOST]
    with figure_style():
        panels = len(shown) + 1
        columns = min(3, panels)
        figure = new_figure(3.4 * columns, 2.7 * -(-panels // columns))
        axes = [figure.add_subplot(-(-panels // columns), columns, k + 1) for k in range(panels)]
        for axis, posterior in zip(axes, shown, strict=False):
            _histogram(axis, posterior, draws[f"{posterior.object} {posterior.observable}"])
        draw_parts(axes[-1], [p for p in found if p.indices])
    return figure


def _histogram(axis: Any, posterior: Any, values: NDArray[np.float64]) -> None:
    low, high = np.quantile(values, (0.005, 0.995))
    axis.hist(values, bins=np.geomspace(low, high, 40) if low > 0 else 40, color=SKY, density=True)
    axis.axvspan(posterior.low, posterior.high, color=BLUE, alpha=0.12, lw=0)
    axis.axvline(posterior.estimate, color=BLUE, label="estimate")
    if posterior.reference is not None:
        axis.axvline(posterior.reference, color=ORANGE, ls="--", label="reference segmentation")
    axis.set_title(f"object {posterior.object}")
    axis.set_xlabel(f"{posterior.observable.replace('_', ' ')} ({posterior.unit})")
    axis.set_ylabel("density")
    axis.set_yticks([])
    if low > 0 and high / low > 30:
        axis.set_xscale("log")
    axis.legend(loc="upper right", fontsize=7)


def draw_parts(axis: Any, found: Sequence[Any]) -> None:
    """Bars of the mean first-order and total indices of posteriors, with intervals over them (over draws where there is one).

    Parts that no posterior can tell, such as the mesh's where there is one meshing, are left out, and named below the axis, as are those of
    which one index is known only.
    """
    axis.set_title("where the variance comes from")
    if not found:
        axis.set_xlabel("share of the variance of ln(answer)")
        axis.text(0.5, 0.5, "too few answers to tell", ha="center", va="center", transform=axis.transAxes, color=MUTED)
        return
    known = {kind: _known(found, kind) for kind in ("first", "total")}
    told = np.flatnonzero(known["first"] | known["total"]).tolist()
    axis.set_xlabel("share of the variance of ln(answer)" + _unknown([i.name for i in found[0].indices], known))
    place = np.arange(len(told))[::-1]
    for shift, kind, colour in ((0.18, "first", BLUE), (-0.18, "total", ORANGE)):
        value = np.array([[getattr(p.indices[k], kind) for k in told] for p in found])
        middle = _mean(value)
        if len(found) > 1:
            rng = np.random.default_rng(0)
            means = np.array([_mean(value[rng.integers(len(value), size=len(value))]) for _ in range(300)])
            low, high = np.full((2, len(told)), np.nan)
            some = np.isfinite(middle)
            low[some], high[some] = np.nanpercentile(means[:, some], (5, 95), axis=0)
        else:
            low, high = (np.array([getattr(found[0].indices[k], f"{kind}_{end}") for k in told]) for end in ("low", "high"))
        axis.barh(place + shift, middle, 0.34, color=colour, label="first-order" if kind == "first" else "total")
        reach = [np.maximum(middle - low, 0), np.maximum(high - middle, 0)]
        axis.errorbar(middle, place + shift, xerr=reach, fmt="none", ecolor=INK, elinewidth=0.8)
    names = [found[0].indices[k].name for k in told]
    axis.set_yticks(place, [_WORDS.get(name, name) for name in names])
    axis.set_xlim(0, 1)
    axis.legend(loc="lower right", fontsize=7)


def _known(found: Sequence[Any], kind: str) -> NDArray[np.bool_]:
    """(parts,): whether any posterior tells an index, "first" or "total"."""
    values = np.array([[getattr(i, kind) for i in p.indices] for p in found])
    return np.asarray(np.isfinite(values).any(axis=0))


def _unknown(names: Sequence[str], known: Mapping[str, NDArray[np.bool_]]) -> str:
    """Lines on what has no bar, empty where all is known."""
    kinds = {"not known": ~known["first"] & ~known["total"], "first-order not known": ~known["first"] & known["total"]}
    kinds["total not known"] = known["first"] & ~known["total"]
    lines = {words: [name for name, lacks in zip(names, which, strict=True) if lacks] for words, which in kinds.items()}
    return "".join(f"\n{words}: {', '.join(lacking)}" for words, lacking in lines.items() if lacking)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means (K,) of the numbers there are in (N, K), NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    return np.asarray(np.where(count > 0, np.where(known, values, 0).sum(axis=0) / np.maximum(count, 1), np.nan))

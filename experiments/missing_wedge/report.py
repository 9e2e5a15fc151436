"""results.json, figure.png and the tables of the README, from the rows so far."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from conditions import KEY
from run import ROWS

from cellml.metrics.hallucination import hallucination_rate
from cellml.report.figure_style import figure_style, new_figure
from cellml.report.results import write_study_results
from cellml.report.rows import read_rows

HERE = Path(__file__).parent
CLASSICAL = ("wbp", "wbp_exact", "wbp_sirt_like", "sirt_subsets", "sirt", "sart", "sart_nonnegative", "cg", "tv", "wiener")
THEIRS = ("skimage_iradon", "skimage_sart")
RIVALS = ("sirt", "tv")  # what repairs are measured against; `wiener` beside them
COMPLETE = "complete"  # tilts over 180°, no repair
FOR_SEGMENTER = "judged+tilts"  # trained for what a segmenter makes of it
BEFORE = "wiener"  # what the networks are shown
COLOURS = {"inf": "#0072B2", "10": "#009E73", "1": "#E69F00", "0.1": "#D55E00"}

Row = dict[str, str]
Values = dict[str, tuple[float | None, str]]


def of(rows: list[Row], **wanted: str) -> dict[str, Row]:
    """Rows of one condition by method; ±60°, 2°, aligned where nothing else is said."""
    asked = {"specimen": "fib25", "half_range": "60", "step": "2", "misaligned": "0", **wanted}
    return {row["method"]: row for row in rows if all(row[name] == value for name, value in asked.items())}


def best(found: dict[str, Row], methods: list[str], column: str = "psnr") -> str | None:
    """The method of the highest value, None where none has a row."""
    known = [m for m in methods if m in found]
    return max(known, key=lambda m: float(found[m][column])) if known else None


def learned_of(found: dict[str, Row]) -> list[str]:
    """Methods that are neither ours without learning nor scikit-image's."""
    return [m for m in found if m not in (*CLASSICAL, *THEIRS, COMPLETE)]


def values(rows: list[Row]) -> Values:
    """What the rows say about the targets; learned ones only where a network took part."""
    result: Values = {"adjoint_mismatch": (adjoint_mismatch(), "1")}
    for snr in ("inf", "10", "1", "0.1"):
        result |= gains(of(rows, snr=snr), f"snr{snr}")
    found = of(rows, snr="10")
    chosen = best(found, learned_of(found))
    if chosen and {*RIVALS, BEFORE} <= set(found):
        rival = max(float(found[m]["in_wedge"]) for m in RIVALS)
        result["in_wedge_correlation"] = (float(found[chosen]["in_wedge"]), "1")
        result["in_wedge_correlation_ratio"] = (round(float(found[chosen]["in_wedge"]) / rival, 3), "1")
        loss = float(found[BEFORE]["measured"]) - float(found[chosen]["measured"])
        result["measured_region_loss"] = (round(max(loss, 0.0), 4), "1")
    return result | segmentation(chosen) | hallucination(chosen)


def gains(found: dict[str, Row], suffix: str) -> Values:
    """PSNR of the best repair over the better of SIRT and TV, and over Wiener's weights; and what complete tilts would gain."""
    result: Values = {}
    psnr = {method: float(row["psnr"]) for method, row in found.items()}
    before, after = best(found, list(RIVALS)), best(found, learned_of(found))
    for method, name in ((after, "psnr_gain"), (COMPLETE, "psnr_gain_complete")):
        if before and method in psnr:
            result[f"{name}_{suffix}"] = (round(psnr[method] - psnr[before], 3), "dB")
        if "wiener" in psnr and method in psnr:
            result[f"{name}_over_wiener_{suffix}"] = (round(psnr[method] - psnr["wiener"], 3), "dB")
    return result


def segmentation(chosen: str | None) -> Values:
    """Errors at SNR 10, and the share recovered of what the wedge costs: from the best reconstruction without learning.

    By adapted Rand error and (`_voi`) variation of information, with the decoder of complete data and (`_chosen`) the one that was chosen
    for each reconstruction on other rows.
    """
    measures = {"adapted_rand_error": "", "voi_sum": "_voi", "adapted_rand_error_chosen": "_chosen", "voi_sum_chosen": "_voi_chosen"}
    rows, result = {r["method"]: r for r in read_rows(HERE / "segmentation.csv")}, {}
    for column, suffix in measures.items():
        errors = {method: float(r[column]) for method, r in rows.items()}
        result |= {f"{column}_{method}": (value, "1") for method, value in errors.items()}
        without = [value for method, value in errors.items() if method in CLASSICAL]
        for method, name in ((FOR_SEGMENTER, "segmentation_recovered"), (chosen or "", "segmentation_recovered_by_best_psnr")):
            if without and {COMPLETE, method} <= set(errors):
                lost = min(without) - errors[COMPLETE]
                result[f"{name}{suffix}"] = (round((min(without) - errors[method]) / lost, 3), "1")
    return result


def hallucination(chosen: str | None) -> Values:
    """Rate of invented membranes, mean share of unknown shells kept, for the repair and the best reconstruction without learning."""
    rows, result = read_rows(HERE / "hallucination.csv"), {}
    for method, name in ((chosen, ""), (BEFORE, "_before")):
        shares = {
            test: [float(r["share"]) for r in rows if r["test"] == test and r["method"] == method]
            for test in ("removed membrane", "unknown shell")
        }
        if shares["removed membrane"]:
            result[f"hallucination_rate{name}"] = (round(hallucination_rate(shares["removed membrane"]), 4), "1")
            result[f"invented_share{name}"] = (round(float(np.mean(shares["removed membrane"])), 4), "1")
        if shares["unknown shell"]:
            result[f"unknown_shell_kept{name}"] = (round(float(np.mean(shares["unknown shell"])), 4), "1")
    return result


def adjoint_mismatch() -> float:
    """|⟨A x, y⟩ − ⟨x, Aᵀ y⟩| / ‖A x‖ ‖y‖ of random x and y in float64, at the tilts of the study."""
    import torch

    from cellml.tomography.projector import ParallelProjector

    projector = ParallelProjector(np.arange(-60, 61, 2.0), (48, 16, 48), width=64)
    torch.manual_seed(0)
    x, y = torch.randn(48, 16, 48, dtype=torch.float64), torch.randn(projector.projection_shape, dtype=torch.float64)
    image = projector.forward(x)
    return float(((image * y).sum() - (x * projector.adjoint(y)).sum()).abs() / (image.norm() * y.norm()))


def table(rows: list[Row], **wanted: str) -> str:
    """A Markdown table of one condition."""
    lines = ["| method | PSNR (dB) | SSIM | in-wedge | measured |", "|---|---|---|---|---|"]
    for method, row in of(rows, **wanted).items():
        label = f"{method} ({row['choice']})" if row["choice"] != "0" else method
        numbers = (f"{float(row[name]):.{digits}f}" for name, digits in (("psnr", 2), ("ssim", 3), ("in_wedge", 3), ("measured", 3)))
        lines.append(f"| {label} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def shown(found: set[str]) -> list[str]:
    """Methods of the figure from top to bottom: without learning, repairs with the projections returned, complete tilts."""
    repairs = sorted(m for m in found if m.endswith("+tilts"))
    return [m for m in (*CLASSICAL, *THEIRS, *repairs, COMPLETE) if m in found]


def draw(rows: list[Row]) -> None:
    """figure.png: PSNR and in-wedge correlation of each method at ±60°, 2°, one colour a signal-to-noise ratio."""
    specimens = ("fib25", "phantom")
    methods = {s: shown({m for snr in COLOURS for m in of(rows, specimen=s, snr=snr)}) for s in specimens}
    names = {"psnr": "PSNR (dB)", "in_wedge": "correlation inside the wedge"}
    with figure_style():
        figure = new_figure(10, 11)
        grid = figure.subplots(2, 2, height_ratios=[len(methods[s]) for s in specimens])
        for axes, (specimen, column) in zip(grid.ravel(), ((s, c) for s in specimens for c in names), strict=True):
            for number, (snr, colour) in enumerate(COLOURS.items()):
                found = of(rows, specimen=specimen, snr=snr)
                heights = [float(found[m][column]) if m in found else np.nan for m in methods[specimen]]
                places = np.arange(len(heights)) + 0.2 * number - 0.3
                axes.barh(places, heights, 0.2, color=colour, label=f"SNR {snr.replace('inf', '∞')}")
            axes.set(title=f"{specimen}, ±60°, 2°", xlabel=names[column])
            axes.set_yticks(np.arange(len(methods[specimen])), methods[specimen])
            axes.invert_yaxis()
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        figure.savefig(HERE / "figure.png", dpi=110)


def main() -> None:
    """Write results.json and figure.png, print the tables of the README."""
    rows = read_rows(ROWS)
    found = values(rows)
    write_study_results(HERE, found, seed=0, conditions=len({tuple(row[name] for name in KEY) for row in rows}))
    draw(rows)
    for specimen in ("phantom", "fib25"):
        for snr in COLOURS:
            if of(rows, specimen=specimen, snr=snr):
                print(f"\n{specimen}, ±60°, 2°, SNR {snr}\n\n{table(rows, specimen=specimen, snr=snr)}")
    for key, (value, unit) in found.items():
        print(f"{key:32} {value} {unit}")


if __name__ == "__main__":
    main()

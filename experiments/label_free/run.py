"""Correlation and errors on the strip that nobody trained on: `python experiments/label_free/run.py [model.ckpt]`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.checkpoint import load
from cellml.data.paired import OpenPair, PairedBlock
from cellml.infer.image import output_units
from cellml.metrics.correlation import ImageMoments
from cellml.report.curves import learning_curves
from cellml.report.figure_style import figure_style, new_figure
from cellml.report.results import write_study_results

_STRIPS = {"trained on": (0, 672), "validation": (704, 800), "held out": (832, 1024)}
_NOMINAL_NM = (1000.0, 1000.0, 1000.0)
_TILE = 48
_TARGETS = ("dapi", "map2", "nfh")
_STAINS = {"dapi": "DAPI (nuclei)", "map2": "MAP2 (dendrites)", "nfh": "NFH (axons)"}


def main() -> None:
    here = Path(__file__).parent
    model = load(sys.argv[1] if len(sys.argv) > 1 else here / "model.ckpt", task="RegressionTask")
    rows, values = [], {}
    for strip, extent in _STRIPS.items():
        planes, truth, predicted = predict_strip(model, extent)
        for k, name in enumerate(_TARGETS):
            row = scores(truth[k], predicted[k])
            rows.append({"strip": strip, "channel": name, **{key: round(value, 4) for key, value in row.items()}})
            print(f"{strip:10} {name:5} r {row['r']:.3f}  tiles {row['r_tiles_low']:.3f} to {row['r_tiles_high']:.3f}  R2 {row['r2']:.3f}")
            if strip == "held out":
                values[f"{name}_r"] = (row["r"], "1")
                values[f"{name}_r2"] = (row["r2"], "1")
                values[f"{name}_r_contrast"] = (contrast_correlation(planes[1], truth[k]), "1")
                values[f"{name}_mae"] = (row["mae"], "deviations of the truth")
        if strip == "held out":
            draw(planes, truth, predicted).savefig(here / "held_out.png", dpi=110)
    values["mean_r"] = (float(np.mean([values[f"{name}_r"][0] for name in _TARGETS])), "1")
    with (here / "scores.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    rounded = {key: (round(value, 4), unit) for key, (value, unit) in values.items()}
    write_study_results(here, rounded, seed=0, strips={k: list(v) for k, v in _STRIPS.items()}, data="isl_well_A4")
    if (here / "metrics.csv").is_file():
        learning_curves(here / "metrics.csv").savefig(here / "learning_curves.png", dpi=110)


def predict_strip(model: Any, extent: tuple[int, int]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """First, middle and last plane, true and predicted images, (3, Y, X) each, in camera units, of rows extent[0] to extent[1]."""
    targets = [{"name": name, "image": f"isl_well_A4:{name}"} for name in _TARGETS]
    block = OpenPair(PairedBlock("isl_well_A4", targets, {"y": list(extent)}, _NOMINAL_NM, planes_as_channels=True))
    scale, shift = output_units(model.contract, model.task.target)
    image = block.read_image()
    predicted = model.task.predict_volume(image) * scale + shift
    return image[[0, len(image) // 2, -1], 0], block.read_targets()[:, 0], predicted[:, 0]


def scores(truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float]:
    """r, R² and mean absolute error in deviations of the truth, and the range of r that a bootstrap of square tiles gives."""
    tiles = [
        ImageMoments.from_images(_cut(truth, y, x), _cut(predicted, y, x))
        for y in range(0, truth.shape[0] - _TILE + 1, _TILE)
        for x in range(0, truth.shape[1] - _TILE + 1, _TILE)
    ]
    rng = np.random.default_rng(0)
    drawn = [
        float(sum((tiles[i] for i in rng.integers(0, len(tiles), len(tiles))), ImageMoments.zeros(1)).pearson()[0]) for _ in range(500)
    ]
    whole = ImageMoments.from_images(truth[None, None], predicted[None, None])
    return {
        "r": float(whole.pearson()[0]),
        "r_tiles_low": float(np.percentile(drawn, 2.5)),
        "r_tiles_high": float(np.percentile(drawn, 97.5)),
        "r2": float(whole.explained_variance()[0]),
        "mae": float(whole.mean_absolute_error()[0] / truth.std()),
    }


def contrast_correlation(plane: NDArray[Any], truth: NDArray[Any]) -> float:
    """What no learning gives: r of the truth with the local contrast of the middle plane, a Gaussian of 6 pixels over |value − median|."""
    from scipy.ndimage import gaussian_filter

    contrast = gaussian_filter(np.abs(plane - np.median(plane)), 6.0)
    return float(np.corrcoef(contrast.ravel(), truth.ravel())[0, 1])


def _cut(image: NDArray[Any], y: int, x: int) -> NDArray[Any]:
    return image[None, None, y : y + _TILE, x : x + _TILE]


def draw(planes: NDArray[Any], truth: NDArray[Any], predicted: NDArray[Any]) -> Any:
    """Rows of stains: a plane, truth, prediction, error (prediction − truth), truth and prediction on one grey scale."""
    with figure_style():
        figure = new_figure(13.0, 3.6)
        axes = figure.subplots(len(_TARGETS), 4)
        for row, (name, plane, true, found) in enumerate(zip(_TARGETS, planes, truth, predicted, strict=True)):
            low, high = np.percentile(true, [1, 99.7])
            span = high - low
            panels = [
                (
                    plane,
                    "gray",
                    np.percentile(plane, 1),
                    np.percentile(plane, 99),
                    f"transmitted light, {('first', 'middle', 'last')[row]} plane",
                ),
                (true, "gray", low, high, f"{_STAINS[name]}: truth"),
                (found, "gray", low, high, f"prediction, r = {np.corrcoef(true.ravel(), found.ravel())[0, 1]:.2f}"),
                (found - true, "PuOr_r", -span, span, "prediction − truth (orange: too bright)"),
            ]
            for column, (image, colours, least, most, title) in enumerate(panels):
                axis = axes[row, column]
                shown = axis.imshow(image, cmap=colours, vmin=least, vmax=most, interpolation="nearest")
                axis.set_title(title, fontsize=8)
                axis.set_xticks([])
                axis.set_yticks([])
                axis.grid(False)
                if column in (2, 3):
                    figure.colorbar(shown, ax=axis, fraction=0.015, pad=0.01).ax.tick_params(labelsize=6)
        figure.suptitle("Held-out strip, 192 × 672 pixels of unknown size; camera units", fontsize=9, x=0.01, ha="left")
        return figure


if __name__ == "__main__":
    main()

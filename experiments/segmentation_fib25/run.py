"""Score the reference model on its held-out block: `python experiments/segmentation_fib25/run.py [model.ckpt]`."""

from __future__ import annotations

import sys
from pathlib import Path

from cellml.demo.segment import segment_held_out
from cellml.report.curves import learning_curves
from cellml.report.results import write_study_results

_HELD_OUT = {"x": (168, 250)}


def main() -> None:
    here = Path(__file__).parent
    checkpoint = Path(sys.argv[1]) if len(sys.argv) > 1 else here / "model.ckpt"
    block = segment_held_out(checkpoint, "fib25_train2", _HELD_OUT)
    scores = block.scores
    values = {
        "adapted_rand_error": (round(scores.adapted_rand_error, 4), "1"),
        "voi_sum": (round(scores.voi_sum, 4), "bit"),
        "voi_split": (round(scores.voi_split, 4), "bit"),
        "voi_merge": (round(scores.voi_merge, 4), "bit"),
        "prediction_zero_share": (round(scores.prediction_zero_share, 6), "1"),
        "voxels_scored": (scores.voxels_scored, "voxel"),
    }
    write_study_results(here, values, seed=0, held_out={k: list(v) for k, v in _HELD_OUT.items()}, data=block.warning or "fib25_train2")
    learning_curves(here / "metrics.csv").savefig(here / "learning_curves.png", dpi=110)
    for key, (value, unit) in values.items():
        print(f"{key:24} {value} {unit}")


if __name__ == "__main__":
    main()

"""From a block of FIB-25 to the posterior of a time, judged on neurites whose shape is known.

python experiments/pipeline/run.py                 # all stages; an interrupted one goes on
python experiments/pipeline/run.py stages=report   # table, results.json and figure from the rows so far
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from neurites import HALVES, OBSERVABLE, questions

HERE = Path(__file__).parent
SETTINGS: dict[str, dict[str, Any]] = {
    "samples": {"images": 3, "segmentations": 4, "thresholds": [0.3, 0.45, 0.6], "seed": 0},
    "meshes": {"tetrahedra": 3000, "meshings": [1.0]},
    "segmentation": {"tta": 4},
    "solve": {"observables": [OBSERVABLE]},
}


def run_half(half: str, work: Path, calibration: Path | None = None) -> dict[str, Any]:
    """The pipeline on a half block; what is done is not done again, so that a calibration costs the last step only."""
    from cellml.pipeline.command import run_pipeline

    questions(half, work)
    posterior = {} if calibration is None else {"calibration": str(calibration)}
    return run_pipeline(
        "fib25_train2",
        str(work / half),
        str(HERE.parent / "segmentation_fib25" / "model.ckpt"),
        image={"region": HALVES[half]},
        objects={"table": str(work / f"{half}.json")},
        posterior=posterior,
        **SETTINGS,
    )


def main() -> None:
    options = dict(word.split("=", 1) for word in sys.argv[1:])
    work = Path(options.get("work", "runs/pipeline_study"))
    stages = options.get("stages", "calibration,test,report").split(",")
    if "calibration" in stages:
        run_half("calibration", work)
    if "test" in stages:
        run_half("test", work)
    if "report" in stages:
        from report import report

        report(work)


if __name__ == "__main__":
    main()

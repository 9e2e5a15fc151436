"""From a block of FIB-25 to the posterior of a time, judged on neurites whose shape is known.

python experiments/pipeline/run.py                 # all stages; an interrupted one goes on
python experiments/pipeline/run.py stages=report   # table, results.json and figure from the rows so far
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurites import HALVES, OBSERVABLE, questions

HERE = Path(__file__).parent
SETTINGS: dict[str, dict[str, Any]] = {
    "segmentation": {"tta": 4},
    "solve": {"observables": [OBSERVABLE]},
}

# Which thresholds of the decoder are dealt out: its own is 0.45. The calibration half chooses.
SAMPLES: dict[str, dict[str, Any]] = {
    "narrow": {"images": 3, "segmentations": 4, "thresholds": [0.3, 0.45, 0.6], "seed": 0},
    "wide": {"images": 3, "segmentations": 5, "thresholds": [0.15, 0.3, 0.45, 0.6, 0.75], "seed": 0},
}


def folder_of(half: str, samples: str, work: Path) -> Path:
    """Where the steps of a half are."""
    return work / f"{half}_{samples}"


def run_half(half: str, samples: str, work: Path, calibration: Path | None = None, meshings: Sequence[float] = (1.0,)) -> dict[str, Any]:
    """The pipeline on a half block; what is done is not done again, so that a calibration costs the last step only.

    meshings: of each sample; several get a folder of their own, which begins with a copy of the steps before meshing where those are done.
    """
    from cellml.pipeline.command import STEPS, run_pipeline

    questions(half, work)
    folder = plain = folder_of(half, samples, work)
    if len(meshings) > 1:
        folder = folder_of(half, f"{samples}_two_meshings", work)
        for step in STEPS[:3] if not folder.exists() else ():
            shutil.copytree(plain / step, folder / step)
    posterior = {} if calibration is None else {"calibration": str(calibration)}
    return run_pipeline(
        "fib25_train2",
        str(folder),
        str(HERE.parent / "segmentation_fib25" / "model.ckpt"),
        image={"region": HALVES[half]},
        objects={"table": str(work / f"{half}.json")},
        samples=SAMPLES[samples],
        meshes={"tetrahedra": 3000, "meshings": list(meshings)},
        posterior=posterior,
        **SETTINGS,
    )


def main() -> None:
    options = dict(word.split("=", 1) for word in sys.argv[1:])
    work = Path(options.get("work", "runs/pipeline_study"))
    stages = options.get("stages", "calibration,test,meshings,report").split(",")
    for samples in options.get("samples", ",".join(SAMPLES)).split(","):
        for half in HALVES:
            if half in stages:
                run_half(half, samples, work)
    if "meshings" in stages:
        run_half("test", "narrow", work, meshings=(1.0, 1.4))
    if "report" in stages:
        from report import report

        report(work)


if __name__ == "__main__":
    main()

"""Two bright tubes that leave a small block, and a network of one weight that finds their dark surroundings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

SHAPE = (26, 40, 36)
CENTRES = ((12, 11), (13, 28))  # (z, y) of tubes along x
RADIUS = 6.0
CONFIG = """
task:
  _target_: cellml.tasks.segmentation.SegmentationTask
  net: {_target_: torch.nn.Conv3d, in_channels: 1, out_channels: 1, kernel_size: 1}
  target: {_target_: cellml.tasks.targets.BoundaryTarget}
  loss: {_target_: cellml.losses.affinity.BalancedBinaryLoss}
  optimizer: {_target_: torch.optim.AdamW, _partial_: true}
  decoder:
    _target_: cellml.segmentation.waterz_agglomeration.WaterzAgglomeration
    threshold: 0.5
    min_size: 20
    fragments: {_target_: cellml.segmentation.fragments.DistanceFragments, background_below: 0.5}
  window: {_target_: cellml.infer.predict.SlidingWindow, tile: [32, 48, 48], halo: [0, 0, 0], overlap: [0, 0, 0]}
"""


def tubes(noise: float = 8.0, seed: int = 0) -> np.ndarray:
    """Grey values (Z, Y, X): 60 outside, 180 inside of two round tubes."""
    z, y, _ = np.indices(SHAPE)
    inside = np.zeros(SHAPE, bool)
    for cz, cy in CENTRES:
        inside |= (z - cz) ** 2 + (y - cy) ** 2 <= RADIUS**2
    rng = np.random.default_rng(seed)
    return np.clip(60 + 120 * inside + noise * rng.standard_normal(SHAPE), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def image_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tubes as an MRC file of 10 nm voxels."""
    from cellml.io import write_volume
    from cellml.types import Volume

    path = tmp_path_factory.mktemp("image") / "tubes.mrc"
    write_volume(Volume(tubes().astype(np.float32), (10.0, 10.0, 10.0), name="tubes"), path)
    return path


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose boundary probability is σ(−3 (x − ½)), x the normalised image."""
    import torch

    from cellml.checkpoint import make_record, write

    path = tmp_path_factory.mktemp("checkpoint") / "dark.ckpt"
    contract = {"channels": 1, "spacing_nm": [10.0, 10.0, 10.0], "normalisation": "volume"}
    record = make_record(CONFIG + "# RandFlipd\n", "cellml.tasks.segmentation.SegmentationTask", contract)
    write(path, {"net.weight": torch.full((1, 1, 1, 1, 1), -3.0), "net.bias": torch.tensor([1.5])}, record)
    return path


@pytest.fixture(scope="session")
def settings(image_file: Path, checkpoint: Path) -> dict[str, Any]:
    """Arguments of `run_pipeline` for a run of seconds."""
    return {
        "input": str(image_file),
        "checkpoint": str(checkpoint),
        "segmentation": {"tta": 2},
        "objects": {"min_voxels": 500, "max_voxels": 20_000, "most": 2},
        "samples": {"images": 2, "segmentations": 2, "correlation_nm": 30},
        "meshes": {"tetrahedra": 400, "meshings": [1.0, 1.3]},
        "posterior": {"draws": 500},
    }

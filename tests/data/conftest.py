"""Blocks with a chosen defect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def write_block() -> Callable[..., Path]:
    """`write_block(folder, raw=…, labels=…, voxel_nm=…, name=…)` writes an .npz; what is left out is an ordinary small block."""

    def write(folder: Path, name: str = "block", **arrays: Any) -> Path:
        shape = arrays["labels"].shape[-3:] if "labels" in arrays else (16, 16, 16)
        usual = {
            "raw": np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8),
            "labels": np.ones(shape, np.uint8),
            "voxel_nm": np.array([10.0, 10.0, 10.0]),
        }
        path = folder / f"{name}.npz"
        np.savez(path, **{**usual, **arrays})
        return path

    return write

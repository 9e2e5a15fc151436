"""What produced a result: versions, commit, machine."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "cellml",
    "torch",
    "pytorch-lightning",
    "hydra-core",
    "monai",
    "torchio",
    "numpy",
    "scipy",
    "scikit-image",
    "scikit-learn",
    "numba",
    "scikit-fem",
    "mmgpy",
    "trimesh",
)


def versions() -> dict[str, str]:
    """Version of Python and of each package that shapes results, as plain text."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = str(version(name))
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def commit() -> str:
    """Commit of the source checkout, with "+" where it has uncommitted changes; "unknown" for an installed wheel."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return "unknown"
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
        dirty = subprocess.run(
            ["git", "status", "--porcelain", "-uno"], cwd=root, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return head + ("+" if dirty else "")


def machine() -> dict[str, str | int | float]:
    """Processor, usable cores, memory and accelerator, as plain text and numbers."""
    import os

    import torch

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        model = next((line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_gb": round(memory / 1e9, 1),
        "gpu": gpu,
    }

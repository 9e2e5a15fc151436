"""Where and with what something was computed: package versions, kind of machine, commit. Nothing that names a person or a computer."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "cellml",
    "torch",
    "pytorch-lightning",
    "monai",
    "torchio",
    "numpy",
    "scipy",
    "scikit-image",
    "scikit-fem",
    "mmgpy",
    "hydra-core",
)


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide results, as far as they are installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def machine_kind() -> dict[str, Any]:
    """Processor model, usable cores, memory in GiB, and the accelerator if torch is loaded already and sees one."""
    kind: dict[str, Any] = {"processor": _processor(), "cores": usable_cores(), "system": f"{platform.system()} {platform.machine()}"}
    memory = _memory_gib()
    if memory:
        kind["memory (GiB)"] = memory
    return {**kind, "accelerator": _accelerator()}


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def commit() -> str:
    """The commit of the checkout that this package runs from, with "+changes" where files differ from it; "" outside a checkout."""
    here = Path(__file__).resolve().parent
    number = _git("rev-parse", "HEAD", folder=here)
    tracked = _git("ls-files", "--", Path(__file__).name, folder=here)
    if not number or not tracked:
        return ""
    return number + ("+changes" if _git("status", "--porcelain", "--untracked-files=no", folder=here) else "")


def _git(*arguments: str, folder: Path) -> str:
    try:
        answer = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return 0.0


def _accelerator() -> str:
    import sys

    torch = sys.modules.get("torch")  # importing torch takes seconds, and what has not used it had no accelerator
    if torch is None or not torch.cuda.is_available():
        return "none"
    return f"{torch.cuda.device_count()} × {torch.cuda.get_device_name(0)}"

"""How much memory there is, and a clear word where something will not fit."""

from __future__ import annotations

from pathlib import Path

from cellml.errors import CellmlError

_UNCHECKED = 1 << 28  # bytes; less is always there, or nothing works


def free_memory_gb() -> float:
    """Memory that a new process can get: what the system calls available, and what the control group leaves, whichever is less."""
    available = float("inf")
    info = Path("/proc/meminfo")
    if info.is_file():
        lines = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        available = float(lines.get("MemAvailable", "inf").split()[0]) * 1024
    limit, used = (_number(Path("/sys/fs/cgroup") / name) for name in ("memory.max", "memory.current"))
    if limit is not None:
        available = min(available, limit - (used or 0.0))
    if available == float("inf"):
        available = 8e9  # nothing tells: what a laptop has to spare
    return max(0.5, available / 1e9)


def require_memory(nbytes: int, what: str, remedy: str) -> None:
    """Raise CellmlError where `nbytes` are more than is free, before the system ends the process for it.

    what, remedy: "… is N GB", "…"; small files can promise any size, so this is asked before memory is taken.
    """
    if nbytes > _UNCHECKED and nbytes / 1e9 > (free := free_memory_gb()):
        raise CellmlError(f"{what} is {nbytes / 1e9:.1f} GB in memory, and {free:.1f} GB are free. {remedy}")


def too_large(what: object) -> CellmlError:
    """The error to raise from a MemoryError while a file is read. what: its name."""
    return CellmlError(
        f"{what} asks for more memory than there is: what it says of its size is damaged, or a chunk or tile of it is very large. Fetch "
        "or make it again, read it on a machine with more memory, or store it anew in chunks of a few megabytes."
    )


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return None

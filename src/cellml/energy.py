"""Energy meters of the machine: Intel's and AMD's RAPL counters of processor packages, and NVIDIA's of its cards.

They measure the whole package or card, whoever computes on it. Where there is none, or it may not be read, nothing is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_RAPL = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Counter:
    """read(): joules since some beginning; wraps: joules after which the counter starts again, 0 for never."""

    name: str
    read: Callable[[], float]
    wraps: float = 0.0


def counters(rapl: Path = _RAPL) -> list[Counter]:
    """Every meter of this machine that may be read: processor packages (not their parts, which would count twice) and graphics cards."""
    return [*_packages(rapl), *_cards()]


@dataclass
class EnergyMeter:
    """Joules of all counters since the meter was made. `update` it more often than a counter wraps, which takes an hour at 70 W."""

    counters: list[Counter] = field(default_factory=counters)
    joules: float = 0.0

    def __post_init__(self) -> None:
        self._last = [counter.read() for counter in self.counters]

    def update(self) -> float:
        """Add what has been used since the last time; returns the sum in joules."""
        for i, counter in enumerate(self.counters):
            now = counter.read()
            used = now - self._last[i]
            self.joules += used + (counter.wraps if used < 0 else 0.0)
            self._last[i] = now
        return self.joules

    @property
    def names(self) -> list[str]:
        """Of the counters."""
        return [counter.name for counter in self.counters]


def _packages(rapl: Path) -> list[Counter]:
    found = []
    for zone in sorted(rapl.glob("intel-rapl:*")):
        if zone.name.count(":") != 1:
            continue
        try:
            name, wraps = (zone / "name").read_text().strip(), float((zone / "max_energy_range_uj").read_text()) / 1e6
            float((zone / "energy_uj").read_text())
        except (OSError, ValueError):  # since 2020 only the administrator may read them
            continue
        found.append(Counter(f"RAPL {name}", _reader(zone / "energy_uj"), wraps))
    return found


def _reader(path: Path) -> Callable[[], float]:
    return lambda: float(path.read_text()) / 1e6


def _cards() -> list[Counter]:
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        for handle in handles:
            pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except Exception:  # no library, no driver, or a card before Volta: nothing to measure with
        return []
    return [Counter(f"NVML card {i}", _card_reader(pynvml, handle)) for i, handle in enumerate(handles)]


def _card_reader(pynvml: object, handle: object) -> Callable[[], float]:
    read = pynvml.nvmlDeviceGetTotalEnergyConsumption  # type: ignore[attr-defined]
    return lambda: float(read(handle)) / 1e3

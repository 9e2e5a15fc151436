"""Energy counters: read, summed, and right when they start again."""

from __future__ import annotations

from pathlib import Path

from cellml.energy import Counter, EnergyMeter, counters


def zone(root: Path, name: str, label: str, joules: float) -> Path:
    folder = root / name
    folder.mkdir()
    (folder / "name").write_text(f"{label}\n")
    (folder / "max_energy_range_uj").write_text("1000000000\n")
    (folder / "energy_uj").write_text(f"{joules * 1e6:.0f}\n")
    return folder


def test_packages_are_read_and_their_parts_are_not(tmp_path: Path) -> None:
    first = zone(tmp_path, "intel-rapl:0", "package-0", 10)
    zone(tmp_path, "intel-rapl:0:0", "core", 5)
    zone(tmp_path, "intel-rapl:1", "package-1", 20)
    found = [counter for counter in counters(tmp_path) if counter.name.startswith("RAPL")]
    assert [(one.name, one.read(), one.wraps) for one in found] == [("RAPL package-0", 10.0, 1000.0), ("RAPL package-1", 20.0, 1000.0)]
    meter = EnergyMeter(found)
    (first / "energy_uj").write_text("15000000")
    assert meter.update() == 5.0 and meter.update() == 5.0


def test_a_counter_that_starts_again_loses_nothing() -> None:
    values = iter([990.0, 995.0, 4.0, 4.5])
    meter = EnergyMeter([Counter("c", lambda: next(values), wraps=1000.0)])
    assert [meter.update() for _ in range(3)] == [5.0, 14.0, 14.5]


def test_where_nothing_may_be_read_nothing_is_measured(tmp_path: Path) -> None:
    (tmp_path / "intel-rapl:0").mkdir()
    assert not [counter for counter in counters(tmp_path) if counter.name.startswith("RAPL")]
    assert EnergyMeter([]).update() == 0.0

from __future__ import annotations

import pytest

from cellml.io.units import nanometres


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("nm", 1.0),
        ("nanometer", 1.0),
        ("Nanometers", 1.0),
        ("µm", 1e3),
        ("μm", 1e3),
        ("\\u00B5m", 1e3),
        ("um", 1e3),
        ("micron", 1e3),
        ("micrometer", 1e3),
        ("mm", 1e6),
        ("m", 1e9),
        ("Å", 0.1),
        ("\u212b", 0.1),
        ("A\u030a", 0.1),
        ("angstrom", 0.1),
        (" nm\x00", 1.0),
    ],
)
def test_every_spelling_of_a_length(unit: str, factor: float) -> None:
    assert nanometres(unit) == factor


@pytest.mark.parametrize("unit", [None, "", "pixel", "inch", "second", "unknown", "s"])
def test_what_is_no_length_is_none(unit: str | None) -> None:
    assert nanometres(unit) is None

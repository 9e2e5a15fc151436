"""Lengths in nanometres, whatever a file calls its unit."""

from __future__ import annotations

import unicodedata

_NM = {
    "m": 1e9,
    "meter": 1e9,
    "metre": 1e9,
    "cm": 1e7,
    "centimeter": 1e7,
    "centimetre": 1e7,
    "mm": 1e6,
    "millimeter": 1e6,
    "millimetre": 1e6,
    "μm": 1e3,  # Greek mu, which is what NFKC makes of the micro sign
    "um": 1e3,
    "micron": 1e3,
    "microns": 1e3,
    "micrometer": 1e3,
    "micrometre": 1e3,
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometre": 1.0,
    "å": 0.1,
    "a": 0.1,
    "angstrom": 0.1,
    "ångström": 0.1,
    "pm": 1e-3,
    "picometer": 1e-3,
    "picometre": 1e-3,
}


def nanometres(unit: str | None) -> float | None:
    """Nanometres in one `unit`, or None where the unit is no length that microscopes use (pixel, inch, nothing).

    An inch counts as no length on purpose: image programs write 72 dots per inch where nothing was measured.
    """
    if unit is None:
        return None
    name = str(unit).strip(" \x00\n\t").replace("\\u00B5", "µ")  # ImageJ escapes the micro sign
    name = unicodedata.normalize("NFKC", name).lower()
    return _NM.get(name) or _NM.get(name.rstrip("s"))

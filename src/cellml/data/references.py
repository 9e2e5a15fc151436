"""What a user writes where a file is meant: a path, a path with an array name, or the name of a known data set."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cellml.data.catalogue import CATALOGUE


def resolve(reference: str, role: Literal["image", "labels"]) -> tuple[str, str | None]:
    """A file reference ready for `cellml.io`, and a warning that must travel with every result (or None).

    reference: a file; `FILE.npz:NAME` or `FILE.h5:/dataset`; or a data set's name, such as "fib25_train2" or "fib25_train2:neurons",
    which is looked for as `cellml.data.sources.locate` says. role: a bare data set's name means its first array for an image, its second
    for labels.
    """
    from cellml.data.sources import locate

    name, _, array = str(reference).partition(":")
    if name not in CATALOGUE or Path(reference).exists():
        return str(reference), None
    located, arrays = locate(name), CATALOGUE[name].arrays
    usual = arrays[0] if role == "image" else arrays[min(1, len(arrays) - 1)]
    return f"{located.path}:{array or usual}", located.warning

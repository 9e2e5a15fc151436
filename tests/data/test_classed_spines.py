"""The classed spines as a population, where the archive is there."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from cellml.data.classed_spines import ClassedSpines
from cellml.errors import CellmlError, FileError

needs_data = pytest.mark.skipif(not Path(os.environ.get("CELLML_DATA", ""), "spinetool_spines.zip").is_file(), reason="needs $CELLML_DATA")


def test_a_missing_archive_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CELLML_DATA", str(tmp_path))
    with pytest.raises(FileError, match=r"spinetool_spines\.zip"):
        ClassedSpines()()


@needs_data
def test_all_spines_with_a_class_are_there_once() -> None:
    population = ClassedSpines()()
    assert len(population) == 270
    counts = Counter(population.classes)
    assert (counts["Filopodia"], counts["Outlier"]) == (8, 7)
    assert all(300 < np.ptp(surface.vertices, axis=0).max() < 20_000 for surface in population.surfaces)  # nm
    with pytest.raises(CellmlError, match="no class Round"):
        ClassedSpines(["Round"])()

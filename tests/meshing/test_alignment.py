from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing import Gate, mesh_labels
from cellml.meshing.alignment import align_sections
from cellml.types import Labels


def ellipsoid(centre_shift=0.0):
    z, y, x = np.meshgrid(np.arange(20), np.arange(48), np.arange(48), indexing="ij")
    moved = centre_shift * (z - 9.5)
    return ((z - 9.5) / 9) ** 2 + ((y - 24 - moved) / 14) ** 2 + ((x - 24) / 11) ** 2 <= 1


def jittered(mask, seed):
    shifts = np.random.default_rng(seed).integers(-2, 3, size=(len(mask), 2))
    return np.stack([np.roll(section, tuple(shift), axis=(0, 1)) for section, shift in zip(mask, shifts, strict=True)])


def roughness(mask):
    """Pixels that differ between neighbouring sections."""
    return int((mask[1:] != mask[:-1]).sum())


@pytest.mark.parametrize("slope", [0.0, 0.7])
@pytest.mark.parametrize("seed", range(4))
def test_jitter_is_taken_back_and_inclination_is_kept(slope, seed):
    true = ellipsoid(slope)
    rough = jittered(true, seed)
    aligned, said = align_sections(Labels(rough.astype(np.uint8), (40, 4, 4)), 0)
    mask = aligned.data > 0
    assert mask.sum() == true.sum()
    assert roughness(mask) - roughness(true) < 0.4 * (roughness(rough) - roughness(true))
    rows = np.array([np.argwhere(section).mean(axis=0)[0] for section in mask if section.any()])
    assert np.polyfit(np.arange(len(rows)), rows, 1)[0] == pytest.approx(slope, abs=0.25)
    assert "against jitter" in said


def test_what_is_aligned_stays_as_it_is():
    labels = Labels(ellipsoid().astype(np.uint8), (40, 4, 4))
    aligned, said = align_sections(labels, 0)
    assert (aligned.data == labels.data).all()
    assert said.startswith("0 of")


def test_repeated_voxels_of_a_section_move_together():
    rough = jittered(ellipsoid(), 1)
    thick = np.repeat(rough, 3, axis=0).astype(np.uint8)
    aligned, _ = align_sections(Labels(thick, (10, 10, 10)), 0, np.arange(0, 61, 3))
    single, _ = align_sections(Labels(rough.astype(np.uint8), (30, 10, 10)), 0)
    assert (aligned.data == np.repeat(single.data, 3, axis=0)).all()


def test_too_few_sections_are_refused():
    with pytest.raises(CellmlError, match="at least 5"):
        align_sections(Labels(ellipsoid()[8:12].astype(np.uint8), (40, 4, 4)), 0)


def test_meshing_aligned_sections_gives_a_smoother_membrane():
    rough = Labels(jittered(ellipsoid(), 2).astype(np.uint8), (40, 10, 10))
    plain, aligned = mesh_labels(rough), mesh_labels(rough, align=True)
    areas = [result.certificate.membrane_area_nm2 for result in (plain, aligned)]
    assert areas[1] < 0.98 * areas[0]
    assert any("against jitter" in said for said in aligned.certificate.repairs)
    assert not aligned.certificate.passes(Gate())

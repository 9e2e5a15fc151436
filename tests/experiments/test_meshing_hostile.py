from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from analytic import SHAPES, shape
from hostile import CYCLE, KINDS, hostile
from judge import contradictions, gate_failure_is_true, undue_losses
from measure import measure
from reference import of_label
from refusals import Case, verify

from cellml.errors import CellmlError
from cellml.meshing import Gate, mesh_labels
from cellml.types import Labels

SECONDS = 250.0


def _small(seed: int, most: int) -> Labels:
    """The middle of a hostile volume."""
    labels = hostile(seed).labels
    box = tuple(slice(max((n - most) // 2, 0), max((n - most) // 2, 0) + most) for n in labels.shape)
    return replace(labels, data=np.ascontiguousarray(labels.data[box]))


def _ends_well(labels: Labels) -> str:
    """Mesh labels; what is wrong with how that ended, or nothing."""
    began = time.monotonic()
    try:
        result = mesh_labels(labels, timeout_s=SECONDS)
    except CellmlError as error:
        verdict = verify(str(error), Case(labels, wall_s=time.monotonic() - began, timeout_s=SECONDS))
        return "" if verdict.verified else f"refused, but not truly: {error}"
    names = {name.removeprefix("label_"): number for number, name in result.mesh.region_names.items()}
    references = {names.get(str(n), int(n)): of_label(labels, n) for n in np.unique(labels.data) if n > 0}
    measures = measure(result.mesh, references)
    said = "; ".join(result.certificate.passes(Gate()))
    if said:
        return "" if gate_failure_is_true(said, measures, Gate()) else f"fails its gate, but not truly: {said}"
    return "; ".join([*contradictions(measures, Gate()), *undue_losses(labels, measures, 27)])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_ends_in_a_certified_mesh_or_a_true_refusal(kind):
    assert _ends_well(_small(CYCLE.index(kind), 14)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 90))
def test_whole_hostile_volumes_end_well(seed):
    assert _ends_well(hostile(seed).labels) == ""


def test_the_same_seed_gives_the_same_volume_and_another_seed_another():
    for seed in range(len(CYCLE)):
        first, again, other = hostile(seed), hostile(seed), hostile(seed + len(CYCLE))
        assert first.kind == again.kind == other.kind
        assert (first.labels.data == again.labels.data).all()
        assert first.labels.spacing == again.labels.spacing
        same = first.labels.shape == other.labels.shape and (first.labels.data == other.labels.data).all()
        assert not same or first.kind == "touches all borders"  # one in five is full


def test_volumes_are_small_and_of_every_kind():
    made = [hostile(seed) for seed in range(len(CYCLE))]
    assert {each.kind for each in made} == set(KINDS)
    assert max(max(each.labels.shape) for each in made) <= 40
    assert sum(each.smooth for each in made) == 7


@pytest.mark.parametrize("name", SHAPES)
def test_closed_forms_agree_with_the_voxels(name):
    made = shape(name)
    voxels = (made.labels.data > 0).sum() * np.prod(made.labels.spacing)
    assert voxels == pytest.approx(made.volume_nm3, rel=0.01)
    assert len(SHAPES) == 20

"""What is varied from draw to draw."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from cellml.errors import CellmlError
from cellml.pipeline.recipe import SampleStep
from cellml.pipeline.samples import _require_threshold, segmentation_draws


def test_members_and_thresholds_occur_alike_and_the_seed_decides() -> None:
    step = SampleStep(segmentations=12, thresholds=[0.3, 0.45, 0.6], seed=4)
    drawn = segmentation_draws(step, nets=2, symmetries=2)
    assert Counter((d.net, d.symmetry) for d in drawn) == {(n, s): 3 for n in range(2) for s in range(2)}
    assert Counter(d.threshold for d in drawn) == {0.3: 4, 0.45: 4, 0.6: 4}
    assert drawn == segmentation_draws(step, 2, 2) != segmentation_draws(SampleStep(segmentations=12, thresholds=[0.3, 0.45, 0.6]), 2, 2)
    assert {d.threshold for d in segmentation_draws(SampleStep(), 1, 8)} == {None} and len({d.seed for d in drawn}) == 12


@pytest.mark.parametrize(
    ("kind", "decoder", "said"), [("semantic", None, "a network of classes has none"), ("instance", object(), "object has none")]
)
def test_thresholds_that_nothing_has_are_refused(kind: str, decoder: Any, said: str) -> None:
    with pytest.raises(CellmlError, match=said):
        _require_threshold(SimpleNamespace(target=SimpleNamespace(kind=kind), decoder=decoder))
    _require_threshold(SimpleNamespace(target=SimpleNamespace(kind="instance"), decoder=SimpleNamespace(threshold=0.5)))

"""V_rand and V_info of files, section by section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cellml.errors import CellmlError
from cellml.metrics.bootstrap import Bootstrap, section_intervals
from cellml.metrics.confusion import ConfusionCounts
from cellml.metrics.membranes import MembraneScores, section_counts
from cellml.metrics.pair_counts import PairCounts
from cellml.metrics.streams import Comparison


def membrane_results(comparison: Comparison, thresholds: Sequence[float], bootstrap: Bootstrap | None = None) -> list[dict[str, Any]]:
    """`MembraneScores` of a probability of membrane in 0 … 1 against true membranes (1), one dictionary for each threshold.

    Each also holds `dice`, `iou`, `precision` and `recall` of the membrane's voxels, `by_section`: V_rand and V_info of each section, and
    with a bootstrap `intervals`, drawing whole sections. Sections stand for themselves, so that slabs of any depth give the same. Raises
    CellmlError where a threshold is not in (0, 1], the prediction not a probability, or the truth not 0 and 1.
    """
    wrong = [threshold for threshold in thresholds if not 0 < threshold <= 1]
    if wrong:
        raise CellmlError(f"A threshold of a membrane probability is above 0 and at most 1; got {', '.join(f'{one:g}' for one in wrong)}.")
    sections: list[list[PairCounts]] = [[] for _ in thresholds]
    confusions = [ConfusionCounts.zeros(2) for _ in thresholds]
    for slab in comparison.slabs(fractional=True):
        if slab.prediction.min() < 0 or slab.prediction.max() > 1:
            raise CellmlError(
                f"{comparison.specs[0]} reaches from {slab.prediction.min():g} to {slab.prediction.max():g}, and a probability of membrane "
                "lies between 0 and 1; divide integers by their largest value first."
            )
        found = section_counts(slab.prediction, slab.truth, thresholds=thresholds, mask=slab.mask)
        for index, threshold in enumerate(thresholds):
            sections[index] += found[index]
            confusions[index] = confusions[index].update(slab.truth, slab.prediction >= threshold, slab.mask)
    return [_result(*one, bootstrap) for one in zip(sections, confusions, thresholds, strict=True)]


def _result(sections: list[PairCounts], confusion: ConfusionCounts, threshold: float, bootstrap: Bootstrap | None) -> dict[str, Any]:
    membrane = asdict(confusion.scores()[1])
    by_section = [
        {"section": number, "v_rand": one.v_rand()[0], "v_info": one.v_info()[0]} for number, one in enumerate(sections) if one.pixels
    ]
    found = {
        "kind": "membrane",
        **asdict(MembraneScores.from_sections(sections, threshold)),
        **{key: membrane[key] for key in ("dice", "iou", "precision", "recall")},
        "by_section": by_section,
    }
    if bootstrap is not None:
        found["bootstrap"] = {**asdict(bootstrap), "blocks": len(by_section), "block": "section"}
        found["intervals"] = section_intervals(sections, bootstrap)
    return found

"""Choice of a decoder's parameters, on validation data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.cremi import cremi_score
from cellml.metrics.partition import partition_scores
from cellml.segmentation.boundary import Decoder
from cellml.segmentation.waterz_agglomeration import WaterzAgglomeration

Cost = Callable[[ContingencyTable], float]
Scores = Callable[[ContingencyTable], Mapping[str, float]]


@dataclass(frozen=True)
class Choice:
    """The chosen decoder, its parameters among those tried, its score (lower is better), and one row for every candidate.

    Each row holds the candidate's parameters, its `scores`, its cost as `score`, and as `worst_nearby` the worst cost at its threshold and
    the next ones on either side (of the parameter that a decoder names as `choose_along`); rows are in the order they were tried.
    """

    decoder: Decoder
    parameters: dict[str, Any]
    score: float
    rows: tuple[dict[str, Any], ...]


def cremi_cost(table: ContingencyTable) -> float:
    """The CREMI score of a contingency table."""
    return cremi_score(partition_scores(table))


def all_partition_scores(table: ContingencyTable) -> dict[str, float]:
    """The fields of PartitionScores by name."""
    return asdict(partition_scores(table))


def choose_parameters(
    decoder: Decoder,
    grid: Mapping[str, Sequence[Any]],
    affinities: NDArray[Any],
    offsets: Sequence[Sequence[int]],
    truth: NDArray[Any],
    *,
    cost: Cost = cremi_cost,
    scores: Scores = all_partition_scores,
    mask: NDArray[np.bool_] | None = None,
) -> Choice:
    """Decode with every combination of the grid and keep the one whose threshold, and the next ones on either side, are best at worst.

    A threshold beside a cliff may be the best by a hair on one block and lie beyond the cliff on the next. Use validation data, never the
    data that will be reported on. decoder: a dataclass; grid: values for its fields, with a dot for fields of its fragments
    ("fragments.sigma"); affinities: (K, Z, Y, X) in [0, 1]; truth: (Z, Y, X) objects; mask: where they are counted; cost: what is to be
    small; scores: what else the rows report. Fragments are computed once for equal fragment parameters, and one waterz agglomeration
    serves all thresholds. On a tie the one that is better at its own threshold wins, then the earlier. Raises CellmlError for an empty
    grid or unknown fields.
    """
    if not grid or not all(len(values) for values in grid.values()):
        raise CellmlError(f"The grid needs at least one value for each parameter, got {dict(grid)}.")
    tried: list[tuple[float, Decoder, dict[str, Any]]] = []
    rows: list[dict[str, Any]] = []
    for parameters, candidate, labels in _decoded(decoder, grid, affinities, offsets, mask):
        table = ContingencyTable.from_labels(truth, labels, mask)
        tried.append((cost(table), candidate, parameters))
        rows.append({**parameters, **scores(table), "score": tried[-1][0]})
    worst = _worst_nearby([(parameters, score) for score, _, parameters in tried], along=getattr(decoder, "choose_along", "threshold"))
    for row, value in zip(rows, worst, strict=True):
        row["worst_nearby"] = value
    score, best, chosen = tried[min(range(len(tried)), key=lambda index: (worst[index], tried[index][0]))]
    return Choice(best, chosen, score, tuple(rows))


def _worst_nearby(tried: Sequence[tuple[dict[str, Any], float]], along: str = "threshold") -> list[float]:
    """For each candidate the worst score of those that differ from it by no more than one step of the parameter `along`."""
    lines: dict[tuple[Any, ...], list[int]] = {}
    for index, (parameters, _) in enumerate(tried):
        others = tuple((name, repr(value)) for name, value in parameters.items() if name != along)
        lines.setdefault(others, []).append(index)
    worst = [score for _, score in tried]
    for line in lines.values():
        line.sort(key=lambda index: tried[index][0].get(along, 0.0))
        for place, index in enumerate(line):
            worst[index] = max(tried[near][1] for near in line[max(place - 1, 0) : place + 2])
    return worst


def _decoded(
    decoder: Decoder, grid: Mapping[str, Sequence[Any]], affinities: NDArray[Any], offsets: Any, mask: NDArray[np.bool_] | None
) -> Iterator[tuple[dict[str, Any], Decoder, NDArray[np.uint32]]]:
    """Parameters, decoder and labels of each candidate; work that candidates share is done once."""
    outer = {name: values for name, values in grid.items() if name != "threshold" or not isinstance(decoder, WaterzAgglomeration)}
    outer = dict(sorted(outer.items(), key=lambda item: not item[0].startswith("fragments")))  # fragments change least often
    last: tuple[Any, NDArray[np.uint32]] | None = None
    for values in product(*outer.values()):
        parameters = dict(zip(outer, values, strict=True))
        candidate = _with_parameters(decoder, parameters)
        make = getattr(candidate, "fragments", None)
        if make is None:
            yield parameters, candidate, candidate(affinities, offsets, mask)
            continue
        if last is None or last[0] != make:
            last = (make, make(affinities, offsets, mask))
        yield from _from_fragments(candidate, parameters, last[1], grid.get("threshold", ()), affinities, offsets)


def _from_fragments(
    candidate: Any,
    parameters: dict[str, Any],
    fragments: NDArray[np.uint32],
    thresholds: Sequence[float],
    affinities: NDArray[Any],
    offsets: Any,
) -> Iterator[tuple[dict[str, Any], Decoder, NDArray[np.uint32]]]:
    if not isinstance(candidate, WaterzAgglomeration):
        yield parameters, candidate, candidate.cluster(affinities, fragments, offsets)
        return
    thresholds = sorted(thresholds) or [candidate.threshold]
    for threshold, labels in zip(thresholds, candidate.sweep(affinities, fragments, thresholds, offsets), strict=True):
        yield {**parameters, "threshold": threshold}, replace(candidate, threshold=threshold), labels


def _with_parameters(decoder: Any, parameters: Mapping[str, Any]) -> Any:
    """The decoder with fields replaced; "a.b" replaces field b of field a."""
    nested: dict[str, dict[str, Any]] = {}
    own: dict[str, Any] = {}
    for name, value in parameters.items():
        head, _, tail = name.partition(".")
        if head not in decoder.__dataclass_fields__:
            raise CellmlError(f"{type(decoder).__name__} has no parameter {head!r}; it has {', '.join(decoder.__dataclass_fields__)}.")
        if tail:
            nested.setdefault(head, {})[tail] = value
        else:
            own[head] = value
    inner = {head: _with_parameters(own.get(head, getattr(decoder, head)), values) for head, values in nested.items()}
    return replace(decoder, **{**own, **inner})

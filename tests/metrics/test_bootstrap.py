from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.metrics.bootstrap import Bootstrap, object_intervals, section_intervals, table_intervals
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.objects import matched_objects
from cellml.metrics.pair_counts import PairCounts
from cellml.metrics.partition import partition_scores


def rand_and_voi(table):
    scores = asdict(partition_scores(table))
    return {name: scores[name] for name in ("adapted_rand_error", "voi_sum")}


def blocks(seed=0, number=6, size=200):
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(number):
        truth = rng.integers(1, 5, size)
        pairs.append((truth, np.where(rng.random(size) < rng.uniform(0, 0.6), rng.integers(1, 5, size), truth)))
    return pairs


def test_resamples_are_those_of_repeated_blocks():
    pairs = blocks()
    bootstrap = Bootstrap(samples=40, seed=3)
    found = table_intervals([ContingencyTable.from_labels(*pair) for pair in pairs], rand_and_voi, bootstrap)
    values = []
    for weights in bootstrap.weights(len(pairs)):
        drawn = [pairs[block] for block, times in enumerate(weights) for _ in range(times)]
        table = ContingencyTable.from_labels(*(np.concatenate(side) for side in zip(*drawn, strict=True)))
        values.append(rand_and_voi(table))
    for name in ("adapted_rand_error", "voi_sum"):
        expected = np.percentile([value[name] for value in values], (2.5, 97.5))
        assert found[name] == pytest.approx(expected)


def test_the_seed_decides_and_the_interval_holds_the_estimate():
    tables = [ContingencyTable.from_labels(*pair) for pair in blocks()]
    one, same, other = (table_intervals(tables, rand_and_voi, Bootstrap(200, seed)) for seed in (0, 0, 1))
    assert one == same != other
    whole = rand_and_voi(sum(tables[1:], tables[0]))
    assert all(low < whole[name] < high for name, (low, high) in one.items())


def test_equal_blocks_leave_no_doubt():
    table = ContingencyTable.from_labels(*blocks()[0])
    low, high = table_intervals([table] * 5, lambda t: {"error": partition_scores(t).voi_sum}, Bootstrap(50))["error"]
    assert low == pytest.approx(high) == pytest.approx(partition_scores(table).voi_sum)


def test_coverage_of_a_proportion():
    """Shares of correct voxels in blocks that differ: the interval must hold the true share about as often as it claims."""
    rng = np.random.default_rng(0)
    held = 0  # of 60
    for trial in range(60):
        shares = rng.beta(8, 2, 30)
        tables = [ContingencyTable(np.array([1, 1]), np.array([0, 1]), np.array([round(1000 * (1 - p)), round(1000 * p)])) for p in shares]
        low, high = table_intervals(tables, lambda t: {"share": t.counts[-1] / t.voxels}, Bootstrap(100, trial))["share"]
        held += low <= 0.8 <= high
    assert 50 <= held < 60


def test_whole_objects_are_drawn_with_their_block():
    truth, prediction = np.zeros((2, 100), int), np.zeros((2, 100), int)
    for n in range(5):
        truth[0, 20 * n : 20 * n + 10] = prediction[0, 20 * n : 20 * n + 10] = n + 1
        truth[1, 20 * n : 20 * n + 10] = n + 6  # found in the first block, missed in the second
    tables = [ContingencyTable.from_labels(t, p) for t, p in zip(truth, prediction, strict=True)]
    bootstrap = Bootstrap(100)
    found = object_intervals(tables, matched_objects(tables[0] + tables[1]), bootstrap)
    expected = [weights[0] / weights.sum() for weights in bootstrap.weights(2)]
    assert found["recall_50"] == pytest.approx(np.percentile(expected, (2.5, 97.5)))
    assert found["average_precision_75"] == found["recall_50"] and found["precision_50"] == [1.0, 1.0]


def test_sections_are_drawn_whole():
    sections = [PairCounts.from_table(ContingencyTable.from_labels(*pair)) for pair in blocks()]
    bootstrap = Bootstrap(60, seed=2)
    found = section_intervals([PairCounts(), *sections], bootstrap)
    rands, informations = [], []
    for weights in bootstrap.weights(len(sections)):
        drawn = [sections[n] for n, times in enumerate(weights) for _ in range(times)]
        rands.append(sum(drawn[1:], drawn[0]).v_rand()[0])
        informations.append(np.mean([one.v_info()[0] for one in drawn]))
    assert found["v_rand"] == pytest.approx(np.percentile(rands, (2.5, 97.5)))
    assert found["v_info"] == pytest.approx(np.percentile(informations, (2.5, 97.5)))


def test_too_few_blocks_are_refused():
    with pytest.raises(CellmlError, match="makes 1 block.*smaller block_nm"):
        table_intervals([ContingencyTable.from_labels(*blocks()[0])], rand_and_voi, Bootstrap(10))
    with pytest.raises(CellmlError, match="got 0 and"):
        Bootstrap(samples=0)
    assert np.isnan(Bootstrap().interval([float("nan")])).all()

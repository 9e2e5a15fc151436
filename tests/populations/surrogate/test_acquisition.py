"""Rules that choose what to simulate next."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.populations.surrogate.acquisition import (
    RULES,
    at_random,
    diverse_variance,
    experimental_design,
    largest_variance,
    learned_design,
    next_shapes,
)
from cellml.populations.surrogate.ensemble import DeepEnsemble
from cellml.populations.surrogate.occasion import Occasion


@pytest.fixture(scope="module")
def occasion() -> Occasion:
    """Known on x₁ < 0; two equal candidates far out, and others near."""
    rng = np.random.default_rng(0)
    known = rng.normal(size=(30, 2)) * [0.3, 1.0] - [1.0, 0.0]
    near = rng.normal(size=(20, 2)) * [0.3, 1.0] - [1.0, 0.0]
    candidates = np.concatenate([near, [[5.0, 0.0], [5.0, 1e-3], [4.0, 3.0]]])
    surrogate = DeepEnsemble(2, 1, members=6, steps=100).learn(known, known[:, :1] ** 2)
    return Occasion(surrogate, known, candidates, np.random.default_rng(1))


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_gives_different_candidates(rule, occasion: Occasion) -> None:  # type: ignore[no-untyped-def]
    chosen = rule(occasion, 5)
    assert len(set(chosen.tolist())) == 5 and max(chosen) < 23
    assert sorted(rule(occasion, 99).tolist()) == list(range(23))


def test_variance_looks_where_nothing_is_known_and_diversity_not_twice_at_the_same_place(occasion: Occasion) -> None:
    assert set(largest_variance(occasion, 3).tolist()) == {20, 21, 22}
    chosen = diverse_variance(occasion, 2)
    assert chosen[0] in (20, 21, 22) and set(chosen.tolist()) != {20, 21}


def test_next_shapes_asks_where_the_table_says_nothing(occasion: Occasion) -> None:
    answers = occasion.known[:, :1] ** 2
    for rule in (diverse_variance, experimental_design):
        assert next_shapes(occasion.known, answers, occasion.candidates, 1, rule=rule)[0] in (20, 21, 22)


def test_a_learned_design_looks_along_features_that_matter() -> None:
    """Two candidates are equally far, one along a feature that answers depend on and one along a feature that they do not."""
    rng = np.random.default_rng(5)
    known = rng.normal(size=(40, 2))
    surrogate = DeepEnsemble(2, 1, members=4, steps=100).learn(known, np.sin(2 * known[:, 1:]))
    occasion = Occasion(surrogate, known, np.array([[4.0, 0.0], [0.0, 4.0]]), rng)
    assert learned_design(occasion, 1).tolist() == [1]
    mirrored = DeepEnsemble(2, 1, members=4, steps=100).learn(known, np.sin(2 * known[:, :1]))
    assert learned_design(Occasion(mirrored, known, occasion.candidates, rng), 1).tolist() == [0]


def test_the_first_shapes_are_chosen_before_there_are_answers(occasion: Occasion) -> None:
    nothing, none = np.empty((0, 2)), np.empty((0, 1))
    assert len(set(next_shapes(nothing, none, occasion.candidates, 6).tolist())) == 6
    design = experimental_design(Occasion(None, nothing, occasion.candidates, occasion.rng), 6)
    assert next_shapes(nothing, none, occasion.candidates, 6).tolist() == design.tolist()
    assert next_shapes(nothing, none, occasion.candidates, 6, start=at_random, seed=3).tolist() != design.tolist()
    with pytest.raises(CellmlError, match="needs 4 simulated shapes, and there are 0; choose the first ones by experimental_design"):
        next_shapes(nothing, none, occasion.candidates, 6, start=diverse_variance)


def test_what_cannot_be_chosen_is_told(occasion: Occasion) -> None:
    with pytest.raises(CellmlError, match="24 shapes cannot be chosen from 23"):
        next_shapes(occasion.known, occasion.known[:, :1], occasion.candidates, 24)
    with pytest.raises(CellmlError, match=r"Known shapes \(30, 2\), their answers \(29, 1\)"):
        next_shapes(occasion.known, occasion.known[1:, :1], occasion.candidates, 2)
    with pytest.raises(CellmlError, match=r"candidates \(23, 1\) do not go together"):
        next_shapes(occasion.known, occasion.known[:, :1], occasion.candidates[:, :1], 2)

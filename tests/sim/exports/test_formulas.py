from __future__ import annotations

import py_compile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.sim.exports.fenicsx import SCRIPTS
from cellml.sim.exports.formulas import NUMPY_FUNCTIONS, as_lambda
from cellml.sim.expression import Expression, name, number, parse

_LEAVES = st.one_of(st.sampled_from("abc").map(name), st.floats(0.1, 3.0).map(number))


def _grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "min", "max"]), pair).map(lambda p: Expression(p[0], p[1])),
        st.tuples(st.sampled_from(["neg", "abs", "tanh", "step", "sign", "sin"]), inner).map(lambda p: Expression(p[0], (p[1],))),
        st.tuples(inner, st.sampled_from([2.0, 3.0, -1.0])).map(lambda p: Expression("**", (p[0], number(p[1])))),
        st.tuples(inner, inner).map(lambda p: Expression("hill", (*p, number(2.0)))),
        st.tuples(inner, inner, inner).map(lambda p: Expression("pulse", p)),
    )


@settings(max_examples=150, deadline=None)
@given(st.recursive(_LEAVES, _grown, max_leaves=12))
def test_functions_of_python_give_what_the_formula_gives(formula: Expression) -> None:
    values = {"a": np.array([0.3, -1.1, 2.0]), "b": 0.7, "c": np.array([1.5, 0.2, -0.4])}
    space: dict[str, Any] = {"np": np}
    exec(NUMPY_FUNCTIONS, space)
    with np.errstate(all="ignore"):
        there, here = eval(as_lambda(formula), space)(**values, unused=1.0), formula.evaluate(values)
        close = np.isclose(there, here, rtol=1e-6, atol=1e-9, equal_nan=True) | (np.abs(here) > 1e12)
        # a product in another order may round to the other side of a jump
        assert close.all() or any(jump in str(formula) for jump in ("step", "sign", "pulse"))


def test_a_name_that_is_taken_is_not_shadowed() -> None:
    assert as_lambda(parse("others*k")) == "lambda k, others, **others_: others * k"


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.name)
def test_scripts_are_python(script: Path, tmp_path: Path) -> None:
    py_compile.compile(str(script), cfile=str(tmp_path / "compiled"), doraise=True)

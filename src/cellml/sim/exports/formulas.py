"""Formulas of a model as functions of Python."""

from __future__ import annotations

from cellml.sim.expression import Expression

# What the functions of formulas are in numpy; generated modules open with it.
NUMPY_FUNCTIONS = '''\
exp, log, sqrt, sin, cos, sinh, cosh, tanh = np.exp, np.log, np.sqrt, np.sin, np.cos, np.sinh, np.cosh, np.tanh
abs, sign, min, max = np.abs, np.sign, np.minimum, np.maximum


def step(x):
    """1 from 0 on."""
    return np.heaviside(x, 1.0)


def hill(c, K, n):
    """c^n / (c^n + K^n), 0 for negative c."""
    with np.errstate(over="ignore"):
        share = 1.0 / (1.0 + (K / np.maximum(c, 1e-200)) ** n)
    return np.where(np.greater(c, 0.0), share, 0.0)


def pulse(t, begin, length):
    """1 from `begin` on, for a time `length`."""
    return np.heaviside(t - begin, 1.0) * np.heaviside(begin + length - t, 0.0)
'''


def as_lambda(formula: Expression) -> str:
    """A formula as `lambda A, k, **others: k * A`: called with the values of all names, it takes those that it needs."""
    names = sorted(formula.names)
    others = "others"
    while others in names:
        others += "_"
    return f"lambda {', '.join([*names, f'**{others}'])}: {formula}"

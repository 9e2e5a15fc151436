"""Symbolic derivatives of formulas, for exact Jacobians and adjoints."""

from __future__ import annotations

from functools import lru_cache

from cellml.sim.expression import Expression, number

ZERO, ONE = number(0.0), number(1.0)
SMALLEST = number(1e-200)  # keeps a base off zero


@lru_cache(maxsize=4096)
def derivative(formula: Expression, by: str) -> Expression:
    """∂ formula / ∂ by, simplified as far as zeros and ones go.

    At the kinks of abs, min and max the derivative is one-sided; that of sign, step and pulse is taken as zero.
    """
    if by not in formula.names:
        return ZERO
    if formula.op == "name":
        return ONE
    a = formula.args[0]
    da = derivative(a, by)
    match formula.op:
        case "neg":
            return negative(da)
        case "+":
            return plus(da, derivative(formula.args[1], by))
        case "-":
            return plus(da, negative(derivative(formula.args[1], by)))
        case "*":
            b = formula.args[1]
            return plus(times(da, b), times(a, derivative(b, by)))
        case "/":
            b = formula.args[1]
            return plus(over(da, b), negative(over(times(a, derivative(b, by)), times(b, b))))
        case "**":
            return _of_power(formula, by)
    return _of_function(formula, by)


def _of_power(formula: Expression, by: str) -> Expression:
    a, b = formula.args
    da, db = derivative(a, by), derivative(b, by)
    lower = number(b.value - 1.0) if b.op == "number" else plus(b, number(-1.0))
    by_base = times(times(b, power(a, lower)), da)
    # aᵇ ln a vanishes with a, for which ln 0 would leave 0 · ∞.
    kept = Expression("max", (a, SMALLEST))
    return by_base if db == ZERO else plus(by_base, times(times(formula, Expression("log", (kept,))), db))


def _of_function(formula: Expression, by: str) -> Expression:
    a = formula.args[0]
    da = derivative(a, by)

    def f(name: str, *args: Expression) -> Expression:
        return Expression(name, args)

    match formula.op:
        case "exp":
            return times(formula, da)
        case "log":
            return over(da, a)
        case "sqrt":
            return over(da, times(number(2.0), formula))
        case "sin":
            return times(f("cos", a), da)
        case "cos":
            return negative(times(f("sin", a), da))
        case "sinh":
            return times(f("cosh", a), da)
        case "cosh":
            return times(f("sinh", a), da)
        case "tanh":
            return times(plus(ONE, negative(times(formula, formula))), da)
        case "abs":
            return times(f("sign", a), da)
        case "min" | "max":
            b = formula.args[1]
            first = f("step", plus(a, negative(b)) if formula.op == "max" else plus(b, negative(a)))
            return plus(times(first, da), times(plus(ONE, negative(first)), derivative(b, by)))
        case "hill":
            return _of_hill(formula, by)
    return ZERO  # sign, step, pulse


def _of_hill(formula: Expression, by: str) -> Expression:
    """Of h = cⁿ/(cⁿ + Kⁿ): dh = h (1 − h) [n (dc/c − dK/K) + ln(c/K) dn] for c > 0 and 0 below; at c = 0 from above."""
    c, K, n = formula.args
    kept = Expression("max", (c, SMALLEST))
    h = Expression("hill", (kept, K, n))
    inner = times(n, plus(over(derivative(c, by), kept), negative(over(derivative(K, by), K))))
    dn = derivative(n, by)
    if dn != ZERO:
        inner = plus(inner, times(Expression("log", (over(kept, K),)), dn))
    return times(Expression("step", (c,)), times(times(h, plus(ONE, negative(h))), inner))


def plus(a: Expression, b: Expression) -> Expression:
    """Sum a + b without zeros."""
    if a == ZERO:
        return b
    if b.op == "neg":
        return Expression("-", (a, b.args[0]))
    return a if b == ZERO else Expression("+", (a, b))


def negative(a: Expression) -> Expression:
    """−a."""
    if a.op == "number":
        return number(-a.value) if a.value else ZERO
    return a.args[0] if a.op == "neg" else Expression("neg", (a,))


def times(a: Expression, b: Expression) -> Expression:
    """Product a b without zeros and ones."""
    if ZERO in (a, b):
        return ZERO
    if a == ONE:
        return b
    return a if b == ONE else Expression("*", (a, b))


def over(a: Expression, b: Expression) -> Expression:
    """Quotient a / b without zeros and ones."""
    return a if a == ZERO or b == ONE else Expression("/", (a, b))


def power(a: Expression, b: Expression) -> Expression:
    """Power a ** b without zeros and ones in the exponent."""
    if b == ZERO:
        return ONE
    return a if b == ONE else Expression("**", (a, b))

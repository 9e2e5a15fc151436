"""SBML written by code, and its mathematics evaluated without cellml."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import libsbml
import pytest

# id: (kind, exponent, scale, multiplier) of each factor
UNITS = {
    "um2": [("metre", 2, -6, 1.0)],
    "per_s": [("second", -1, 0, 1.0)],
    "per_min": [("second", -1, 0, 60.0)],
    "uM": [("mole", 1, -6, 1.0), ("litre", -1, 0, 1.0)],
    "per_uM_s": [("mole", -1, -6, 1.0), ("litre", 1, 0, 1.0), ("second", -1, 0, 1.0)],
    "uM_per_s": [("mole", 1, -6, 1.0), ("litre", -1, 0, 1.0), ("second", -1, 0, 1.0)],
    "umol": [("mole", 1, -6, 1.0)],
    "umol_per_um2": [("mole", 1, -6, 1.0), ("metre", -2, -6, 1.0)],
}


def writer(level: int = 3, version: int = 2) -> Any:
    """A document with the units above and substance in µmol, volume in litre, area in µm², time in s."""
    document = libsbml.SBMLDocument(level, version)
    model = document.createModel()
    model.setId("written")
    for name, factors in UNITS.items():
        definition = model.createUnitDefinition()
        definition.setId(name)
        for kind, exponent, scale, multiplier in factors:
            unit = definition.createUnit()
            unit.setKind(libsbml.UnitKind_forName(kind))
            unit.setExponent(exponent)
            unit.setScale(scale)
            unit.setMultiplier(multiplier)
    if level == 3:
        model.setSubstanceUnits("umol")
        model.setExtentUnits("umol")
        model.setVolumeUnits("litre")
        model.setAreaUnits("um2")
        model.setTimeUnits("second")
    return document


def compartment(model: Any, name: str, size: float | None, dimensions: int = 3) -> Any:
    made = model.createCompartment()
    made.setId(name)
    made.setConstant(True)
    made.setSpatialDimensions(dimensions)
    if size is not None:
        made.setSize(size)
    return made


def parameter(model: Any, name: str, value: float | None, unit: str = "", *, constant: bool = True) -> Any:
    made = model.createParameter()
    made.setId(name)
    made.setConstant(constant)
    if value is not None:
        made.setValue(value)
    if unit:
        made.setUnits(unit)
    return made


def species(model: Any, name: str, place: str, concentration: float = 0.0, *, amounts: bool = False, boundary: bool = False) -> Any:
    made = model.createSpecies()
    made.setId(name)
    made.setCompartment(place)
    made.setConstant(False)
    made.setBoundaryCondition(boundary)
    made.setHasOnlySubstanceUnits(amounts)
    if amounts:
        made.setInitialAmount(concentration)
    else:
        made.setInitialConcentration(concentration)
    return made


def reaction(model: Any, name: str, left: Mapping[str, float], right: Mapping[str, float], law: str, *, reversible: bool = True) -> Any:
    made = model.createReaction()
    made.setId(name)
    made.setReversible(reversible)
    if model.getLevel() < 3 or model.getVersion() < 2:
        made.setFast(False)
    for side, create in ((left, made.createReactant), (right, made.createProduct)):
        for called, copies in side.items():
            reference = create()
            reference.setSpecies(called)
            reference.setStoichiometry(copies)
            if model.getLevel() > 2:
                reference.setConstant(True)
    made.createKineticLaw().setMath(libsbml.parseL3Formula(law))
    return made


def rule(model: Any, name: str, formula: str, kind: str = "Assignment") -> Any:
    made = getattr(model, f"create{kind}Rule")()
    if kind != "Algebraic":
        made.setVariable(name)
    made.setMath(libsbml.parseL3Formula(formula))
    return made


def evaluate(node: Any, values: Mapping[str, float]) -> float:
    """Mathematics of SBML with numbers for all ids, straight from its tree."""
    parts = [node.getChild(i) for i in range(node.getNumChildren())]
    kind = node.getType()
    if node.isNumber():
        return float(node.getValue())
    if kind in (libsbml.AST_NAME, libsbml.AST_NAME_TIME):
        return values["time" if kind == libsbml.AST_NAME_TIME else node.getName()]
    if kind == libsbml.AST_FUNCTION_PIECEWISE:
        for i in range(0, len(parts) - 1, 2):
            if evaluate(parts[i + 1], values):
                return evaluate(parts[i], values)
        return evaluate(parts[-1], values)
    if kind == libsbml.AST_CONSTANT_PI:
        return math.pi
    a = [evaluate(part, values) for part in parts]
    table: dict[int, Callable[[], float]] = {
        libsbml.AST_PLUS: lambda: sum(a),
        libsbml.AST_MINUS: lambda: -a[0] if len(a) == 1 else a[0] - a[1],
        libsbml.AST_TIMES: lambda: math.prod(a),
        libsbml.AST_DIVIDE: lambda: a[0] / a[1],
        libsbml.AST_POWER: lambda: a[0] ** a[1],
        libsbml.AST_FUNCTION_POWER: lambda: a[0] ** a[1],
        libsbml.AST_FUNCTION_ROOT: lambda: a[1] ** (1 / a[0]),
        libsbml.AST_FUNCTION_EXP: lambda: math.exp(a[0]),
        libsbml.AST_FUNCTION_LN: lambda: math.log(a[0]),
        libsbml.AST_FUNCTION_LOG: lambda: math.log(a[1]) / math.log(a[0]),
        libsbml.AST_FUNCTION_SIN: lambda: math.sin(a[0]),
        libsbml.AST_FUNCTION_TAN: lambda: math.tan(a[0]),
        libsbml.AST_FUNCTION_ABS: lambda: abs(a[0]),
        libsbml.AST_FUNCTION_MIN: lambda: min(a),
        libsbml.AST_FUNCTION_MAX: lambda: max(a),
        libsbml.AST_RELATIONAL_LT: lambda: a[0] < a[1],
        libsbml.AST_RELATIONAL_LEQ: lambda: a[0] <= a[1],
        libsbml.AST_RELATIONAL_GT: lambda: a[0] > a[1],
        libsbml.AST_RELATIONAL_GEQ: lambda: a[0] >= a[1],
        libsbml.AST_LOGICAL_AND: lambda: all(a),
        libsbml.AST_LOGICAL_OR: lambda: any(a),
        libsbml.AST_LOGICAL_NOT: lambda: not a[0],
        libsbml.AST_CONSTANT_TRUE: lambda: True,
    }
    return table[kind]()


@pytest.fixture(scope="session")
def sbml():
    """The writing functions above, by name."""
    from types import SimpleNamespace

    return SimpleNamespace(
        writer=writer, compartment=compartment, parameter=parameter, species=species, reaction=reaction, rule=rule, evaluate=evaluate
    )

"""What was built by hand, as the configuration that Hydra would build it from: what a checkpoint stores of a classifier."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from cellml.errors import CellmlError


def as_configuration(thing: Any, where: str = "classifier") -> Any:
    """Dataclasses and estimators of scikit-learn, also inside one another, as `_target_` and those arguments that are not the default.

    Raises CellmlError for an argument that is neither of these, nor text, a number or a list, such as a function.
    """
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if isinstance(thing, list | tuple):
        return [as_configuration(part, where) for part in thing]
    kind = type(thing)
    if is_dataclass(thing):
        arguments = {field.name: getattr(thing, field.name) for field in fields(thing) if field.init}
    elif hasattr(thing, "get_params"):
        usual = _defaults(kind)
        arguments = {name: v for name, v in thing.get_params(deep=False).items() if name not in usual or usual[name] is not v}
    else:
        raise CellmlError(f"{where} is a {kind.__name__}, which a checkpoint cannot store as plain values; leave it out.")
    return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **{n: as_configuration(v, f"{where}.{n}") for n, v in arguments.items()}}


def _defaults(kind: type) -> dict[str, Any]:
    import inspect

    parameters = inspect.signature(kind).parameters
    return {name: parameter.default for name, parameter in parameters.items() if parameter.default is not inspect.Parameter.empty}

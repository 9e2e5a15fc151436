"""The reconstruction methods that a checkpoint's record may name, and how they are read from it."""

from __future__ import annotations

import ast
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cellml.errors import CellmlError, ContractError

if TYPE_CHECKING:
    from cellml.tomography.reconstruction import Method

# Classes by the module of `cellml.tomography` that holds them; a new method takes part by a name here.
_KNOWN = {
    "WeightedBackprojection": "wbp",
    "Sirt": "sirt",
    "ConjugateGradients": "conjugate_gradients",
    "TotalVariation": "total_variation",
    "Wiener": "wiener",
    **dict.fromkeys(("Ramp", "SheppLogan", "Cosine", "Hamming", "Hann", "Exact", "SirtLike"), "filters"),
}


def method_of(text: str) -> Method:
    """The method whose `repr` a checkpoint's contract holds: calls of known classes with literal arguments, and nothing else.

    A stranger's checkpoint can so run no code. Raises ContractError, with the text, for other classes, other syntax and arguments that
    the class does not take.
    """
    try:
        return _built(ast.parse(text, mode="eval").body)  # type: ignore[no-any-return]
    except (SyntaxError, ValueError, TypeError, CellmlError) as error:
        raise ContractError(
            f"The checkpoint was trained on reconstructions by {text!r}, which this cellml does not know ({error}). Reconstruct the tilt "
            "series by that method yourself and give the volume as input=, or use the version that wrote the checkpoint."
        ) from error


def _built(node: ast.expr) -> Any:
    if not isinstance(node, ast.Call):
        return ast.literal_eval(node)
    if not isinstance(node.func, ast.Name) or node.func.id not in _KNOWN or node.args:
        raise ValueError(f"{ast.unparse(node.func)} is none of {', '.join(_KNOWN)} with named arguments")
    class_ = getattr(import_module(f"cellml.tomography.{_KNOWN[node.func.id]}"), node.func.id)
    return class_(**{word.arg: _built(word.value) for word in node.keywords if word.arg})

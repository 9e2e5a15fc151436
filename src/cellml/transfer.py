"""What a training starts from and which parts of it move: weights of another model, frozen parts, a learning rate for each layer.

A *part* is a module of the network by its name: `encoder`, `encoder.0`, `head`. Every network lists its parts in the error about an
unknown one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from cellml.errors import CellmlError

log = logging.getLogger(__name__)


def part_names(net: Any) -> list[str]:
    """Names of a network's parts, from those registered first: its children, and the members of lists of modules."""
    from torch import nn

    names = []
    for name, child in net.named_children():
        names.append(name)
        if type(child) in (nn.ModuleList, nn.Sequential, nn.ModuleDict) or len(list(net.children())) == 1:
            names += [f"{name}.{member}" for member, _ in child.named_children()]
    return names


def freeze(net: Any, parts: Sequence[str]) -> list[Any]:
    """Let no step change these parts.

    Returns their modules, which must also stay in evaluation mode, for batch norms move without gradients.

    Raises CellmlError for an unknown part, listing the known ones, and where nothing would be left to train.
    """
    modules = [net.get_submodule(part) for part in _known(net, parts, "training.freeze")]
    for module in modules:
        module.requires_grad_(False)
    if not any(p.requires_grad for p in net.parameters()):
        raise CellmlError(f"training.freeze={list(parts)} leaves no weight of the network to train; leave out at least one part.")
    if modules:
        frozen = sum(p.numel() for p in net.parameters() if not p.requires_grad)
        log.info("Frozen: %s (%d of %d weights)", ", ".join(parts), frozen, sum(p.numel() for p in net.parameters()))
    return modules


def learning_rates(net: Any, layer_rates: Mapping[str, float], decay: float = 1.0) -> dict[str, float]:
    """Factor on the learning rate of each parameter by name.

    layer_rates: factors by part, of which the most specific counts; decay: a further factor `decay`^d for parts d stages before the
    network's output (layer-wise decay, Clark et al. 2020, section 3.1), as the network's `stages` order them, or else its children.
    Raises CellmlError for an unknown part, and for a factor that is not positive.
    """
    rates = {part: float(rate) for part, rate in layer_rates.items()}
    _known(net, list(rates), "training.layer_rates")
    wrong = {part: rate for part, rate in {**rates, "rate_decay": float(decay)}.items() if rate <= 0}
    if wrong:
        raise CellmlError(f"Learning-rate factors must be above 0, got {wrong}; parts that must not move belong into training.freeze.")
    stages = list(getattr(net, "stages", None) or [(name,) for name, _ in net.named_children()])
    depth = {part: len(stages) - 1 - number for number, stage in enumerate(stages) for part in stage}
    return {
        name: _most_specific(name, rates, 1.0) * decay ** _most_specific(name, depth, 0)
        for name, p in net.named_parameters()
        if p.requires_grad
    }


def parameter_groups(task: Any, rates: Mapping[str, float]) -> list[dict[str, Any]]:
    """Groups for a torch optimiser, one for each factor, largest first, with the keys params, name and rate.

    rates: by name in `task.net`, as `learning_rates` gives them; parameters of the task outside of the network have the factor 1.
    """
    groups: dict[float, list[Any]] = {}
    for name, parameter in task.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(rates.get(name.removeprefix("net."), 1.0), []).append(parameter)
    return [{"params": groups[rate], "name": f"rate_{rate:g}", "rate": rate} for rate in sorted(groups, reverse=True)]


def _most_specific(name: str, values: Mapping[str, Any], otherwise: Any) -> Any:
    """The value of the longest part that the parameter `name` belongs to."""
    fitting = [part for part in values if name == part or name.startswith(f"{part}.")]
    return values[max(fitting, key=len)] if fitting else otherwise


def _known(net: Any, parts: Sequence[str], key: str) -> Sequence[str]:
    modules = dict(net.named_modules())
    unknown = [part for part in parts if not part or part not in modules]
    if unknown:
        raise CellmlError(
            f"{key} names {', '.join(map(repr, unknown))}; the parts of {type(net).__name__} are {', '.join(part_names(net))}."
        )
    return parts

"""Checkpoints that predict together, and the committee that they make."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cellml.errors import CellmlError, ContractError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Members:
    """task: of the first checkpoint, whose decoder and window are used; nets: one for each; contract, record: of the first."""

    task: Any
    nets: list[Any]
    contract: dict[str, Any]
    record: dict[str, Any]

    @property
    def exclusive(self) -> bool:
        """Whether the channels are classes of which a voxel has exactly one: whether the activation makes them sum to 1."""
        import torch

        target = self.task.target
        answer = target.activation(torch.ones((1, target.channels, 1, 1, 1)))
        return bool(target.channels > 1 and abs(float(answer.sum()) - 1) < 1e-5)


def load_members(checkpoints: str | Sequence[str], trust: Sequence[str] = ()) -> Members:
    """Load one checkpoint or an ensemble. Raises ContractError where two were trained on different input or for different answers."""
    from cellml.checkpoint import load

    paths = [checkpoints] if isinstance(checkpoints, str) or not isinstance(checkpoints, Sequence) else list(checkpoints)
    if not paths:
        raise CellmlError("checkpoint=[] names no file; give one, or a list for an ensemble.")
    models = [load(path, trust=trust) for path in paths]
    for path, model in zip(paths, models, strict=True):
        if not hasattr(model.task, "predict_volume"):
            raise ContractError(f"{path} is a checkpoint of {model.record['task']}, which does not predict volumes.")
    first = models[0]
    for path, model in zip(paths[1:], models[1:], strict=True):
        _require_agreement(str(paths[0]), first, str(path), model)
    return Members(first.task, [getattr(model.task, "predictor", model.task.net) for model in models], first.contract, first.record)


def make_committee(members: Members, *, tta: int, dropout_passes: int, seed: int, entropies: bool = True) -> Any:
    """The committee of all nets, orientations and dropout passes.

    tta: orientations of each, at most those that spacing, network and target allow, 1 for the given one alone; entropies: whether
    those of the members are wanted. Raises CellmlError for numbers below 1 and 0, and where dropout is asked of networks that have none.
    """
    from cellml.uncertainty.committee import Committee, dropout_layers
    from cellml.uncertainty.symmetry import allowed_symmetries

    if tta < 1 or dropout_passes < 0:
        raise CellmlError(f"tta={tta} must be at least 1 (the given orientation) and dropout_passes={dropout_passes} at least 0.")
    if dropout_passes and not all(dropout_layers(net) for net in members.nets):
        raise CellmlError(
            "dropout_passes needs a network with dropout layers, and this one has none; train it with task.net.dropout=0.1 (U-Net), or use "
            "tta=8 or several checkpoints instead."
        )
    offsets = getattr(members.task.target, "offsets", None)
    committee = Committee(members.nets, members.task.target.activation, exclusive=members.exclusive, offsets=offsets, entropies=entropies)
    allowed = allowed_symmetries(members.contract["spacing_nm"], committee.multiple, offsets)
    if tta > len(allowed):
        log.warning("tta=%d: %d orientations are allowed by the voxels, the network and the target; all are used.", tta, len(allowed))
    if tta > 1 and not _trained_with_flips(members.record):
        log.warning("The network was trained without flips, so its answers to flipped images are guesses; expect tta to make it worse.")
    committee.symmetries, committee.passes, committee.seed = allowed[:tta], dropout_passes, seed
    return committee


def _trained_with_flips(record: dict[str, Any]) -> bool:
    text = str(record.get("config", ""))
    return any(word in text for word in ("Flip", "Rotate90", "Affine"))


def _require_agreement(first: str, a: Any, second: str, b: Any) -> None:
    """Raise ContractError at the first difference that would make an average meaningless."""
    for what, one, other in (*_inputs(a, b), *_answers(a.task.target, b.task.target)):
        if one != other:
            raise ContractError(
                f"{first} and {second} do not go together: {what} {one} against {other}. Train the members of an ensemble on the same kind "
                "of input and target (only seeds, data blocks and networks may differ)."
            )


def _inputs(a: Any, b: Any) -> list[tuple[str, Any, Any]]:
    one, other = ([float(f"{s:.3g}") for s in model.contract["spacing_nm"]] for model in (a, b))
    return [
        ("input channels", a.contract["channels"], b.contract["channels"]),
        ("voxels in nm (z, y, x)", one, other),
        ("normalisation", a.contract["normalisation"], b.contract["normalisation"]),
    ]


def _answers(a: Any, b: Any) -> list[tuple[str, Any, Any]]:
    return [
        ("targets", type(a).__name__, type(b).__name__),
        ("output channels", a.channels, b.channels),
        ("affinity offsets", getattr(a, "offsets", None), getattr(b, "offsets", None)),
        ("classes", getattr(a, "classes", None), getattr(b, "classes", None)),
    ]

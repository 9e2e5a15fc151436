"""Training that begins with the weights of another model, as far as they fit."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellml.checkpoint_file import begins_as_archive, require_archive
from cellml.errors import CellmlError, FileError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fit:
    """What of a file's weights a model takes.

    taken: tensors by the model's names; adapted: those of them whose input channels were added up or repeated; misfits: names with both
    shapes (file, model); absent: names of the model that the file lacks; unused: tensors of the file that nothing wanted.
    """

    taken: dict[str, Any]
    adapted: list[str]
    misfits: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]
    absent: list[str]
    unused: int


def initialise(task: Any, source: str | None) -> None:
    """Start from the weights of `source` (none: from random ones): what fits by name and shape is copied, the rest stays new, and the log
    says which parts are which.

    source: a cellml checkpoint, or a file of plain tensors such as torchvision's published weights. Raises FileError for a file that holds
    neither, CellmlError if nothing fits.
    """
    if not source:
        return
    given, contract = read_weights(source)
    own = task.state_dict()
    fit = best_fit(given, own)
    if not any(value.ndim >= 2 for value in fit.taken.values()):
        raise CellmlError(
            f"No weight of {source} fits this network ({len(given)} against {len(own)} tensors); choose the network it was trained with."
        )
    task.load_state_dict({**own, **fit.taken})
    _say(fit, own, source)
    spacing = (contract or {}).get("spacing_nm")
    if spacing:
        log.info("%s was trained on voxels of %s nm (z, y, x).", source, " × ".join(f"{s:g}" for s in spacing))


def read_weights(source: str | Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Tensors by name, and the input contract where the file is a cellml checkpoint; nothing in the file is executed.

    Raises FileError for a missing file and for one that is neither a checkpoint nor a plain dictionary of tensors.
    """
    import torch

    from cellml import checkpoint

    path = Path(source)
    if not path.is_file():
        raise FileError(f"There is no file {path} to initialise from; training.initialise_from names a checkpoint or a file of weights.")
    archive = begins_as_archive(path)
    if archive:
        require_archive(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        if archive:
            checkpoint.read(path)  # says what is wrong with it
        raise FileError(f"{path} holds neither a checkpoint nor plain tensors ({type(error).__name__}), and was not opened.") from error
    if isinstance(content, dict) and "cellml" in content:
        content = checkpoint.read(path)
        return content["state_dict"], content["cellml"]["contract"]
    tensors = content.get("state_dict", content) if isinstance(content, dict) else {}
    weights = {str(name): value for name, value in tensors.items() if isinstance(value, torch.Tensor)}
    if not weights:
        raise FileError(f"{path} holds no tensors by name; save a state dictionary: torch.save(net.state_dict(), {str(path)!r}).")
    return weights, None


def best_fit(given: Mapping[str, Any], own: Mapping[str, Any]) -> Fit:
    """What of `given` fits `own` under the best of the prefixes that `own` has: a file of an encoder alone finds the encoder."""
    prefixes = {"": None} | {name[: i + 1]: None for name in own for i, letter in enumerate(name) if letter == "."}
    fits = [_fit({prefix + name: value for name, value in given.items()}, own) for prefix in prefixes]
    return max(fits, key=lambda fit: len(fit.taken))


def _fit(given: Mapping[str, Any], own: Mapping[str, Any]) -> Fit:
    taken, adapted, misfits = {}, [], {}
    first = next((name for name, value in own.items() if value.ndim >= 4), "")
    for name, value in own.items():
        if name not in given:
            continue
        if given[name].shape == value.shape:
            taken[name] = given[name]
        elif (
            name == first and given[name].ndim == value.ndim and given[name].shape[2:] == value.shape[2:] and len(given[name]) == len(value)
        ):
            taken[name] = with_channels(given[name], value.shape[1])
            adapted.append(name)
        else:
            misfits[name] = (tuple(given[name].shape), tuple(value.shape))
    absent = [name for name in own if name not in given]
    return Fit(taken, adapted, misfits, absent, sum(name not in own for name in given))


def with_channels(weight: Any, channels: int) -> Any:
    """First convolution (O, C, …) for images of another number of channels, (O, channels, …): an image whose channels are all equal gives
    the same answer as before. For grey images that adds up red, green and blue.
    """
    shared = weight.sum(dim=1, keepdim=True) / channels
    return shared.expand(-1, channels, *weight.shape[2:]).clone()


def _say(fit: Fit, own: Mapping[str, Any], source: str) -> None:
    """Log which parts of the network fit and which are new."""
    parts: dict[str, list[bool]] = {}
    for name in own:
        words = name.removeprefix("net.").split(".")
        parts.setdefault(".".join(words[:2] if len(words) > 2 and words[1].isdigit() else words[:1]), []).append(name in fit.taken)
    taken = [f"{part} ({sum(t)} of {len(t)} tensors)" if not all(t) else part for part, t in parts.items() if any(t)]
    new = [part for part, t in parts.items() if not any(t)]
    log.info("Initialised %d of %d tensors from %s: %s", len(fit.taken), len(own), source, ", ".join(taken))
    if new:
        log.info("New, from random weights: %s", ", ".join(new))
    for name, (there, here) in fit.misfits.items():
        log.info("%s does not fit (%s there, %s here) and is new", name, list(there), list(here))
    for name in fit.adapted:
        log.info("%s was adapted to %d input channel(s)", name, own[name].shape[1])
    if fit.unused:
        log.info("%d tensors of %s have no place here", fit.unused, source)

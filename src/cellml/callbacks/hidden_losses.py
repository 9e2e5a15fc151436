"""Losses on a hidden layer of whatever is trained, attached by the layer's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import pytorch_lightning as pl
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord
from cellml.losses.saucie import Hidden


class HiddenLosses(pl.Callback):
    """Adds Σ weight · term(hidden) to the loss of every training step, for a task that trains by `VolumeTask.training_step`.

    layer: name of the module in the task whose output is looked at, such as `net.encoder`; terms: losses of `cellml.losses.saucie` by name,
    or null for none of that name; weights: by the same names (1 where not given); reconstruction: name of the module whose output is the
    reconstruction, or None; batches: key of the data that says to which batch rows belong, or None; first: only so many of the layer's
    outputs count (the means of a layer that also gives variances). Each term is logged as `train/hidden_<name>_loss`.
    Raises CellmlError for a layer that the task lacks, and weights without a term.
    """

    def __init__(
        self,
        layer: str,
        terms: Mapping[str, nn.Module | None],
        weights: Mapping[str, float] | None = None,
        reconstruction: str | None = None,
        batches: str | None = None,
        first: int | None = None,
    ) -> None:
        self.layer, self.reconstruction, self.batches, self.first = layer, reconstruction, batches, first
        self.terms = {name: term for name, term in terms.items() if term is not None}
        self.weights = {name: float((weights or {}).get(name, 1.0)) for name in self.terms}
        unknown = sorted(set(weights or {}) - set(terms))
        if unknown:
            raise CellmlError(f"There is a weight of {unknown[0]!r}, but the terms are {', '.join(terms) or 'none'}.")
        self._seen: dict[str, Tensor] = {}
        self._handles: list[Any] = []
        self._asked = False

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the layers, and join the task's loss."""
        self._asked, penalties = False, getattr(pl_module, "penalties", None)
        if penalties is None:
            raise CellmlError(f"{type(pl_module).__name__} has a training of its own, to which hidden losses cannot be added.")
        modules = {name: _module(pl_module, name) for name in (self.layer, self.reconstruction) if name is not None}
        self._handles = [module.register_forward_hook(self._keeper(name)) for name, module in modules.items()]
        penalties.append(self.penalise)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave no trace in the task."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._seen.clear()
        penalties: Any = getattr(pl_module, "penalties", [])
        if self.penalise in penalties:
            penalties.remove(self.penalise)

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Leave no trace either where training ends by an error or Ctrl-C, so that a second fit does not count the terms twice."""
        self.on_fit_end(trainer, pl_module)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Raise CellmlError where the task has not asked for its penalties in a step, so that nothing was added."""
        self._seen.clear()
        if not self._asked:
            raise CellmlError(f"{type(pl_module).__name__} has a training of its own, to which hidden losses cannot be added.")

    def _keeper(self, name: str) -> Any:
        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            if not isinstance(output, Tensor):
                raise CellmlError(f"{name!r} answers with {type(output).__name__}, no tensor to look at; name a layer inside of it.")
            if module.training:
                self._seen[name] = output

        return keep

    def penalise(self, record: LossRecord, batch: Mapping[str, Tensor]) -> LossRecord:
        """The loss of a step with the terms added. Raises CellmlError where the step did not use the layer or the data lack the batches."""
        self._asked = True
        if self.layer not in self._seen:
            raise CellmlError(f"The training step has not used {self.layer!r}; name another layer.")
        if self.batches is not None and self.batches not in batch:
            raise CellmlError(f"The data have no {self.batches!r} that says to which batch rows belong; they have {', '.join(batch)}.")
        activations = self._seen[self.layer].flatten(1)[:, : self.first]
        hidden = Hidden(activations, self._seen.get(self.reconstruction or ""), None if self.batches is None else batch[self.batches])
        values = {name: term(hidden) for name, term in self.terms.items()}
        total = sum((self.weights[name] * value for name, value in values.items()), start=record.total)
        return replace(record, total=total, parts={**record.parts, **{f"hidden_{name}": value.detach() for name, value in values.items()}})


def _module(task: nn.Module, name: str) -> nn.Module:
    known = dict(task.named_modules())
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise CellmlError(f"The task has no module {name!r}; {f'did you mean {near[0]!r}?' if near else 'its net begins with net.'}")
    return known[name]

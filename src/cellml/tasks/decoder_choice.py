"""The decoder of a trained task, its parameters chosen on the validation blocks and nowhere else."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Prediction = tuple[str, NDArray[np.float32], NDArray[Any]]
Judged = tuple[str, NDArray[np.float32], NDArray[Any], NDArray[np.bool_]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DecoderChoice:
    """config: the chosen decoder (`_target_` and arguments), None where there was nothing to choose; scores: its metrics, `val/…`."""

    config: dict[str, Any] | None = None
    scores: dict[str, float] = field(default_factory=dict)


def choose_decoder(task: Any, data: Any, folder: Path) -> DecoderChoice:
    """Try `task.decoder_grid` on every validation block, each predicted once; `choose_on` says how, and what is written."""
    blocks = data.val_dataloader()
    if not task.decoder_grid or task.decoder is None or not len(blocks):
        return DecoderChoice()
    log.info("Choosing the decoder on %d validation block(s) ...", len(blocks))
    predicted = ((batch["name"], task.predict_volume(batch["image"].numpy()), batch["labels"].numpy()) for batch in blocks)
    return choose_on(task, predicted, folder)


def choose_on(task: Any, predictions: Iterable[Prediction], folder: Path) -> DecoderChoice:
    """Keep the decoder of `task.decoder_grid` that is best by its worst neighbour, and write all to `decoder.csv`.

    predictions: name, probabilities (K, Z, Y, X) and labels (Z, Y, X) of each validation block. The task's decoder is replaced by the
    chosen one. Decoders of classes are judged by their mean IoU.
    """
    judged = ((name, probabilities, labels, _known(task, labels)) for name, probabilities, labels in predictions)
    return (_choose_class_decoder if task.target.kind == "semantic" else _choose_object_decoder)(task, judged, folder)


def _known(task: Any, labels: NDArray[Any]) -> NDArray[np.bool_]:
    import torch

    known = task.target(torch.from_numpy(labels.astype(np.int64))[None])[1]
    return np.asarray(known.any(dim=1)[0].numpy())


def _choose_object_decoder(task: Any, judged: Iterable[Judged], folder: Path) -> DecoderChoice:
    from cellml.io.atomic import write_text
    from cellml.segmentation.selection import choose_parameters

    tables = []
    for name, probabilities, labels, known in judged:
        affinities, offsets = task.target.pairs(probabilities)
        truth = task.target.objects(labels)
        choice = choose_parameters(
            task.decoder, task.decoder_grid, affinities, offsets, truth, mask=known, cost=task.target.cost, scores=task.target.scores
        )
        tables.append([{"block": name, **row} for row in choice.rows])
    worst, own = (np.mean([[row[key] for row in table] for table in tables], axis=0) for key in ("worst_nearby", "score"))
    best = int(np.lexsort((own, worst))[0])
    write_text(folder / "decoder.csv", _csv([row for table in tables for row in table]))
    chosen = {name: tables[0][best][name] for name in task.decoder_grid}
    task.decoder = _with(task.decoder, chosen)
    names = [name for name in tables[0][best] if name not in (*chosen, "block", "score", "worst_nearby")]
    found = {f"val/{name}": float(np.mean([table[best][name] for table in tables])) for name in names}
    said = ", ".join(f"{name.removeprefix('val/').replace('_', ' ')} {value:.3f}" for name, value in found.items())
    log.info("Decoder chosen on the validation blocks: %s; %s", chosen, said)
    return DecoderChoice(as_config(task.decoder), found)


def _choose_class_decoder(task: Any, judged: Iterable[Judged], folder: Path) -> DecoderChoice:
    from cellml.io.atomic import write_text
    from cellml.segmentation.class_selection import choose_class_parameters

    choice = choose_class_parameters(task.decoder, task.decoder_grid, (block[1:] for block in judged))
    write_text(folder / "decoder.csv", _csv(list(choice.rows)))
    task.decoder = choice.decoder
    log.info("Decoder chosen on the validation blocks: %s, mean IoU %.3f", choice.parameters, choice.scores["iou"])
    return DecoderChoice(as_config(task.decoder), {f"val/{name}": value for name, value in choice.scores.items()})


def as_config(thing: Any) -> Any:
    """A frozen dataclass as Hydra would build it: `_target_` and its arguments, nested dataclasses likewise."""
    if is_dataclass(thing) and not isinstance(thing, type):
        kind = type(thing)
        return {
            "_target_": f"{kind.__module__}.{kind.__qualname__}",
            **{f.name: as_config(getattr(thing, f.name)) for f in fields(thing) if f.init},
        }
    return list(thing) if isinstance(thing, tuple) else thing


def _with(decoder: Any, parameters: Mapping[str, Any]) -> Any:
    from dataclasses import replace

    for name, value in parameters.items():
        first, _, rest = name.partition(".")
        decoder = replace(decoder, **{first: _with(getattr(decoder, first), {rest: value}) if rest else value})
    return decoder


def _csv(rows: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()

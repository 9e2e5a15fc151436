"""The decoder of a trained task, its parameters chosen on the validation blocks and nowhere else."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DecoderChoice:
    """config: the chosen decoder (`_target_` and arguments), None where there was nothing to choose; scores: its metrics, `val/…`."""

    config: dict[str, Any] | None = None
    scores: dict[str, float] = field(default_factory=dict)


def choose_decoder(task: Any, data: Any, folder: Path) -> DecoderChoice:
    """Try `task.decoder_grid` on every validation block, keep the best by its worst neighbour, and write all to `decoder.csv`.

    Each block is predicted once. The task's decoder is replaced by the chosen one. Decoders of classes are judged by their mean IoU.
    """
    from cellml.io.atomic import write_text
    from cellml.segmentation.selection import choose_parameters

    if not task.decoder_grid or task.decoder is None or not len(data.val_dataloader()):
        return DecoderChoice()
    log.info("Choosing the decoder on %d validation block(s) ...", len(data.val_dataloader()))
    if task.target.kind == "semantic":
        return _choose_class_decoder(task, data, folder)
    tables = []
    for batch in data.val_dataloader():
        probabilities = task.predict_volume(batch["image"].numpy())
        affinities, offsets = task.target.pairs(probabilities)
        known = task.target(batch["labels"][None])[1].any(dim=1)[0].numpy()
        truth = task.target.objects(batch["labels"].numpy())
        choice = choose_parameters(
            task.decoder, task.decoder_grid, affinities, offsets, truth, mask=known, cost=task.target.cost, scores=task.target.scores
        )
        tables.append([{"block": batch["name"], **row} for row in choice.rows])
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


def _choose_class_decoder(task: Any, data: Any, folder: Path) -> DecoderChoice:
    from cellml.io.atomic import write_text
    from cellml.segmentation.class_selection import choose_class_parameters

    def blocks() -> Iterator[Any]:
        for batch in data.val_dataloader():
            known = task.target(batch["labels"][None])[1].any(dim=1)[0].numpy()
            yield task.predict_volume(batch["image"].numpy()), batch["labels"].numpy(), known

    choice = choose_class_parameters(task.decoder, task.decoder_grid, blocks())
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

"""Another target and decoder for a network that is trained already, the decoder chosen on validation blocks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cellml.errors import CellmlError

log = logging.getLogger(__name__)


def redecode(checkpoint: str | Path, output: str | Path, data: Any, changes: Mapping[str, Any]) -> dict[str, float]:
    """Write a copy of a checkpoint whose task has other parts, such as a membrane target and its decoder for a network of two classes.

    data: a data module, whose validation blocks the decoder is chosen on; changes: `target`, `decoder` and `decoder_grid` as Hydra would
    build them, in place of the task's own; the weights stay. Writes `decoder.csv` beside the output. Returns the scores of the choice.
    Raises CellmlError where the network's channels do not suit the target.
    """
    from hydra.errors import InstantiationException
    from omegaconf import OmegaConf

    from cellml.checkpoint import load, read, write
    from cellml.tasks.decoder_choice import choose_decoder

    content = read(checkpoint)
    record = dict(content["cellml"])
    config = OmegaConf.create(record["config"])
    for name, value in changes.items():
        config.task[name] = value
    record["config"] = OmegaConf.to_yaml(config, resolve=True)
    data.setup()
    with TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.ckpt"
        write(draft, content["state_dict"], record)
        try:
            task = load(draft).task
        except InstantiationException as error:
            raise (error.__cause__ if isinstance(error.__cause__, CellmlError) else error) from error
    choice = choose_decoder(task, data, Path(output).parent)
    if choice.config is not None:
        config.task.decoder = choice.config
    record |= {"config": OmegaConf.to_yaml(config, resolve=True), "labels": [], "metrics": {**record.get("metrics", {}), **choice.scores}}
    write(Path(output), content["state_dict"], record)
    log.info("Wrote %s", output)
    return choice.scores

"""Pseudo-labels: where nobody labelled, what a model is sure of becomes a label (Lee 2013)."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.blocks import OpenBlock
from cellml.data.labelled import UNLABELLED
from cellml.errors import CellmlError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PseudoLabels:
    """Predictions of `checkpoint`, a network or a classifier of pixels, as labels of the voxels that have none.

    confidence: least probability of the most likely class; voxels below it stay unlabelled and count nowhere; trust: module prefixes that
    the checkpoint may build classes from. Labels that somebody gave are never touched, and validation blocks never filled.
    """

    checkpoint: str
    confidence: float = 0.9
    trust: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not 0 < self.confidence <= 1:
            raise CellmlError(f"data.pseudo.confidence is {self.confidence}; it is a probability above 0 and at most 1.")

    def fill(self, blocks: Sequence[OpenBlock]) -> dict[str, Any]:
        """Predict all blocks that have unlabelled voxels and fill them; returns where the labels come from, in plain values.

        Raises CellmlError where a block contradicts the checkpoint, the checkpoint does not predict classes, or it is sure of nothing.
        """
        from cellml.checkpoint import load, require_match
        from cellml.infer.device import choose_device, choose_precision

        model, place = load(self.checkpoint, trust=self.trust, task="SegmentationTask"), choose_device("auto")
        model.task.to(place).window = replace(model.task.window, precision=choose_precision(place))
        if model.task.target.kind != "semantic":
            raise CellmlError(f"{self.checkpoint} predicts objects, not classes; pseudo-labels need a checkpoint of a semantic task.")
        rows = []
        for block in blocks:
            require_match(model.contract, spacing_nm=block.spacing, channels=block.channels, name=block.name)
            missing = block.read_labels() == UNLABELLED
            if missing.any():
                labels = confident_labels(self._predict(model, block), self.confidence)
                block.fill(labels)
                rows.append(_summary(block.name, labels[missing], model.task.target.classes))
        _say(rows, self)
        return {
            "checkpoint": str(self.checkpoint),
            "sha256": hashlib.sha256(Path(self.checkpoint).read_bytes()).hexdigest(),
            "commit": str(model.record.get("commit")),
            "confidence": float(self.confidence),
            "blocks": rows,
        }

    def _predict(self, model: Any, block: OpenBlock) -> NDArray[np.float32]:
        """Probabilities (K, Z, Y, X), with the image normalised as the checkpoint knows it; nothing outside the block is looked at."""
        from cellml.data.normalisation import Normalisation

        numbers = Normalisation.measure(block.image, method=model.contract["normalisation"], name=block.block.image)
        return model.task.predict_volume(numbers.apply(block.read_raw()))  # type: ignore[no-any-return]


def confident_labels(probabilities: NDArray[np.float32], confidence: float) -> NDArray[np.int64]:
    """(K, Z, Y, X) class probabilities → (Z, Y, X) most likely class, UNLABELLED where its probability is below `confidence`."""
    return np.where(probabilities.max(axis=0) >= confidence, probabilities.argmax(axis=0), UNLABELLED).astype(np.int64)


def _summary(name: str, filled: NDArray[np.int64], classes: Sequence[str]) -> dict[str, Any]:
    counts = {kind: int((filled == number).sum()) for number, kind in enumerate(classes)}
    return {"block": name, "unlabelled": int(filled.size), "filled": int((filled != UNLABELLED).sum()), "classes": counts}


def _say(rows: Sequence[dict[str, Any]], rule: PseudoLabels) -> None:
    unlabelled, filled = (sum(row[key] for row in rows) for key in ("unlabelled", "filled"))
    if not filled:
        raise CellmlError(
            f"{rule.checkpoint} gives no label: of {unlabelled:,} unlabelled voxels none reaches a probability of {rule.confidence:g}. "
            "Lower data.pseudo.confidence, or label less of the training blocks by hand."
        )
    log.info("Pseudo-labels: %.1f %% of %d unlabelled voxels, by %s", 100 * filled / unlabelled, unlabelled, rule.checkpoint)
    totals = {kind: sum(row["classes"][kind] for row in rows) for kind in rows[0]["classes"]}
    for kind, count in totals.items():
        if not count:
            log.warning(
                "No pseudo-label of class %s reaches a probability of %g: only labels given by hand teach it.", kind, rule.confidence
            )

"""Where probabilities become classes: the threshold, or for several classes one offset each, that gives the best mean IoU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.blocks import OpenBlock
from cellml.pixels.samples import labelled_slabs

_VOXELS = 1_000_000  # drawn from all blocks together: IoU to three digits


def choose_bias(logs: NDArray[np.floating[Any]], truth: NDArray[np.integer[Any]], rounds: int = 3) -> NDArray[np.float32]:
    """Offsets (K,) of the logarithms of probabilities, (K, n), whose largest class agrees best with truth, (n,).

    Each class in turn gets the offset that maximises the mean IoU of the classes above 0, the others as they are; with two classes this
    is the best of all thresholds. The first class keeps 0, and so does a class that truth lacks: nothing can be said of its threshold.
    """
    count, present = len(logs), np.unique(truth)
    bias = np.zeros(count)
    if len(present) < 2:
        return bias.astype(np.float32)
    for _ in range(1 if count == 2 else rounds):
        for own in present[present > 0]:
            others = np.delete(np.arange(count), own)
            shifted = logs[others] + bias[others, None]
            rival, margin = others[shifted.argmax(axis=0)], logs[own] - shifted.max(axis=0)
            bias[own] = _best_offset(margin, own, rival, truth, count)
    return (bias - bias[0]).astype(np.float32)


def held_out_answers(task: Any, blocks: Sequence[OpenBlock], seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logarithms of the task's probabilities (K, n) and classes (n,) at known voxels of blocks, at most a million drawn evenly."""
    rng = np.random.default_rng(seed)
    whole = sum(np.prod(block.shape) for block in blocks)
    logs, truth = [], []
    for block in blocks:
        probabilities = task.predict_volume(block.read_image())
        for start, numbers, known in labelled_slabs(block, task.target):
            drawn = known & (rng.random(known.shape) < _VOXELS / whole)
            part = probabilities[:, start : start + len(numbers)]
            logs.append(np.log(np.maximum(part[:, drawn], 1e-6)))
            truth.append(numbers[drawn])
    return np.concatenate(logs, axis=1), np.concatenate(truth)


def _best_offset(margin: Any, own: int, rival: Any, truth: Any, count: int) -> float:
    """The b for which "class `own` where margin + b > 0, else its rival" has the best mean IoU, from cumulated counts of sorted margins."""
    order = np.argsort(-margin, kind="stable")
    margin, rival, truth = margin[order], rival[order], truth[order]
    scores = np.zeros(len(margin) + 1)
    present = [k for k in range(1, count) if (truth == k).any()]
    for k in present:
        taken, hit = (_cumulated(what) for what in ((rival == k, (rival == k) & (truth == k))))
        if k == own:
            predicted, true = np.arange(len(margin) + 1), _cumulated(truth == k)
        else:
            predicted, true = taken[-1] - taken, hit[-1] - hit
        scores += true / np.maximum(predicted + (truth == k).sum() - true, 1)
    edges = np.concatenate([[True], margin[1:] < margin[:-1], [True]])  # equal margins go together
    best = int(np.flatnonzero(edges)[scores[edges].argmax()])
    high = margin[best - 1] if best else margin[0] + 1
    low = margin[best] if best < len(margin) else margin[-1] - 1
    return float(-(high + low) / 2)


def _cumulated(what: Any) -> NDArray[np.int64]:
    """Counts among the first 0, 1, … n."""
    return np.concatenate([[0], np.cumsum(what)])

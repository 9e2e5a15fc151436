"""What is wrong with a split into training and validation: leaks, and classes that one side lacks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from cellml.data.finding import Finding, listed

_CLASSES = 16  # more labels than this are objects, which a split may well divide


def split_findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Examine the blocks `data.train` and `data.val`, with the fields of `data` that all blocks share, as in the data module.

    Blocks of one file that overlap, or come nearer than `data.guard` (8 voxels); sections that are in both although the files differ;
    classes without a voxel on one side. Reads each block once, a section at a time.
    """
    from cellml.data.blocks import Block, OpenBlock

    common = {"image": data["path"], "labels": data.get("labels"), "spacing_nm": data.get("spacing_nm"), "ignore": data.get("ignore")}
    train, val = ([OpenBlock(Block(**{**common, **block})) for block in data.get(side) or []] for side in ("train", "val"))
    guard = int(data.get("guard") or 8)
    for a, b in product(train, val):
        yield from _distance(a, b, guard) if a.file == b.file else _shared_sections(a, b)
    yield from _classes(train, val, data.get("classes"))


def _distance(a: Any, b: Any, guard: int) -> Iterator[Finding]:
    gap = max(max(p.start - q.stop, q.start - p.stop) for p, q in zip(a.box, b.box, strict=True))
    if gap < 0:
        shared = np.prod([min(p.stop, q.stop) - max(p.start, q.start) for p, q in zip(a.box, b.box, strict=True)])
        what = f"Training and validation share {int(shared)} voxels"
        yield Finding("fatal", what, f"{a.name} and {b.name}", "Scores would be those of a test with known answers: move one of them.")
    elif gap < guard:
        what = f"Training and validation are {gap} voxels apart, and {guard} are asked for"
        remedy = "Neighbouring voxels correlate, so scores flatter: leave a band between them (data.guard)."
        yield Finding("warning", what, f"{a.name} and {b.name}", remedy, harm=0.95)


def _shared_sections(a: Any, b: Any) -> Iterator[Finding]:
    """Sections of one file that are, byte for byte, in the other: a volume that was copied under two names."""
    known = dict(_marks(a))
    shared = [(known[mark], z) for mark, z in _marks(b) if mark in known]
    if shared:
        what = f"{len(shared)} sections are in training and in validation, although the files differ"
        where = f"z of {a.name} and of {b.name}: {listed([f'{p} = {q}' for p, q in shared])}"
        yield Finding("fatal", what, where, "One file is a copy of the other, or of a part: take it out.")


def _marks(block: Any) -> Iterator[tuple[bytes, int]]:
    _, height, width = block.shape
    for z in range(block.shape[0]):
        section = block.read_image((slice(z, z + 1), slice(0, height), slice(0, width))) * block.normalisation.scale
        section = np.round(section + block.normalisation.shift, 3)
        if section.std() > 0:
            yield hashlib.blake2b(section.tobytes(), digest_size=16).digest(), block.box[0].start + z


def _classes(train: Sequence[Any], val: Sequence[Any], names: Sequence[str] | None) -> Iterator[Finding]:
    from cellml.data.class_check import count_labels

    counts = []
    for blocks in (train, val):
        total: Counter[int] = Counter()
        for block in blocks:
            total.update(count_labels(block))
        counts.append(total)
    everything = set(counts[0]) | set(counts[1])
    if not train or not val or len(everything) > _CLASSES:
        return
    for here, there, side, harm in ((counts[0], counts[1], "validation", 0.85), (counts[1], counts[0], "training", 0.9)):
        missing = sorted(set(here) - set(there))
        if missing:
            said = listed([f"{k}{f' ({names[k]})' if names and k < len(names) else ''}, {here[k]} voxels elsewhere" for k in missing])
            what = f"{len(missing)} classes have no voxel in {side}"
            remedy = "It cannot be judged" if side == "validation" else "It cannot be learned"
            yield Finding("warning", what, f"class {said}", f"{remedy}: move the cut, or label it there too.", harm=harm)

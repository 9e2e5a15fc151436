"""Synthetic blocks as files: images, labels, and how they were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import CellmlError, FileError
from cellml.shapes.synthetic.block import Recipe, SyntheticBlock, make_block

MARK = "provenance.json"


def write_blocks(
    recipe: Recipe,
    folder: Path,
    count: int,
    shape: Sequence[int],
    spacing: Sequence[float],
    seed: int = 0,
    suffix: str = ".npz",
    given: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] = lambda said: None,
) -> dict[str, Any]:
    """Make `count` blocks and write them, with provenance.json, as a folder that appears when it is complete.

    shape, spacing: of each block, (Z, Y, X) voxels and nm; suffix: .npz (all arrays of a block in one file), .zarr (OME-Zarr), .tif …;
    given: what the provenance says of the recipe. Block n has the seed [seed, n]. Returns what provenance.json says. Raises CellmlError for
    a count below 1, and as `make_block` does.
    """
    from datetime import UTC, datetime

    from cellml import __version__
    from cellml.io import atomic_path, write_json

    if count < 1:
        raise CellmlError(f"count={count} asks for no block; give 1 or more.")
    learned = recipe.learned(seed, tell)
    with atomic_path(folder) as aside:
        aside.mkdir()
        blocks = []
        for number in range(count):
            tell(f"block {number + 1} of {count}")
            block = make_block(recipe, learned, shape, spacing, [seed, number], tell)
            blocks.append({**_write(block, aside, f"block_{number:03d}", suffix), "seed": [seed, number], **told(block)})
        facts = {
            "program": f"cellml {__version__}",
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "given": dict(given or {}),
            "learned_from": {kind.name: list(kind.notes) for kind in learned.kinds},
            "style": learned.style.as_dict() if learned.style else None,
            "shape": list(shape),
            "spacing_nm": list(spacing),
            "classes": block.classes.names,
            "blocks": blocks,
        }
        write_json(aside / MARK, facts)
    return facts


def read_blocks(folder: Path) -> dict[str, Any]:
    """What provenance.json of a folder of blocks says. Raises FileError for a folder of something else."""
    import json

    try:
        facts = json.loads((folder / MARK).read_text(encoding="utf-8"))
        if not all("image" in block["files"] for block in facts["blocks"]):
            raise KeyError("image")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(f"{folder} holds no synthetic blocks as `cellml render` writes them ({type(error).__name__}: {error}).") from None
    return dict(facts)


def _write(block: SyntheticBlock, folder: Path, name: str, suffix: str) -> dict[str, Any]:
    """Files by what they hold, relative to the folder."""
    from cellml.io import write_labels, write_volume

    together = suffix == ".npz"
    files = {what: f"{name}.npz:{what}" if together else f"{name}_{what}{suffix}" for what in ("image", "classes", "organelles", "cells")}
    write_volume(block.image, str(folder / files["image"]))
    for what in ("classes", "organelles", "cells"):
        write_labels(getattr(block, what), str(folder / files[what]))
    return {"files": files}


def told(block: SyntheticBlock) -> dict[str, Any]:
    """What a block holds: organelles placed by kind, those that found no place, crossing facets (0), shares of the classes."""
    kinds = [placed.kind for placed in block.contents.placed]
    names = block.classes.names or {}
    shares = np.bincount(block.classes.data.ravel(), minlength=len(names)) / block.classes.data.size
    return {
        "placed": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "refused": len(block.contents.refused),
        "crossing_facets": block.contents.crossing,
        "shares": {names[n]: round(float(share), 5) for n, share in enumerate(shares.tolist())},
    }

"""A run's folder: one run's own, and never overwritten."""

from __future__ import annotations

import os
from pathlib import Path

from cellml.errors import CellmlError


def claim_folder(folder: Path) -> Path:
    """Take a run folder for this run alone. Raises CellmlError if another run has it: run folders are never overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(folder / "run.claimed", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        last = folder / "checkpoints" / "last.ckpt"
        further = (
            f"to go on with that run, add resume={last} and name a new folder"
            if last.is_file()
            else f"that run has not written a checkpoint to go on from (if it was killed, delete {folder})"
        )
        raise CellmlError(
            f"{folder} belongs to another run, and run folders are never overwritten. Leave hydra.run.dir out, or name a new folder; "
            f"{further}."
        ) from None
    return folder


def release_folder(folder: Path) -> None:
    """Give up a folder in which nothing was kept, so that the same command runs again once the cause of its failure is mended."""
    if not any(folder.rglob("*.ckpt")):
        (folder / "run.claimed").unlink(missing_ok=True)

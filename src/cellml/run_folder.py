"""A run's folder: one run's own, held while it trains, and never overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cellml.errors import CellmlError

LAST = Path("checkpoints", "last.ckpt")


def claim_folder(folder: Path, overrides: Sequence[str] = (), *, again: bool = False) -> Path:
    """Take a run folder for this run alone.

    overrides: of the command, by which the run is known; again: whether the same run may go on in its folder, as a job of a sweep or one
    that a cluster starts anew. Raises CellmlError if another run has it: run folders are never overwritten.
    """
    folder.mkdir(parents=True, exist_ok=True)
    claim, identity = folder / "run.claimed", "\n".join(sorted(overrides))
    try:
        with os.fdopen(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY), "w", encoding="utf-8") as stream:
            stream.write(identity)
    except FileExistsError:
        if again and claim.read_text(encoding="utf-8") == identity:
            return folder
        raise CellmlError(_belongs(folder, overrides)) from None
    return folder


def release_folder(folder: Path) -> None:
    """Give up a folder in which nothing was kept, so that the same command runs again once the cause of its failure is mended."""
    if not any(folder.rglob("*.ckpt")):
        (folder / "run.claimed").unlink(missing_ok=True)


@contextmanager
def held_folder(folder: Path, overrides: Sequence[str], *, again: bool, patience_s: float = 15) -> Iterator[None]:
    """Claim a folder and lock it while the run lives; a run that fails before it kept anything gives it up.

    patience_s: how long to wait for another process that trains there, negative for as long as it takes; the lock of a killed process is
    free at once, but for its loaders, which take seconds to notice. Raises CellmlError if another run has the folder, or trains in it now.
    """
    from filelock import FileLock, Timeout

    claim_folder(folder, overrides, again=again)
    lock = FileLock(folder / "run.lock", timeout=patience_s)
    try:
        lock.acquire()
    except Timeout:
        raise CellmlError(f"Another process is training in {folder} right now; wait for it, or name a new folder.") from None
    try:
        yield
    except BaseException:
        release_folder(folder)
        raise
    finally:
        lock.release()


def own_position(folder: Path) -> Path | None:
    """The checkpoint of this very folder that a run which begins again goes on from, if there is one."""
    return folder / LAST if (folder / LAST).is_file() else None


def _belongs(folder: Path, overrides: Sequence[str]) -> str:
    changes = claim_changes(folder, overrides)
    named = f"; it differs from this command in {', '.join(changes)}" if changes else ""
    return (
        f"{folder} belongs to another run, and run folders are never overwritten{named}. {_what_stands_there(folder)}. For this command, "
        "name a new folder: hydra.run.dir, or hydra.sweep.dir of a sweep."
    )


def claim_changes(folder: Path, overrides: Sequence[str]) -> list[str]:
    """In what a command differs from the one that claimed a folder: "training.max_steps (3 → 4)"; an override not given is "default"."""
    first, second = (_by_key(words) for words in ((folder / "run.claimed").read_text(encoding="utf-8").splitlines(), overrides))
    keys = sorted(first.keys() | second.keys())
    return [f"{key} ({first.get(key, 'default')} → {second.get(key, 'default')})" for key in keys if first.get(key) != second.get(key)]


def _by_key(overrides: Sequence[str]) -> dict[str, str]:
    parts = (word.partition("=") for word in overrides)
    return {key: value if equals else "given" for key, equals, value in parts if key}


def _what_stands_there(folder: Path) -> str:
    """What became of the run that has the folder, and what may be done with it; a folder that holds weights is never to be deleted."""
    from cellml.sweeps.job_record import read_record

    last, record = folder / LAST, read_record(folder)
    if (folder / "model.ckpt").is_file():
        return f"That run is finished, its model is {folder / 'model.ckpt'}"
    if last.is_file():
        return f"To go on with that run, add resume={last} and name a new folder, or resume={folder} to go on in this one"
    if record is not None and record.settled_state == "running":
        return "That run is training there now"
    if any(folder.rglob("*.ckpt")):
        return "That run was not finished, and its checkpoints are kept there"
    return f"That run has not written a checkpoint to go on from (if it was killed, delete {folder})"

"""Independent pieces of work on as many threads as torch uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Piece = TypeVar("Piece")


def in_parallel(work: Callable[[Piece], object], pieces: Iterable[Piece]) -> None:
    """Call `work` for every piece. Compiled loops and NumPy release the interpreter's lock, so that plain threads use all cores.

    As many threads as `torch.get_num_threads()`, so that one setting (`threads=` of a command, OMP_NUM_THREADS) holds for networks and
    classifiers alike. An exception of any piece is raised here.
    """
    listed, threads = list(pieces), torch.get_num_threads()
    if threads == 1 or len(listed) < 2:
        for piece in listed:
            work(piece)
        return
    with ThreadPoolExecutor(min(threads, len(listed))) as pool:
        for done in pool.map(work, listed):
            del done

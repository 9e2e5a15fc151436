"""Do tiles show the network enough?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from cellml.infer.predict import SlidingWindow

log = logging.getLogger(__name__)


def warn_of_small_tiles(window: SlidingWindow, net: Any, shape: Sequence[int]) -> str | None:
    """Warn where a tile with its context is smaller than the network's field of view although the volume is larger; returns the text.

    Such a network judges voxels by less than it learned to look at, and neighbouring tiles disagree.
    """
    field = getattr(net, "halo", None)
    if field is None:
        return None
    plan = window.plan(net, shape)
    seen = [min(c + 2 * (h + o), n) for c, h, o, n in zip(plan.core, plan.halo, plan.overlap, plan.padded, strict=True)]
    view = [2 * f + 1 for f in field]
    small = [a for a in range(3) if seen[a] < min(view[a], plan.padded[a])]
    if not small:
        return None
    text = (
        f"Tiles of {tuple(plan.core)} voxels with a halo of {tuple(plan.halo)} show the network {tuple(seen)} voxels (z, y, x), and its "
        f"field of view is {tuple(view)}: along {', '.join('zyx'[a] for a in small)} it sees less than it was trained to use, and tiles "
        f"will not match at their seams. Use tile={_larger(plan.core, seen, view)} or a larger halo."
    )
    log.warning(text)
    return text


def _larger(core: Sequence[int], seen: Sequence[int], view: Sequence[int]) -> str:
    sizes = [c + max(0, v - s) for c, s, v in zip(core, seen, view, strict=True)]
    return f"[{','.join(map(str, sizes))}]"

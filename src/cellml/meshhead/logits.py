"""Logits of classes on voxels → tetrahedra: a segmentation network's answer, cut as the certified head cuts distances.

Where two classes are equally probable their logits are equal, so that s_a − s_b is, up to its slope, a signed distance to the surface
between them: it has the surface for its zeros, and where it is cut depends on the ratio of its values at an edge's ends alone.
"""

from __future__ import annotations

from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshhead.cut import CutGrid, Cutting
from cellml.meshhead.grid import BackgroundGrid, grid_of_volume
from cellml.meshhead.head import Frame


def cut_logits(logits: Tensor, frame: Frame, step_nm: float, cutting: Cutting | None = None) -> tuple[BackgroundGrid, CutGrid]:
    """The grid near everything that is not class 0, and how the classes cut it, with gradient to the logits.

    logits: (K, Z, Y, X), of a softmax, class 0 the background; step_nm: edge of the grid's cubes. Raises CellmlError for fewer than two
    classes.
    """
    if logits.ndim != 4 or len(logits) < 2:
        raise CellmlError(f"Logits must be (classes, Z, Y, X), the background and at least one more, got {tuple(logits.shape)}.")
    inside = (logits.detach().argmax(0) != 0).cpu().numpy()
    grid = grid_of_volume(frame.shape, frame.spacing, frame.origin, step_nm, inside).to(logits.device)
    return grid, (cutting or Cutting())(grid, frame.sampled(logits, grid.points).double())

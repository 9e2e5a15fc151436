"""A tomogram to learn from: one reconstruction, or the reconstructions of two halves of its tilts, whose noise is independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.data.normalisation import Normalisation
from cellml.data.stacked import StackedImages
from cellml.errors import CellmlError
from cellml.tomography.rotation import spline_coefficients


class TomogramHalves:
    """Normalised voxels in memory, and as splines that can be looked at from any side.

    voxels: (H, Z, Y, X) float32 tensor, H = 1 or 2; measured: their spline coefficients, (H, Z, Y, X), the targets; inputs: a tensor of the
    same shape, what the network is shown, whose wedge may be filled (`show`). references: files; spacing_nm: (z, y, x), where they do not
    say. Raises CellmlError for voxels that are not cubes, in which a rotation would shear, for halves on different grids and for one file
    given twice.
    """

    def __init__(self, references: Sequence[str], normalisation: str = "volume", spacing_nm: Sequence[float] | None = None) -> None:
        from cellml.data.references import resolve
        from cellml.io import open_image

        found = [resolve(reference, "image") for reference in references]
        if len({path for path, _ in found}) < len(found):
            raise CellmlError(f"Both halves are {references[0]}; their noise must be independent. Give one file as data.path instead.")
        with StackedImages([open_image(path, spacing_nm=spacing_nm, spacing_key="data.spacing_nm") for path, _ in found]) as image:
            if max(image.spacing) > 1.01 * min(image.spacing):
                raise CellmlError(f"{image.name} has voxels of {image.spacing} nm (z, y, x); rotated wedges need cubic ones. Resample it.")
            self.shape, self.spacing, self.origin, self.channels = image.shape, image.spacing, image.origin, len(references)
            self.name, self.warning = image.name, next((warning for _, warning in found if warning), None)
            numbers = Normalisation.measure(image, method=normalisation, name=image.name)
            self.voxels: Tensor = torch.from_numpy(numbers.apply(image.read()))
        self.measured: NDArray[np.float32] = spline_coefficients(self.voxels.numpy())
        self.inputs: Tensor = torch.from_numpy(self.measured.copy())

    def show(self, voxels: Tensor) -> None:
        """Show the network these (H, Z, Y, X) instead of what was measured."""
        self.inputs = torch.from_numpy(spline_coefficients(voxels.numpy()))

    def reopen(self) -> None:
        """Nothing to do in a loader process: voxels are in memory."""

"""What stands in a network's place where nothing is learned by gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.errors import CellmlError

Field = NDArray[np.float32]
Triple = tuple[int, int, int]

_LEAST = 1e-6  # a share of 0 would be a logit of −∞, which no other evidence could outweigh


class FittedNet(nn.Module):
    """(B, C, Z, Y, X) image → (B, K, Z, Y, X) logits, from a fit to labelled voxels.

    It has what inference, scoring and checkpoints ask of a network (`halo`, `multiple`, tensors as state), so that all of them serve it
    unchanged. A subclass says `probabilities` of one image, and `fit(data, target)`, which training calls once in place of its steps. Its
    state are buffers named in `fitted`, empty before the fit and of whatever size the fit gives them. `bias`: (K,) is added to the
    logarithms of the probabilities, so that the largest logit means another threshold than the largest probability.
    """

    fitted: tuple[str, ...] = ()
    halo: Triple = (0, 0, 0)
    multiple: Triple = (1, 1, 1)

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.bias = nn.Parameter(torch.zeros(out_channels), requires_grad=False)
        for name in self.fitted:
            self.register_buffer(name, torch.empty(0))

    @property
    def classes(self) -> int:
        """Answers to choose from: one output channel is the probability of the second of two."""
        return max(2, self.out_channels)

    def fit(self, data: Any, target: Any) -> dict[str, float]:
        """Fit to the training blocks of a `VolumeDataModule`; `target` turns labels into classes. Returns numbers to log."""
        raise NotImplementedError(f"{type(self).__name__}.fit")

    def probabilities(self, image: Field) -> Field:
        """Normalised image (C, Z, Y, X) → (classes, Z, Y, X) float32."""
        raise NotImplementedError(f"{type(self).__name__}.probabilities")

    def forward(self, image: Tensor) -> Tensor:
        """image: (B, C, Z, Y, X) → logits (B, K, Z, Y, X). Raises CellmlError before the fit, and for other channels than it had."""
        if not any(getattr(self, name).numel() for name in self.fitted):
            raise CellmlError(f"{type(self).__name__} has not been fitted yet; train it, or load a checkpoint.")
        if image.shape[1] != self.in_channels:
            raise CellmlError(f"{type(self).__name__} was made for {self.in_channels} channel(s), and the image has {image.shape[1]}.")
        fields = image.detach().float().cpu().numpy()
        logs = torch.from_numpy(np.stack([self.probabilities(field) for field in fields])).clamp(min=_LEAST).log().to(image.device)
        if self.out_channels == 1:
            logs = logs[:, 1:] - logs[:, :1]
        return logs + self.bias.view(1, -1, 1, 1, 1)

    def keep(self, **arrays: NDArray[Any]) -> None:
        """Take what was fitted as the module's state."""
        for name, array in arrays.items():
            setattr(self, name, torch.from_numpy(np.ascontiguousarray(array)).to(self.bias.device))
        self.restored()

    def kept(self, name: str) -> NDArray[Any]:
        """A fitted array."""
        return np.asarray(getattr(self, name).cpu().numpy())

    def restored(self) -> None:
        """Called when the state is complete, after a fit and after loading: what is derived from it is made, and it is checked."""

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any) -> None:
        for name in self.fitted:
            if prefix + name in state_dict:
                setattr(self, name, torch.empty_like(state_dict[prefix + name], device=self.bias.device))
        super()._load_from_state_dict(state_dict, prefix, *arguments)
        if all(prefix + name in state_dict for name in self.fitted) and any(getattr(self, name).numel() for name in self.fitted):
            self.restored()

"""The loss of missing-wedge repair: the image's error, and the error of what the tilts did not measure, shell by shell."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.losses.record import LossRecord


class WedgeLoss(nn.Module):
    """absolute · mean |ŷ − y| + squared · mean (ŷ − y)² + fourier · mean over shells of Σ |F(ŷ − y)|² / Σ |F y|² in the missing wedge.

    Sums run over the coefficients of a shell that lie in the wedge, so that each shell counts alike, as in the in-wedge correlation by
    which repairs are judged; the squared error alone is decided by the coarsest structure. Patches are apodised by a Hann window first.
    shells: of equal width up to the Nyquist frequency. Everything in float32. Raises CellmlError for negative weights.
    """

    def __init__(self, absolute: float = 0.0, squared: float = 1.0, fourier: float = 0.0, shells: int = 16) -> None:
        super().__init__()
        if min(absolute, squared, fourier) < 0 or absolute + squared + fourier <= 0 or shells < 1:
            raise CellmlError(
                f"The wedge loss needs weights of at least 0, one of them above, and a shell; got absolute={absolute}, squared={squared}, "
                f"fourier={fourier}, shells={shells}."
            )
        self.absolute, self.squared, self.fourier, self.shells = absolute, squared, fourier, shells

    def forward(self, output: Tensor, target: Tensor, wedge: Tensor) -> LossRecord:
        """output, target: (B, 1, Z, Y, X); wedge: (B, 3), first and last tilt and step in degrees."""
        with torch.autocast(output.device.type, enabled=False):
            difference = output.float() - target.float()
            parts = {"absolute": difference.abs().mean(), "squared": difference.square().mean()}
            total = self.absolute * parts["absolute"] + self.squared * parts["squared"]
            if self.fourier:
                errors = [self._in_wedge(*sample) for sample in zip(difference, target.float(), wedge, strict=True)]
                parts["fourier"] = torch.stack(errors).mean()
                total = total + self.fourier * parts["fourier"]
        return LossRecord(total, {name: value.detach() for name, value in parts.items()})

    def _in_wedge(self, difference: Tensor, target: Tensor, wedge: Tensor) -> Tensor:
        """Mean over shells of one sample's relative error power in the wedge; difference, target: (1, Z, Y, X)."""
        z, y, x = target.shape[-3:]
        low, high, step = (float(v) for v in wedge)
        shell, count = wedge_shells((z, y, x), low, high, step, self.shells)
        shell = shell.to(target.device)
        error, power = (self._sums(apodised(volume), shell, count) for volume in (difference[0], target[0]))
        held = power > 1e-12
        return (error[held] / power[held]).mean() if bool(held.any()) else error.sum() * 0

    def _sums(self, volume: Tensor, shell: Tensor, count: int) -> Tensor:
        """Power by shell (count,), of coefficients numbered by `shell`; those numbered `count` lie outside."""
        power = torch.view_as_real(torch.fft.rfftn(volume)).square().sum(-1).flatten()
        return torch.zeros(count + 1, device=volume.device).index_add(0, shell, power)[:count]


def apodised(volume: Tensor) -> Tensor:
    """(Z, Y, X) less its mean, times a Hann window along each axis."""
    result = volume - volume.mean()
    for axis, size in enumerate(volume.shape):
        window = torch.hann_window(size + 2, periodic=False, device=volume.device)[1:-1]
        result = result * window.reshape([-1 if a == axis else 1 for a in range(3)])
    return result


_SHELLS: dict[tuple[Any, ...], tuple[Tensor, int]] = {}


def wedge_shells(shape: tuple[int, int, int], low: float, high: float, step: float, shells: int) -> tuple[Tensor, int]:
    """Shell of each coefficient in rfftn's layout, flattened, `shells` outside the wedge; and the number of shells.

    shape: (Z, Y, X); low, high, step: tilts in degrees. The wedge is taken one Fourier pixel inside its faces. The last few are kept.
    """
    from cellml.data.wedge_damage import tilts_of
    from cellml.tomography.wedge import frequencies, missing_wedge

    key = (shape, round(low, 1), round(high, 1), step, shells)
    if key not in _SHELLS:
        kz, ky, kx = (torch.from_numpy(k) for k in frequencies(shape))
        radius = (kz**2 + ky**2 + kx**2).sqrt()
        number = (radius * 2 * shells).long()
        inside = torch.from_numpy(missing_wedge(shape, tilts_of(low, high, step), margin=1.0)) & (number < shells) & (number > 0)
        if len(_SHELLS) >= 16:
            _SHELLS.pop(next(iter(_SHELLS)))
        _SHELLS[key] = torch.where(inside, number, shells).flatten(), shells
    return _SHELLS[key]

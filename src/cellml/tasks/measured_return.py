"""Data consistency as the last layer of a repair: measured Fourier coefficients of the reconstruction return to the network's answer.

A reconstruction is not simply right where it was measured: its filter weakens frequencies, and noise fills them. Both are read off the
two volumes themselves, shell by shell s of the measured coefficients:

    g_s = Re Σ F_out* F_in / Σ |F_out|²,    SNR_s = g_s² Σ |F_out|² / Σ |F_in − g_s F_out|²,    w = SNR_s / (1 + SNR_s)

g is the reconstruction's transfer of what the network holds for the signal, and F ← w F_in / g_s + (1 − w) F_out at measured coefficients,
by `cellml.tomography.consistency.impose`. Where reconstruction and answer do not resemble each other, w is near 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cellml.errors import CellmlError


class MeasuredReturn:
    """The layer. shells: of equal width up to the Nyquist frequency; strength: factor on w, 1 for Wiener's weight, 0 for no return.

    Differentiable in the answer; gains and weights are constants to the gradient. Raises CellmlError for a strength outside 0 … 1.
    """

    def __init__(self, shells: int = 32, strength: float = 1.0) -> None:
        if not 0 <= strength <= 1 or shells < 1:
            raise CellmlError(f"The return of measured coefficients needs 0 ≤ strength ≤ 1 and a shell; got {strength}, {shells}.")
        self.shells, self.strength = shells, strength

    def __call__(self, answer: Tensor, image: Tensor, wedges: Tensor) -> Tensor:
        """answer, image: (B, 1, Z, Y, X); wedges: (B, 3), first and last tilt and step in degrees → (B, 1, Z, Y, X) float32."""
        from cellml.data.wedge_damage import tilts_of

        with torch.autocast(answer.device.type, enabled=False):
            pairs = zip(answer.float(), image.float(), wedges, strict=True)
            return torch.stack([self.one(a[0], i[0], tilts_of(*(float(v) for v in w)))[None] for a, i, w in pairs])

    def one(self, answer: Tensor, image: Tensor, tilts: Any) -> Tensor:
        """answer, image: (Z, Y, X) float32; tilts: (N,) degrees → (Z, Y, X)."""
        from cellml.tomography.consistency import impose

        with torch.no_grad():
            inferred, measured = torch.fft.rfftn(answer), torch.fft.rfftn(image)
            gain, weight = self.gain_and_weight(inferred, measured, tuple(answer.shape), tilts)
            target = measured / torch.where(weight > 0, gain, 1.0)
        return impose(answer, target, weight)  # type: ignore[no-any-return]

    def gain_and_weight(self, inferred: Tensor, measured: Tensor, shape: tuple[int, ...], tilts: Any) -> tuple[Tensor, Tensor]:
        """Gain g and weight w at each coefficient in rfftn's layout, (Z, Y, X // 2 + 1) float32; w is 0 where no tilt measured."""
        from cellml.tomography.wedge import frequencies, measured_mask

        kz, ky, kx = (torch.from_numpy(k.astype(np.float32)).to(inferred.device) for k in frequencies(shape))
        shell = ((kz**2 + ky**2 + kx**2).sqrt() * (2 * self.shells)).long().clamp(max=self.shells)
        mask = torch.from_numpy(measured_mask(shape, tilts)).to(inferred.device).expand(shell.shape)
        index, f, g = shell[mask], inferred[mask], measured[mask]
        cross, power, total = (
            torch.zeros(self.shells + 1, dtype=torch.float64, device=f.device).index_add(0, index, values.double())
            for values in ((f.conj() * g).real, f.abs().square(), g.abs().square())
        )
        gain = cross / power.clamp(min=1e-30)
        rest = (total - gain * cross).clamp(min=1e-30)
        ratio = torch.where(gain > 0, gain * cross / rest, 0.0)
        weight = self.strength * ratio / (1 + ratio)
        return gain.float()[shell], torch.where(mask, weight.float()[shell], 0.0)

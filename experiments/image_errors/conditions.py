"""What is done to the image before it is segmented: an error of a strength, then a filter or repair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellml.imaging.artefacts.anisotropy import Anisotropy, thicken_sections
from cellml.imaging.artefacts.curtaining import Curtaining, hang_curtains
from cellml.imaging.artefacts.defocus import Defocus, blur_probe
from cellml.imaging.artefacts.illumination import Illumination, light_unevenly
from cellml.imaging.artefacts.missing_sections import MissingSections, lose_sections
from cellml.imaging.artefacts.noise import Noise, add_noise
from cellml.imaging.artefacts.section_contrast import SectionContrast, jump_contrast
from cellml.imaging.artefacts.shifted_sections import ShiftedSections, shift_sections
from cellml.imaging.artefacts.staining import Staining, lose_stain
from cellml.imaging.frame import Frame
from cellml.imaging.repairs.align import SectionAlignment
from cellml.imaging.repairs.apply import repair_volume
from cellml.imaging.repairs.destripe import Destripe
from cellml.imaging.repairs.diffusion import AnisotropicDiffusion
from cellml.imaging.repairs.diffusivity import CoherenceEnhancing, EdgeEnhancing
from cellml.imaging.repairs.equalise import SectionEqualisation
from cellml.imaging.repairs.flat_field import FlatField
from cellml.imaging.repairs.interpolate import MissingSectionRepair
from cellml.imaging.repairs.smoothing import Bilateral, Gaussian, Median
from cellml.types import Volume


@dataclass(frozen=True)
class Error:
    """make(strength, sections, seed) → (apply, parameters); strengths in `unit`, weakest first; random: whether draws differ."""

    unit: str
    strengths: tuple[float, ...]
    make: Callable[[float, int, int], tuple[Any, Any]]
    random: bool = True


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


ERRORS: dict[str, Error] = {
    "noise": Error("electrons a voxel", (100, 20, 5), lambda s, n, seed: (add_noise, Noise(s, seed=seed))),
    "uneven illumination": Error(
        "share at the edge", (0.1, 0.2, 0.4), lambda s, n, seed: (light_unevenly, Illumination(s, s, 0.5 * s)), random=False
    ),
    "contrast jumps": Error(
        "spread of contrast", (0.1, 0.2, 0.4), lambda s, n, seed: (jump_contrast, SectionContrast.drawn(n, s, 2 * s, _rng(seed)))
    ),
    "missing sections, blank": Error(
        "share", (0.02, 0.05, 0.1), lambda s, n, seed: (lose_sections, MissingSections.drawn(n, s, _rng(seed)))
    ),
    "missing sections, repeated": Error(
        "share", (0.02, 0.05, 0.1), lambda s, n, seed: (lose_sections, MissingSections.drawn(n, s, _rng(seed), repeat=True))
    ),
    "shifted sections": Error("nm", (5, 10, 20), lambda s, n, seed: (shift_sections, ShiftedSections.drawn(n, s, 0.0, _rng(seed)))),
    "curtaining": Error("share of intensity", (0.05, 0.1, 0.2), lambda s, n, seed: (hang_curtains, Curtaining(s, 40.0, 50.0, seed=seed))),
    "defocus": Error("nm of probe radius", (8, 16, 32), lambda s, n, seed: (blur_probe, Defocus(s / 8e-3)), random=False),
    "astigmatism": Error(
        "nm of longer probe radius", (8, 16, 32), lambda s, n, seed: (blur_probe, Defocus(0.5 * s / 8e-3, s / 8e-3, 30.0)), random=False
    ),
    "staining gaps": Error("share of the volume", (0.05, 0.1, 0.2), lambda s, n, seed: (lose_stain, Staining(s, 40.0, seed=seed))),
    "thick sections": Error("nm", (20, 40, 80), lambda s, n, seed: (thicken_sections, Anisotropy(s)), random=False),
}

FILTERS: dict[str, Any] = {
    "Gaussian 5 nm": Gaussian(5.0),
    "Gaussian 10 nm": Gaussian(10.0),
    "Gaussian 15 nm": Gaussian(15.0),
    "Gaussian 20 nm": Gaussian(20.0),
    "median 10 nm": Median(10.0),
    "median 20 nm": Median(20.0),
    "bilateral 10 nm, 0.5": Bilateral(10.0, 0.5),
    "bilateral 10 nm, 1.5": Bilateral(10.0, 1.5),
    "NAD edge, 10 nm": AnisotropicDiffusion(length_nm=10.0, updates=2),
    "NAD edge, 20 nm": AnisotropicDiffusion(length_nm=20.0, updates=4),
    "NAD edge, 20 nm, contrast 0.3": AnisotropicDiffusion(EdgeEnhancing(0.3), 20.0, updates=4),
    "NAD coherence, 20 nm": AnisotropicDiffusion(CoherenceEnhancing(), 20.0, updates=4),
}
# What may help a noisy image; the network of this study's own noise stands in `denoise.py`.
AGAINST_NOISE = (
    *("Gaussian 10 nm", "Gaussian 15 nm", "median 20 nm", "bilateral 10 nm, 1.5", "NAD edge, 20 nm", "NAD edge, 20 nm, contrast 0.3"),
    "blind-spot network",
)
NOISY = (20.0, 5.0)

REPAIRS: dict[str, tuple[str, Any]] = {
    "uneven illumination": ("flat field", FlatField(300.0)),
    "contrast jumps": ("equalise", SectionEqualisation()),
    "missing sections, blank": ("interpolate", MissingSectionRepair()),
    "missing sections, repeated": ("interpolate", MissingSectionRepair()),
    "shifted sections": ("align", SectionAlignment()),
    "curtaining": ("destripe", Destripe(200.0, persistence_nm=50.0)),
}


@dataclass(frozen=True)
class Condition:
    """error: a name of ERRORS, "none" for the image as it is; strength: 0 then; repair: a name of FILTERS or of a repair, or "none"."""

    error: str = "none"
    strength: float = 0.0
    repair: str = "none"
    draw: int = 0

    @property
    def key(self) -> tuple[str, str, str, str]:
        """As it stands in a row of a table."""
        return (self.error, f"{self.strength:g}", self.repair, str(self.draw))

    def image(self, clean: Volume, frame: Frame) -> Volume:
        """The image that is segmented."""
        volume = Volume(np.asarray(clean.data, np.float32), clean.spacing, clean.origin, name=clean.name)
        if self.error != "none":
            apply, parameters = ERRORS[self.error].make(self.strength, clean.shape[0], 100 + self.draw)
            volume = Volume(apply(volume.data, parameters, frame), clean.spacing, clean.origin, name=clean.name)
        return volume if self.repair == "none" else self._repaired(volume, self.strength)

    def _repaired(self, volume: Volume, electrons: float) -> Volume:
        if self.repair == "blind-spot network":
            from denoise import denoised

            return denoised(volume, electrons)
        return repair_volume(volume, FILTERS[self.repair] if self.repair in FILTERS else REPAIRS[self.error][1])


def conditions(draws: int) -> Iterator[Condition]:
    """All of them, the most telling first: the strongest errors, filters of the clean image, filters of noise, repairs."""
    yield Condition()
    for place in (2, 1, 0):
        for name, error in ERRORS.items():
            yield Condition(name, error.strengths[place])
        for name, (repair, _) in REPAIRS.items() if place else ():
            yield Condition(name, ERRORS[name].strengths[place], repair)
        for repair in FILTERS if place == 2 else ():
            yield Condition(repair=repair)
        for repair in AGAINST_NOISE if place else ():
            yield Condition("noise", NOISY[2 - place], repair)
    for draw in range(1, draws):
        for name, error in ERRORS.items():
            for strength in error.strengths[1:] if error.random else ():
                yield Condition(name, strength, draw=draw)


def simulated() -> Iterator[Condition]:
    """Those in which the model is solved too: the strongest errors, filters of the clean image, and of the noise of 20 electrons."""
    yield Condition()
    for name, error in ERRORS.items():
        yield Condition(name, error.strengths[2])
    for repair in ("Gaussian 10 nm", "Gaussian 20 nm", "median 20 nm", "bilateral 10 nm, 1.5", "NAD edge, 20 nm", "NAD coherence, 20 nm"):
        yield Condition(repair=repair)
    for name, (repair, _) in REPAIRS.items():
        yield Condition(name, ERRORS[name].strengths[2], repair)
    for name, error in ERRORS.items():
        yield Condition(name, error.strengths[1])
    for repair in AGAINST_NOISE:
        yield Condition("noise", NOISY[0], repair)


def rethresholded() -> Iterator[Condition]:
    """Those in which the decoder's threshold is varied."""
    yield Condition()
    for repair in ("Gaussian 10 nm", "Gaussian 20 nm", "NAD edge, 20 nm", "NAD edge, 20 nm, contrast 0.3", "median 20 nm"):
        yield Condition(repair=repair)
    yield Condition("noise", NOISY[0])
    for name in ("uneven illumination", "defocus", "thick sections"):
        yield Condition(name, ERRORS[name].strengths[2])

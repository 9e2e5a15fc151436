"""How stained tissue looks: brightness of its parts, thickness of membranes, grain."""

from __future__ import annotations

from dataclasses import dataclass

from cellml.errors import CellmlError

Pair = tuple[float, float]


@dataclass(frozen=True)
class Look:
    """Brightness is 0 where all electrons are stopped by stain and 1 for the clearest cytoplasm; lengths in nm.

    membrane_nm: thickness of what two neighbouring cells' membranes show together; membrane: its brightness; staining: standard deviation
    of its darkness along it, as a share. cytoplasm: mean and standard deviation over cells; dark_share, dark: part of the cells, glia and
    dying ones, that are dark, and their brightness. grain, grain_nm: deviation of the cytoplasm's texture and its correlation length.
    vesicles: round vesicles and cut microtubules per µm³, up to so many, evenly drawn for each cell; vesicle_nm: least and largest outer
    diameter; vesicle: brightness of their walls. interior: brightness of an organelle's inside, mean and deviation over organelles;
    envelope_nm, envelope: thickness and brightness of its two membranes; cristae_nm: least and largest distance of cristae, 0 for none;
    crista_nm, crista: their thickness and brightness; cristae_share: part of the inside that has some. Raises CellmlError for a brightness
    outside 0 to 1 and for negative lengths.
    """

    membrane_nm: float = 25.0
    membrane: float = 0.08
    staining: float = 0.15
    cytoplasm: Pair = (0.85, 0.07)
    dark_share: float = 0.08
    dark: float = 0.5
    grain: float = 0.08
    grain_nm: float = 15.0
    vesicles: float = 600.0
    vesicle_nm: Pair = (25.0, 70.0)
    vesicle: float = 0.3
    interior: Pair = (0.5, 0.06)
    envelope_nm: float = 20.0
    envelope: float = 0.2
    cristae_nm: Pair = (45.0, 90.0)
    crista_nm: float = 14.0
    crista: float = 0.25
    cristae_share: float = 0.6

    def __post_init__(self) -> None:
        shares = {
            "membrane": self.membrane,
            "cytoplasm": self.cytoplasm[0],
            "dark_share": self.dark_share,
            "dark": self.dark,
            "vesicle": self.vesicle,
            "interior": self.interior[0],
            "envelope": self.envelope,
            "crista": self.crista,
            "cristae_share": self.cristae_share,
        }
        for name, value in shares.items():
            if not 0 <= value <= 1:
                raise CellmlError(f"look.{name} is {value}; a brightness or a share lies between 0 (black, none) and 1.")
        lengths = (self.membrane_nm, self.grain_nm, *self.vesicle_nm, self.envelope_nm, *self.cristae_nm, self.crista_nm)
        if min(*lengths, self.staining, self.grain, self.vesicles, self.cytoplasm[1], self.interior[1]) < 0:
            raise CellmlError(f"Lengths, deviations and densities of a look are 0 or more; got {self}.")

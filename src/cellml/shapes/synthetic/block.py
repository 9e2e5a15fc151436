"""One synthetic block: tissue, organelles, image and labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cellml.errors import CellmlError
from cellml.shapes.organelles.described import described
from cellml.shapes.organelles.distribution import Distribution
from cellml.shapes.synthetic.contents import Contents, fill_cells
from cellml.shapes.synthetic.exposure import Exposure
from cellml.shapes.synthetic.grid import Grid
from cellml.shapes.synthetic.look import Look
from cellml.shapes.synthetic.neurites import Neurites
from cellml.shapes.synthetic.paint import paint
from cellml.shapes.synthetic.scene import Scene, classes_of, scene_of
from cellml.shapes.synthetic.style import Style, in_kind, measure_style, require_spacing, styled, toned
from cellml.shapes.synthetic.tissue import TissueSource
from cellml.types import Labels, Triple, Volume

_STEP_NM = 15.0  # planes of a section that is thicker are painted one by one


@dataclass(frozen=True)
class Recipe:
    """What blocks are made of.

    organelles: by name, each as `cellml.shapes.organelles.described.described` takes it; tissue: where cells come from; look, exposure: of
    the image; style: fields of a block of training data whose style is taken over (`measure_style`), None for none; texture_nm: longest
    wave of the texture that is taken over; margin_nm: tissue beyond the block, so that organelles are cut by its border as real ones are;
    host_nm: voxels that places for organelles are looked for in; gap_nm: least distance of organelles and membranes, host_nm where None.
    """

    organelles: Mapping[str, Mapping[str, Any]]
    tissue: TissueSource = field(default_factory=Neurites)
    look: Look = field(default_factory=Look)
    exposure: Exposure = field(default_factory=Exposure)
    style: Mapping[str, Any] | None = None
    texture_nm: float = 150.0
    margin_nm: float = 400.0
    host_nm: float = 30.0
    gap_nm: float | None = None

    def __post_init__(self) -> None:
        if not self.organelles:
            raise CellmlError("organelles names no kind; give at least one, such as {mitochondrion: {examples: mito.tif, per_um3: 2}}.")
        if self.margin_nm < 0 or not self.host_nm > 0 or not self.texture_nm > 0:
            raise CellmlError(
                f"margin_nm={self.margin_nm} must be 0 or more, host_nm={self.host_nm} and texture_nm={self.texture_nm} above 0 nm."
            )

    def learned(self, seed: int, tell: Callable[[str], None] = lambda said: None) -> Learned:
        """What blocks share: distributions and style, read and measured once."""
        kinds = [described(name, dict(entry or {}), None, seed, tell) for name, entry in self.organelles.items()]
        return Learned(tuple(kinds), measure_style(self.style) if self.style else None)


@dataclass(frozen=True, eq=False)
class Learned:
    """kinds: of organelles; style: of the image, or None."""

    kinds: tuple[Distribution, ...]
    style: Style | None


@dataclass(frozen=True, eq=False)
class SyntheticBlock:
    """image: uint8, or the type of the style's image; classes: 0 membrane, 1 cytoplasm, then kinds of organelles; organelles, cells:
    instances; contents: the organelles as meshes, in the frame of the block.
    """

    image: Volume
    classes: Labels
    organelles: Labels
    cells: Labels
    contents: Contents


def make_block(
    recipe: Recipe,
    learned: Learned,
    shape: Sequence[int],
    spacing: Sequence[float],
    seed: int | Sequence[int],
    tell: Callable[[str], None] = lambda said: None,
) -> SyntheticBlock:
    """A block of `shape` (Z, Y, X) voxels of `spacing` (z, y, x) nm; equal arguments give an equal block.

    Raises CellmlError for sizes that are none, voxels unlike those of the style, and as the recipe's parts do.
    """
    grid = _grid(shape, spacing)
    if learned.style is not None:
        require_spacing(learned.style, grid.spacing)
    rng = np.random.default_rng(seed)
    wide = grid.around(recipe.margin_nm, recipe.host_nm)
    tell("tissue")
    tissue = recipe.tissue.draw(wide, rng)
    gap = recipe.host_nm if recipe.gap_nm is None else recipe.gap_nm
    contents = fill_cells(tissue.cells(wide), wide, learned.kinds, gap, rng, tell=tell)
    tell("painting")
    steps = max(1, 2 * round((grid.spacing[0] / _STEP_NM - 1) / 2) + 1)  # odd, so that one plane is the middle of the section
    scene = scene_of(tissue, contents, grid.finer(steps), [kind.name for kind in learned.kinds])
    return _rendered(recipe, learned.style, scene, contents, grid, steps, rng)


def _rendered(
    recipe: Recipe, style: Style | None, scene: Scene, contents: Contents, grid: Grid, steps: int, rng: np.random.Generator
) -> SyntheticBlock:
    distance = scene.to_membrane()
    tissue = paint(scene, recipe.look, distance, rng)
    if style is not None:
        tissue = toned(tissue, scene.organelles > 0, style)
    sections = recipe.exposure.record(recipe.exposure.project(tissue, steps, grid.spacing), grid.spacing, rng)
    grey = styled(sections, style, recipe.texture_nm, rng) if style is not None else 230 * sections
    middle = slice(steps // 2, None, steps)
    classes = classes_of(scene, recipe.look.membrane_nm, distance)[middle]
    names = dict(enumerate(["membrane", "cytoplasm", *scene.names]))
    frame: dict[str, Any] = {"spacing": grid.spacing, "origin": grid.origin}
    return SyntheticBlock(
        Volume(in_kind(grey, "uint8" if style is None else style.kind), **frame, name="synthetic"),
        Labels(classes, **frame, kind="semantic", names=names, name="classes"),
        Labels(scene.organelles[middle], **frame, name="organelles"),
        Labels(scene.cells[middle], **frame, name="cells"),
        contents,
    )


def _grid(shape: Sequence[int], spacing: Sequence[float]) -> Grid:
    if len(shape) != 3 or len(spacing) != 3:
        raise CellmlError(f"A block needs shape and spacing_nm along (z, y, x), got {list(shape)} and {list(spacing)}.")
    z, y, x = (int(n) for n in shape)
    dz, dy, dx = (float(s) for s in spacing)
    if min(z, y, x) < 4:
        raise CellmlError(f"A block of {z} × {y} × {x} voxels (z, y, x) holds nothing; give at least 4 along each axis.")
    triple: Triple = (dz, dy, dx)
    return Grid((z, y, x), triple)

"""The verb `cellml render`: learned shapes in, blocks of images and labels out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellml.errors import CellmlError


def render_files(
    output: str,
    recipe: Mapping[str, Any] | None = None,
    count: int = 4,
    shape: Sequence[int] = (20, 384, 384),
    spacing_nm: Sequence[float] = (45.0, 4.6, 4.6),
    suffix: str = ".npz",
    seed: int = 0,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Render blocks of synthetic tissue as a folder: image, classes, organelles and cells of each, and provenance.json.

    recipe: `cellml.shapes.synthetic.block.Recipe` as a configuration; the rest as `write_blocks` takes it; overwrite: replace older blocks.
    `cellml train data=synthetic_mitochondria data.folder=OUTPUT` trains on them. Returns what provenance.json says. Raises CellmlError,
    and writes nothing, for bad input.
    """
    from hydra.utils import instantiate
    from rich.console import Console

    from cellml.meshing.progress import progress_line
    from cellml.shapes.generation.opened import require_free
    from cellml.shapes.synthetic.files import write_blocks

    if not recipe:
        raise CellmlError("There is no recipe to render from; give synthetic@recipe=mitochondria, or one of your own.")
    target = require_free(output, overwrite)
    with progress_line(f"rendering {count} blocks") as tell:
        made = instantiate(dict(recipe), _convert_="all")
        given = {"recipe": dict(recipe), "seed": seed}
        facts = write_blocks(made, target, count, shape, spacing_nm, seed, suffix, given, tell)
    console = Console()
    for block in facts["blocks"]:
        placed = ", ".join(f"{n} {kind}" for kind, n in block["placed"].items()) or "no organelle"
        shares = ", ".join(f"{share:.1%} {name}" for name, share in block["shares"].items())
        console.print(f"{block['files']['image']}: {placed} placed, {block['refused']} found no place; {shares}", soft_wrap=True)
    console.print(f"Written to {output}.", soft_wrap=True)
    return facts

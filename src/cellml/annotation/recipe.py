"""Classical segmentation as a short recipe: named steps in a YAML file, from an image to candidate objects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.plain_yaml import plain_yaml
from cellml.trusted import require_trusted, targets_of, texts_of
from cellml.types import Labels, Triple, Volume

_FOLDER = "recipes"
_STEPS = ("cellml.annotation.", "cellml.imaging.", "cellml.segmentation.")


@dataclass(frozen=True, eq=False)
class Stage:
    """Where a recipe stands.

    image: (Z, Y, X) float32; spacing: (z, y, x) in nm; mask: (Z, Y, X) bool, None before a threshold; labels: (Z, Y, X) int32 objects, None
    before they are told apart.
    """

    image: NDArray[np.float32]
    spacing: Triple
    mask: NDArray[np.bool_] | None = None
    labels: NDArray[np.int32] | None = None

    def require_mask(self, what: str) -> NDArray[np.bool_]:
        """The mask. Raises CellmlError before any threshold."""
        if self.mask is None:
            raise CellmlError(f"{what} needs a mask; put a threshold before it, such as cellml.annotation.thresholds.OtsuThreshold.")
        return self.mask

    def require_labels(self, what: str) -> NDArray[np.int32]:
        """The objects. Raises CellmlError before they are told apart."""
        if self.labels is None:
            raise CellmlError(f"{what} needs objects; put cellml.annotation.objects.Components or SplitByDistance before it.")
        return self.labels


class Step(ABC):
    """A step of a recipe that sees all of a stage. Anything else that is called with (image, spacing) filters the image."""

    @abstractmethod
    def __call__(self, stage: Stage) -> Stage:
        """The next stage."""


def run_recipe(steps: Mapping[str, Any], volume: Volume) -> Labels:
    """Run named steps in their order on an image (Z, Y, X).

    Returns the objects (numbered from 1 without gaps), or, where no step tells objects apart, those that are connected by faces. Raises
    CellmlError, naming the step, for a step that finds nothing to work on, and where no threshold was applied at all.
    """
    from scipy.ndimage import label

    if volume.axes != "ZYX":
        raise CellmlError(f"{volume.name!r} has the axes {volume.axes}; a recipe works on one channel, (Z, Y, X).")
    stage = Stage(np.asarray(volume.data, np.float32), volume.spacing)
    for name, step in steps.items():
        try:
            stage = step(stage) if isinstance(step, Step) else replace(stage, image=step(stage.image, stage.spacing))
        except CellmlError as error:
            raise CellmlError(f"Step {name!r}: {error}") from error
    objects = stage.labels if stage.labels is not None else label(stage.require_mask("A recipe"))[0]
    numbers, compact = np.unique(objects, return_inverse=True)
    data = compact.reshape(objects.shape) + (0 if numbers[0] == 0 else 1)
    return Labels(data.astype(np.min_scalar_type(len(numbers))), volume.spacing, volume.origin, name="candidates")


def read_recipe(recipe: str | Path, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The steps of a recipe, built, by name.

    recipe: a YAML file, or the name of a shipped one (conf/recipes/); changes: other values, {"step.parameter": value}. Raises FileError
    where there is no such recipe, CellmlError where it is no mapping of names to steps with `_target_`, and for a change of no step.
    """
    path = _find(recipe)
    try:
        steps = plain_yaml(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise CellmlError(f"{path} is no YAML: {error}.") from error
    if not isinstance(steps, dict) or not steps or not all(isinstance(s, dict) and "_target_" in s for s in steps.values()):
        raise CellmlError(f"{path} must map names to steps, each with a _target_, as in 'smooth: {{_target_: ..., sigma_nm: 10}}'.")
    for key, value in (changes or {}).items():
        name, _, parameter = key.partition(".")
        if name not in steps or not parameter:
            raise CellmlError(f"changes={{{key}: ...}}: the recipe has the steps {', '.join(steps)}; write STEP.PARAMETER.")
        steps[name][parameter] = value
    _require_own(steps, path)
    return {name: _built(name, step, path) for name, step in steps.items()}


def shipped_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with cellml, in alphabetical order."""
    from cellml.config import conf_dir

    return tuple(sorted(path.stem for path in (conf_dir() / _FOLDER).glob("*.yaml")))


def _require_own(steps: Mapping[str, Any], path: Path) -> None:
    """Raise ContractError for a step that is none of cellml's: recipes are passed on, and a file must not choose what is run."""
    if any("${" in text for text in texts_of(steps)):
        raise CellmlError(f"{path} holds an interpolation (${{…}}), which a recipe has no use for; write the value.")
    wrong = [key for key in _keys(steps) if not isinstance(key, str)]
    if wrong:
        raise CellmlError(f"{path} has the key {wrong[0]!r} where the name of a step or of a parameter is needed.")
    for target in targets_of(steps):
        require_trusted(target, _STEPS, path, remedy="a step of your own is called from Python: cellml.annotation.recipe.run_recipe.")


def _keys(value: Any) -> Iterator[Any]:
    """Every key of nested containers."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    if isinstance(value, Mapping):
        yield from value
    for one in inner:
        yield from _keys(one)


def _find(recipe: str | Path) -> Path:
    from cellml.config import conf_dir

    given = Path(recipe)
    if given.is_file():
        return given
    if str(recipe) in shipped_recipes():
        return conf_dir() / _FOLDER / f"{recipe}.yaml"
    raise FileError(f"There is no recipe {given}; give a YAML file, or one of the shipped: {', '.join(shipped_recipes())}.")


def _built(name: str, step: dict[str, Any], path: Path) -> Any:
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    try:
        return instantiate(step, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, CellmlError):
            raise CellmlError(f"{path}, step {name!r}: {error.__cause__}") from error
        raise CellmlError(f"{path}, step {name!r} cannot be built: {str(error).splitlines()[0]}") from error

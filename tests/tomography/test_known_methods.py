from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hydra.utils import instantiate

from cellml.config import conf_dir
from cellml.errors import ContractError
from cellml.tomography.filters import Hamming
from cellml.tomography.known_methods import method_of
from cellml.tomography.wbp import WeightedBackprojection

SHIPPED = sorted((conf_dir() / "reconstruction").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_method_is_read_back_from_its_own_words(path: Path) -> None:
    method = instantiate(yaml.safe_load(path.read_text()), _convert_="all")
    assert method_of(repr(method)) == method


def test_methods_hold_methods() -> None:
    assert method_of("WeightedBackprojection(filter=Hamming())") == WeightedBackprojection(Hamming())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Art(iterations=3)", "Art is none of WeightedBackprojection"),
        ("Sirt(iterations=print(1))", "print is none of"),
        ("Sirt(30)", "named arguments"),
        ("Sirt(iterations=2", "does not know"),
        ("Sirt(passes=2)", "passes"),
        ("Sirt(iterations=0)", "at least 1 iteration"),
        ("__import__('os').system('true')", "is none of"),
    ],
)
def test_nothing_else_is_built(text: str, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        method_of(text)

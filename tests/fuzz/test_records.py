"""Sound headers and records with any value in any place: read, or refused as documented. What bytes at random seldom reach."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from targets import TARGETS  # noqa: E402
from trial import finding_of, make_seeds  # noqa: E402

_PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["../x", "1e999", "0", "-1", "${x}"])
)
VALUES = st.recursive(
    _PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=5
)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a tree of containers."""
    yield path
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(value, (*path, key))


def changed(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of a tree with another value in one place."""
    if not path:
        return value
    tree = copy.deepcopy(tree)
    node = tree
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return tree


READERS = [name for name, target in TARGETS.items() if target.suffix == ".json"]
MANY = 60
_QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)


@pytest.mark.parametrize("name", READERS)
@_QUICK
@given(data=st.data())
def test_any_value_in_any_place_of_json(name: str, tmp_path: Path, data: st.DataObject) -> None:
    target = TARGETS[name]
    seeds = [json.loads(path.read_text()) for path in make_seeds(target, tmp_path / "seeds")]
    seed = data.draw(st.sampled_from(seeds))
    path = tmp_path / f"latest{target.suffix}"
    path.write_text(json.dumps(changed(seed, data.draw(st.sampled_from(list(places(seed)))), data.draw(VALUES))))
    assert finding_of(target, path) == "", path.read_text()


@settings(_QUICK, max_examples=MANY)
@given(data=st.data())
def test_any_value_in_any_place_of_a_checkpoint(tmp_path: Path, data: st.DataObject) -> None:
    import torch

    target = TARGETS["models"]
    (seed,) = make_seeds(target, tmp_path / "seeds")
    content = torch.load(seed, weights_only=True)
    record = content["cellml"]
    content["cellml"] = changed(record, data.draw(st.sampled_from(list(places(record)))), data.draw(VALUES))
    torch.save(content, tmp_path / "latest.ckpt")
    assert finding_of(target, tmp_path / "latest.ckpt") == "", content["cellml"]

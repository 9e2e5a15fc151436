from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from cellml.config import conf_dir, group_choices, plain, quote_paths
from cellml.errors import CellmlError

PATHS = [
    "scan 1.tif",
    "a=b.tif",
    "x,y.npz:raw",
    "o'brien.tif",
    "été.h5:/volumes/raw",
    "(copy).mrc",
    "back\\slash.tif",
    "a#b.tif",
    "plain/file_1.tif",
    "~/x.tif",
    "C:\\data\\x.tif",
    "{x}.tif"[1:],
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", ["input", "data.path", "checkpoint"])
def test_real_file_names_pass_hydras_grammar_unharmed(key: str, path: str) -> None:
    (override,) = OverridesParser.create().parse_overrides(quote_paths([f"{key}={path}"]))
    assert override.value() == path and override.key_or_group == key


@pytest.mark.parametrize(
    "override",
    ["seed=1,2", "input='already quoted.tif'", "input=${oc.env:HOME}/x", "data.patch=[8,8,8]", "--multirun", "~data", "input=a.tif"],
)
def test_everything_else_is_left_alone(override: str) -> None:
    assert quote_paths([override]) == [override]


def test_plain_resolves_and_names_every_missing_value() -> None:
    assert plain(OmegaConf.create({"a": 1, "b": "${a}", "c": {"d": [1]}})) == {"a": 1, "b": 1, "c": {"d": [1]}}
    with pytest.raises(CellmlError, match=r"Missing: a, c\.d\. .*a=VALUE"):
        plain(OmegaConf.create({"c": {"d": "???"}, "a": "???"}))


def test_the_configuration_is_found() -> None:
    assert (conf_dir() / "train.yaml").is_file()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("parameters={k_on: 2 1/(uM*s), D: 3 um^2/s}", {"k_on": "2 1/(uM*s)", "D": "3 um^2/s"}),
        ("parameters={k: '2 1/s',n:3}", {"k": "2 1/s", "n": 3}),
        ("places={cytosol: label_7, PM: [membrane, psd], ERM: a|b}", {"cytosol": "label_7", "PM": ["membrane", "psd"], "ERM": "a|b"}),
        ("places={}", {}),
    ],
)
def test_texts_by_name_need_no_second_quotes(given, meant):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    (override,) = OverridesParser.create().parse_overrides(quote_paths([given]))
    assert override.value() == meant


def test_a_key_chooses_from_the_group_that_the_verb_places_there() -> None:
    assert group_choices("reconstruct", ["method=sirt", "method.iterations=3"]) == ["reconstruction@method=sirt", "method.iterations=3"]
    assert group_choices("simulate", ["method=stochastic"]) == ["method=stochastic"]

"""Every configuration file: it composes, what it names exists, and its first line is a command that works."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import get_object
from omegaconf import OmegaConf

from cellml.cli import VERBS
from cellml.config import conf_dir, group_choices, quote_paths

CONF = conf_dir().resolve()
FILES = sorted(str(path.relative_to(CONF)) for path in CONF.rglob("*.yaml"))


@cache
def composed(verb: str, *overrides: str, hydra: bool = False) -> Any:
    """The configuration of a command, made once; whoever asks only reads it."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(verb, list(overrides), return_hydra_config=hydra)


def commands(file: str) -> list[list[str]]:
    """The commands of the comment at the head of a file: words after `cellml`."""
    found = []
    for line in (CONF / file).read_text().splitlines():
        if not line.startswith("#"):
            break
        words = line.removeprefix("#").strip()
        if words.startswith(("cellml ", "WANDB_MODE=")):
            found.append(shlex.split(words[words.index("cellml ") :])[1:])
    return found


def targets(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "_target_":
                yield value
            else:
                yield from targets(value)
    elif isinstance(node, list):
        for value in node:
            yield from targets(value)


@pytest.mark.parametrize("file", FILES)
def test_each_file_opens_with_a_command_that_composes(file: str) -> None:
    found = commands(file)
    assert found, f"{file} must begin with a comment that holds a command"
    for verb, *words in found:
        assert verb in VERBS
        overrides = [w for w in words if not w.startswith("--")]
        simple = [o.split(",")[0] if "--multirun" in words and "[" not in o else o for o in overrides]
        config = composed(verb, *quote_paths(group_choices(verb, simple)), hydra=True)
        group = Path(file).parent
        if file.startswith(("experiment/", "debug/", "decode/", "data/", "callbacks/", "hydra/", "trainer/", "logger/")):
            choices = {str(k): str(v) for k, v in config.hydra.runtime.choices.items()}
            assert Path(file).with_suffix("").name in str(choices) or group.name in str(choices), f"the command of {file} does not use it"


@pytest.mark.parametrize("file", FILES)
def test_each_target_exists(file: str) -> None:
    names = list(targets(yaml.safe_load((CONF / file).read_text())))
    for name in names:
        assert callable(get_object(name)), name


TRAINED = [f for f in FILES if f.startswith("experiment/") and commands(f)[0][0] == "train"]


@pytest.mark.parametrize("experiment", [f.removesuffix(".yaml").removeprefix("experiment/") for f in TRAINED])
@pytest.mark.parametrize(  # groups that do not touch each other are chosen together; what debug=fast sets, debug=overfit sets too
    "more", [["trainer=gpu", "callbacks=simulation"], ["trainer=ddp", "debug=overfit", "callbacks=early_stop"]], ids=["run", "debug"]
)
def test_each_training_composes_with_every_way_to_run_it(experiment: str, more: list[str]) -> None:
    config = composed("train", f"experiment={experiment}", *more)
    assert "???" not in OmegaConf.to_yaml(config, resolve=False)
    assert (config.training.max_steps is None) != (config.training.budget_minutes is None)


def plain(value: Any) -> Any:
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("verb", [name for name, verb in VERBS.items() if not verb.whole])
def test_keys_and_defaults_of_a_verb_are_its_functions_arguments(verb: str) -> None:
    module, _, name = VERBS[verb].target.partition(":")
    parameters = inspect.signature(getattr(import_module(module), name)).parameters
    config = OmegaConf.to_container(composed(verb), resolve=False)
    groups = [
        name.rpartition("@")[2]  # the key, where the group has another name
        for entry in yaml.safe_load((CONF / f"{verb}.yaml").read_text()).get("defaults", [])
        if isinstance(entry, dict)
        for name in entry
    ]
    assert isinstance(config, dict) and set(config) | set(groups) == set(parameters)
    for name in groups:
        config.setdefault(name, None)  # a group from which nothing was chosen
    for key, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty:
            assert "???" in str(config[key]) or (verb, key) == ("simulate", "model"), key
        elif not isinstance(config[key], dict):
            assert plain(config[key]) == plain(parameter.default), key


@pytest.mark.parametrize("name", ["local", "slurm"])
def test_launchers_compose_on_top_of_the_plugins_and_do_not_hide_them(name: str) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    assert not (CONF / f"hydra/launcher/submitit_{name}.yaml").exists() and not (CONF / "hydra/launcher/joblib.yaml").exists()
    launcher = composed("train", f"hydra/launcher={name}", hydra=True).hydra.launcher
    assert launcher._target_.endswith({"local": "LocalLauncher", "slurm": "SlurmLauncher"}[name])
    assert launcher.timeout_min == 1440 and launcher.submitit_folder and launcher.retries == 1


def test_the_plugins_names_mean_the_launcher_and_the_study_that_survive() -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    hydra = composed("train", "hydra/launcher=joblib", "hydra/sweeper=optuna", "hydra.sweep.dir=there", hydra=True).hydra
    assert hydra.launcher._target_ == "hydra_plugins.hydra_cellml.launchers.JoblibLauncher" and hydra.launcher.n_jobs == 2
    assert hydra.sweeper._target_ == "hydra_plugins.hydra_cellml.sweepers.OptunaSweeper" and hydra.sweeper.max_failure_rate == 1
    assert hydra.sweeper.storage == "sqlite:///there/study.db" and hydra.sweeper.sampler._target_ == "optuna.samplers.TPESampler"


def test_every_default_of_the_shipped_configuration_is_cured_of_machine_paths() -> None:
    for file in FILES:
        text = (CONF / file).read_text()
        assert "/work" not in text and "/home" not in text and "/tmp" not in text, file

from __future__ import annotations

import pytest

from cellml.cli import VERBS, main
from cellml.help import choices


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_help_explains_every_setting_and_imports_no_hydra(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"cellml {verb}: {VERBS[verb].summary}")
    assert f"cellml {verb} " in text and "#" in text.split("Settings", 1)[1]
    assert "defaults:" not in text and "hydra:\n" not in text


def test_help_of_train_lists_groups_and_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "--help"])
    text = capsys.readouterr().out
    assert "trainer: cpu, ddp, fsdp, gpu" in text and "segmentation/fib25_demo" in text


def test_choices_of_a_group() -> None:
    assert choices("logger") == ["csv", "wandb"]

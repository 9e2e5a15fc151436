from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from cellml import checkpoint
from cellml.errors import CellmlError, ContractError, FileError


class Touch:
    """Pickles to a call of os.system."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def changed(tiny_run: Any, tmp_path: Path) -> Callable[..., Path]:
    """The tiny run's model with a change made to its content: `changed(lambda content: …)`."""

    def write(change: Callable[[dict[str, Any]], None]) -> Path:
        content = torch.load(tiny_run.model, weights_only=True)
        change(content)
        torch.save(content, tmp_path / "changed.ckpt")
        return tmp_path / "changed.ckpt"

    return write


def reconfigure(content: dict[str, Any], key: str, value: Any) -> None:
    config = OmegaConf.create(content["cellml"]["config"])
    OmegaConf.update(config, key, value, force_add=True)
    content["cellml"]["config"] = OmegaConf.to_yaml(config)


def test_one_file_predicts(tiny_run: Any, tmp_path: Path) -> None:
    alone = shutil.copy(tiny_run.model, tmp_path / "moved.ckpt")
    model = checkpoint.load(alone)
    image = np.random.default_rng(0).standard_normal((1, 16, 16, 16)).astype(np.float32)
    again = checkpoint.load(alone).task.predict_volume(image)
    assert model.contract["spacing_nm"] == [10, 10, 10] and not model.task.training
    assert again.shape == (9, 16, 16, 16) and np.array_equal(model.task.predict_volume(image), again)
    assert model.task.decode(again).shape == (16, 16, 16)


def test_the_record_says_where_the_model_comes_from(tiny_run: Any) -> None:
    record = checkpoint.read(tiny_run.model)["cellml"]
    assert record["seed"] == 0 and record["step"] == 4 and record["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert "training.max_steps=4" in record["overrides"] and "val/adapted_rand_error" in record["metrics"]
    assert OmegaConf.create(record["config"]).task.decoder.threshold in (0.4, 0.6), "the decoder's parameters were chosen from the grid"


@pytest.mark.parametrize("name", ["model", "last", "best"])
def test_every_checkpoint_of_a_run_predicts(tiny_run: Any, name: str) -> None:
    assert checkpoint.load(getattr(tiny_run, name)).task.target.channels == 9


def test_a_malicious_pickle_is_not_executed(tmp_path: Path) -> None:
    path, mark = tmp_path / "evil.ckpt", tmp_path / "mark"
    torch.save({"state_dict": {}, "cellml": {"schema": 1, "x": Touch(mark)}}, path)
    with pytest.raises(FileError, match="could run code when opened; it was not opened"):
        checkpoint.read(path)
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.exists(), "the file must be able to do harm, or the test says nothing"


def test_a_bare_malicious_pickle_is_not_executed(tmp_path: Path) -> None:
    import pickle

    path, mark = tmp_path / "evil.ckpt", tmp_path / "mark"
    path.write_bytes(pickle.dumps(Touch(mark)))
    with pytest.raises(FileError, match="not a checkpoint"):
        checkpoint.read(path)
    assert not mark.exists()


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
def test_a_truncated_file_says_so(tiny_run: Any, tmp_path: Path, kept: float) -> None:
    data = tiny_run.model.read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(data[: int(kept * len(data))])
    with pytest.raises(FileError, match=r"is cut off or damaged \(\d+ bytes\).*Copy it again"):
        checkpoint.read(tmp_path / "cut.ckpt")


def test_flipped_bytes_in_the_weights_are_noticed_or_change_nothing_else(tiny_run: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(tiny_run.model) as archive:
        victim = next(i for i in archive.infolist() if i.filename.endswith("data.pkl"))
    data = bytearray(tiny_run.model.read_bytes())
    data[victim.header_offset + 80] ^= 0xFF
    (tmp_path / "flipped.ckpt").write_bytes(data)
    with pytest.raises(FileError, match="flipped.ckpt"):
        checkpoint.read(tmp_path / "flipped.ckpt")


@pytest.mark.parametrize("content", [b"", b"hello, this is no checkpoint", b"\x80\x04K\x01."])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.ckpt").write_bytes(content)
    with pytest.raises(FileError, match="x.ckpt is not a checkpoint"):
        checkpoint.read(tmp_path / "x.ckpt")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.ckpt", tmp_path):
        with pytest.raises(FileError, match="There is no checkpoint"):
            checkpoint.read(path)


@pytest.mark.parametrize("content", [{"state_dict": {}}, [1, 2], {"cellml": 3, "state_dict": {}}, {"cellml": {}, "state_dict": [1]}])
def test_checkpoints_of_other_programs_are_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "foreign.ckpt")
    with pytest.raises(FileError, match="not a cellml checkpoint"):
        checkpoint.read(tmp_path / "foreign.ckpt")


def test_another_schema_and_an_incomplete_record_are_refused(changed: Callable[..., Path]) -> None:
    with pytest.raises(FileError, match="schema 99; this cellml reads schema 1"):
        checkpoint.read(changed(lambda c: c["cellml"].update(schema=99)))
    with pytest.raises(FileError, match=r"lacks cellml.contract.spacing_nm"):
        checkpoint.read(changed(lambda c: c["cellml"]["contract"].pop("spacing_nm")))
    with pytest.raises(FileError, match=r"lacks cellml.config"):
        checkpoint.read(changed(lambda c: c["cellml"].pop("config")))


def test_a_checkpoint_of_another_task_names_both(tiny_run: Any) -> None:
    with pytest.raises(ContractError, match="SegmentationTask, and a ShapeTask is needed"):
        checkpoint.load(tiny_run.model, task="ShapeTask")


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.open",
        "torch.load",
        "torch.hub.load",
        "cellml.nets.unet.torch.load",
        "cellml.nets.unet.torch.hub.load",
        "cellml.losses.affinity.torch.save",
        "monai.networks.nets.resnet.torch.hub.load_state_dict_from_url",
        "monai.networks.utils.save_state",
        "monai.bundle.ConfigParser",
        "cellml.run.train",
        "cellml.tasks.decoder_choice.choose_decoder",
        "torch.nn.functional.relu",
        "torch.nn.modules.module.torch.serialization.load",
        "subprocess.Popen",
    ],
)
def test_untrusted_targets_are_refused_by_name(changed: Callable[..., Path], target: str) -> None:
    path = changed(lambda c: reconfigure(c, "task.net", {"_target_": target, "f": "x"}))
    with pytest.raises(ContractError, match="not trusted") as caught:
        checkpoint.load(path)
    assert target in str(caught.value)


def test_a_target_hidden_in_a_list_or_an_interpolation_is_found(changed: Callable[..., Path], tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = {"_target_": "builtins.open", "_args_": [str(mark), "w"]}
    with pytest.raises(ContractError, match="not trusted"):
        checkpoint.load(changed(lambda c: reconfigure(c, "task.net.widths", [4, [evil]])))
    created = '${oc.create:"{_target_: builtins.open, _args_: [%s, w]}"}' % mark
    with pytest.raises(CellmlError):
        checkpoint.load(changed(lambda c: c["cellml"].update(config=c["cellml"]["config"].replace("norm: batch", f"norm: '{created}'"))))
    escaped = created.replace("${", "\\${", 1)
    with pytest.raises(ContractError, match="interpolation inside text"):
        checkpoint.load(changed(lambda c: c["cellml"].update(config=c["cellml"]["config"].replace("norm: batch", f"norm: '{escaped}'"))))
    assert not mark.exists()


def test_a_target_of_a_module_that_the_caller_trusts_is_built(
    changed: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mylab_nets.py").write_text("from cellml.nets.unet import UNet\nclass Mine(UNet):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = changed(lambda c: reconfigure(c, "task.net._target_", "mylab_nets.Mine"))
    with pytest.raises(ContractError, match=r"trust=\[mylab_nets\.\]"):
        checkpoint.load(path)
    assert type(checkpoint.load(path, trust=["mylab_nets."]).task.net).__name__ == "Mine"


def test_a_target_that_is_not_installed_is_named(changed: Callable[..., Path]) -> None:
    with pytest.raises(CellmlError, match="cellml.nets.future.Net"):
        checkpoint.load(changed(lambda c: reconfigure(c, "task.net._target_", "cellml.nets.future.Net")))


def test_weights_of_another_network_are_refused(changed: Callable[..., Path]) -> None:
    with pytest.raises(FileError, match="do not fit the network"):
        checkpoint.load(changed(lambda c: reconfigure(c, "task.net.widths", [2, 8])))


CONTRACT = {"channels": 1, "spacing_nm": [40.0, 4.0, 4.0]}


def test_inputs_that_contradict_the_contract_name_both_values() -> None:
    with pytest.raises(ContractError, match="scan.tif has 3 channel.*trained on 1"):
        checkpoint.require_match(CONTRACT, spacing_nm=(40, 4, 4), channels=3, name="scan.tif")
    with pytest.raises(ContractError, match="scan.tif has voxels of 40 × 8 × 8 nm .* trained at 40 × 4 × 4 nm"):
        checkpoint.require_match(CONTRACT, spacing_nm=(40, 8, 8), channels=1, name="scan.tif")
    checkpoint.require_match(CONTRACT, spacing_nm=(40.3, 4.01, 4), channels=1, name="scan.tif")


def test_records_hold_plain_values_only(tmp_path: Path) -> None:
    numbers = {"a": np.float64(1.5), "b": np.int64(2), "c": np.float32(0.5), "d": (1, None, True), "e": torch.__version__}
    record = checkpoint.make_record("task: {}", "x.Y", {}, numbers=numbers)
    kinds = [type(v) for v in record["numbers"].values()]
    assert kinds == [float, int, float, list, str] and record["numbers"]["d"] == [1, None, True]
    checkpoint.write(tmp_path / "m.ckpt", {}, record)
    torch.load(tmp_path / "m.ckpt", weights_only=True)
    with pytest.raises(TypeError, match=r"cellml.path holds a PosixPath"):
        checkpoint.make_record("", "", {}, path=tmp_path)

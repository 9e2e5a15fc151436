from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from cellml.acceleration import batch_norms_together, compile_network, lay_out
from cellml.checkpoint import load, read
from cellml.errors import CellmlError

Command = Callable[..., int]
Overrides = Callable[..., list[str]]


def convolution() -> SimpleNamespace:
    torch.manual_seed(0)
    return SimpleNamespace(net=torch.nn.Sequential(torch.nn.Conv3d(2, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv3d(4, 1, 1)))


def test_channels_last_is_another_layout_of_the_same_values() -> None:
    task, image = convolution(), torch.randn(1, 2, 6, 6, 6)
    before, weights = task.net(image), {k: v.clone() for k, v in task.net.state_dict().items()}
    lay_out(task, False)
    assert task.net[0].weight.is_contiguous()
    lay_out(task, True)
    assert task.net[0].weight.is_contiguous(memory_format=torch.channels_last_3d) and not task.net[0].weight.is_contiguous()
    torch.testing.assert_close(task.net(image), before)
    assert all(torch.equal(value, weights[key]) for key, value in task.net.state_dict().items())


@pytest.mark.parametrize("options", [True, {}, {"backend": "eager"}, {"backend": "aot_eager", "dynamic": False}])
def test_the_network_is_compiled_in_place_under_its_names(options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    task, asked = convolution(), []
    names, image = list(task.net.state_dict()), torch.randn(1, 2, 6, 6, 6)
    before = task.net(image)
    if options in (True, {}):  # the default needs a compiler and half a minute
        monkeypatch.setattr(torch, "compile", lambda call, **given: asked.append(given) or call)
    compile_network(task, options)
    torch.testing.assert_close(task.net(image), before)
    assert list(task.net.state_dict()) == names and asked in ([], [{}])


def test_nothing_is_compiled_unless_asked() -> None:
    task = convolution()
    for options in (None, False):
        compile_network(task, options)
    assert task.net._compiled_call_impl is None


@pytest.mark.parametrize(
    ("options", "message"), [({"speed": 9}, "has speed; torch.compile knows backend"), ({"mode": "fast"}, "mode=fast; there are default")]
)
def test_unknown_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CellmlError, match=message):
        compile_network(convolution(), options)


def test_a_compiled_training_gives_a_checkpoint_like_any_other(tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path) -> None:
    assert cellml("train", *tiny(tmp_path / "fast", "training.compile={backend: eager}", "training.channels_last=true")) == 0
    fast, usual = (read(path)["state_dict"] for path in (tmp_path / "fast/checkpoints/last.ckpt", tiny_run.last))
    assert fast.keys() == usual.keys()
    for name in usual:
        torch.testing.assert_close(fast[name], usual[name], rtol=1e-3, atol=1e-4)
    load(tmp_path / "fast/model.ckpt")


@pytest.mark.slow
def test_a_network_that_inductor_compiled(tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path) -> None:
    assert cellml("train", *tiny(tmp_path / "fast", "training.compile=true", "training.precision=bf16-mixed")) == 0
    assert read(tmp_path / "fast/model.ckpt")["state_dict"].keys() == read(tiny_run.model)["state_dict"].keys()
    load(tmp_path / "fast/model.ckpt")


def test_batch_norms_compute_together_where_torchs_own_do_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from cellml.shared_batch_norm import ProcessorSyncBatchNorm

    def chosen(accelerator: str, sync: bool, gpu: bool) -> dict[str, Any]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        return batch_norms_together({"accelerator": accelerator, "sync_batchnorm": sync})

    for accelerator, gpu in (("cpu", False), ("cpu", True), ("auto", False)):
        changes = chosen(accelerator, True, gpu)
        assert changes["sync_batchnorm"] is False and isinstance(changes["plugins"][0], ProcessorSyncBatchNorm)
    assert chosen("auto", True, True) == chosen("gpu", True, True) == chosen("cpu", False, False) == {"plugins": []}


def test_two_batches_a_step_are_one_batch_of_two(cellml: Command, tiny: Overrides, tmp_path: Path) -> None:
    common = ("task.net.norm=none", "data.patches_per_epoch=4", "data.transforms=[]", "task.optimizer._target_=torch.optim.SGD")
    more = {"one": ["data.batch_size=2"], "two": ["data.batch_size=1", "trainer.accumulate_grad_batches=2"]}
    for name, words in more.items():
        assert cellml("train", *tiny(tmp_path / name, *common, *words)) == 0
    a, b = (read(tmp_path / name / "checkpoints/last.ckpt") for name in more)
    assert a["global_step"] == b["global_step"] == 4
    for name in a["state_dict"]:
        torch.testing.assert_close(a["state_dict"][name], b["state_dict"][name], rtol=1e-4, atol=1e-6)


def test_a_recipe_for_networks_that_one_gpu_cannot_hold_says_where_it_needs_one(
    cellml: Command, tiny: Overrides, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert cellml("train", *tiny(tmp_path / "r", "trainer=fsdp")) == 2
    assert "torch sees no CUDA device here" in capsys.readouterr().err


def test_a_task_that_was_sharded_is_built_anew_from_its_checkpoint(tiny_run: Any) -> None:
    from omegaconf import OmegaConf
    from pytorch_lightning.strategies import FSDPStrategy

    from cellml.acceleration import gathered

    point = read(tiny_run.last)
    config = OmegaConf.create(point["cellml"]["config"])
    plain, sharded = SimpleNamespace(strategy=None), FSDPStrategy.__new__(FSDPStrategy)
    task = load(tiny_run.model).task
    assert gathered(task, plain, config) is task
    callbacks = [SimpleNamespace(best_model_path=str(tiny_run.last)), SimpleNamespace(best_model_path="")]
    whole = gathered(task, SimpleNamespace(strategy=sharded, checkpoint_callbacks=callbacks), config)
    assert whole is not task and all(torch.equal(value, point["state_dict"][name]) for name, value in whole.state_dict().items())


def _sharded_gradients(rank: int, folder: str) -> None:
    """One of two processes that share a network's weights by gloo; the first keeps the whole gradients."""
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    net, image = reference_network()
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    net(image).square().mean().backward()
    gradients = {name: parameter.grad.full_tensor() for name, parameter in net.named_parameters()}  # type: ignore[union-attr]
    if rank == 0:
        torch.save(gradients, Path(folder) / "gradients.pt")
    dist.destroy_process_group()


def reference_network() -> tuple[torch.nn.Module, torch.Tensor]:
    from cellml.nets.unet import UNet

    torch.manual_seed(0)
    return UNet(in_channels=1, out_channels=3, widths=[4, 8]), torch.randn(1, 1, 16, 16, 16)


@pytest.mark.slow
def test_a_network_sharded_over_two_processes_has_the_gradients_of_a_whole_one(tmp_path: Path) -> None:
    """torch shards on processors too (Lightning's recipe, trainer=fsdp, needs GPUs); both processes see the same image, so gradients agree."""
    torch.multiprocessing.spawn(_sharded_gradients, args=(str(tmp_path),), nprocs=2)
    net, image = reference_network()
    net(image).square().mean().backward()
    sharded = torch.load(tmp_path / "gradients.pt", weights_only=True)
    assert len(sharded) == len(list(net.parameters()))
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(sharded[name], parameter.grad, rtol=1e-4, atol=1e-7)

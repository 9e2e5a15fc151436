"""What holds for every network that ships: sizes, field of view, tiles, and a checkpoint that opens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hydra.utils import instantiate

from cellml.config import conf_dir
from cellml.errors import CellmlError
from cellml.infer.predict import SlidingWindow
from cellml.nets.field_of_view import measure_halo

# Narrow, where a number of channels has no say in what is tested.
NARROW: dict[str, dict[str, Any]] = {
    "unet": {"widths": [1, 1, 1]},
    "voxresnet": {"widths": [1, 1, 1]},
    "dynunet": {"net": {"filters": [1, 1, 1, 1]}},
    "segresnet": {"net": {"init_filters": 1}},
    "resnet": {"width": 1, "decoder_width": 1, "blocks": [1, 1]},
    "fcn": {"width": 1, "blocks": [1, 1], "finest": 4},
}


def build(name: str, **changes: Any) -> Any:
    from omegaconf import OmegaConf

    torch.manual_seed(0)
    config = OmegaConf.merge(OmegaConf.load(conf_dir() / f"task/net/{name}.yaml"), NARROW[name], changes)
    return instantiate(config, _convert_="all")


def test_every_network_that_ships_is_tested() -> None:
    assert {path.stem for path in (conf_dir() / "task/net").glob("*.yaml")} == set(NARROW)


@pytest.mark.parametrize("name", NARROW)
def test_the_halo_is_exactly_the_field_of_view(name: str) -> None:
    net = build(name, out_channels=1)
    assert measure_halo(net, multiple=net.multiple) == net.halo


@pytest.mark.parametrize("name", NARROW)
def test_the_answer_has_the_size_of_the_image(name: str) -> None:
    net = build(name, in_channels=2, out_channels=3).eval()
    size = [2 * m for m in net.multiple]
    assert net(torch.rand(2, 2, *size)).shape == (2, 3, *size)
    assert net.in_channels == 2 and net.out_channels == 3


@pytest.mark.parametrize("name", NARROW)
def test_tiles_give_what_the_whole_volume_gives(name: str) -> None:
    net = build(name, out_channels=2).eval()
    shape = [n + 2 * h + 3 * m for n, h, m in zip((3, 8, 8), (min(h, 12) for h in net.halo), net.multiple, strict=True)]
    image = np.random.default_rng(0).standard_normal((1, *shape)).astype(np.float32)
    whole, tiled = (
        SlidingWindow(tile=tile, halo=None, overlap=(0, 2, 2)).whole(net, image, activation=torch.sigmoid)
        for tile in ((999, 999, 999), [max(2 * m, 8) for m in net.multiple])
    )
    np.testing.assert_allclose(whole, tiled, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NARROW if name != "unet"])
def test_sizes_that_do_not_fit_are_refused_with_both_numbers(name: str) -> None:
    net = build(name)
    with pytest.raises(CellmlError, match=r"multiples of \(\d, \d+, \d+\) voxels \(z, y, x\), got \(4, 9, 16\)"):
        net(torch.zeros(1, 1, 4, 9, 16))


@pytest.mark.parametrize("name", NARROW)
def test_training_moves_every_weight(name: str) -> None:
    from cellml.losses.semantic import SemanticLoss
    from cellml.tasks.segmentation import SegmentationTask
    from cellml.tasks.targets import SemanticTarget

    task = SegmentationTask(build(name, out_channels=2), SemanticTarget(["a", "b"]), SemanticLoss(), torch.optim.SGD).train()
    generator = torch.Generator().manual_seed(0)
    size = [max(2 * m, 4) for m in task.net.multiple]
    labels = torch.randint(0, 2, (2, *size), generator=generator)
    task.loss_of({"image": torch.rand(2, 1, *size, generator=generator), "labels": labels}).total.backward()
    assert not [name for name, parameter in task.net.named_parameters() if parameter.grad is None]


@pytest.mark.parametrize("name", NARROW)
def test_stages_name_parts_that_exist(name: str) -> None:
    net = build(name)
    for part in [part for stage in getattr(net, "stages", []) for part in stage]:
        net.get_submodule(part)


@pytest.mark.parametrize("name", ["voxresnet", "dynunet", "resnet"])
def test_a_checkpoint_of_it_trains_by_its_recipe_and_predicts(name: str, cellml: Any, tiny: Any, phantom_file: Any, tmp_path: Any) -> None:
    narrow = {
        "voxresnet": ["task.net.widths=[2,2,2]", "task.net.auxiliary=0.5"],
        "dynunet": ["task.net.net.filters=[2,2,2,2]", "task.net.net.deep_supervision=true"],
        "resnet": ["task.net.width=2", "task.net.decoder_width=4", "task.net.blocks=[1,1]"],
    }[name]
    recipe = ("data=fib25", "task=semantic", f"task/net={name}")
    words = [w for w in tiny(tmp_path / "r", recipe=recipe) if not w.startswith("task.net.widths")]
    more = ("training.max_steps=1", "training.validations=1", f"data.labels={phantom_file}:classes")
    assert cellml("train", *words, *narrow, *more) == 0
    out = tmp_path / "o.npz"
    assert cellml("infer", f"checkpoint={tmp_path / 'r/model.ckpt'}", f"input={phantom_file}", f"output={out}", "precision=float32") == 0
    assert np.load(out)["labels"].shape == (40, 32, 32)

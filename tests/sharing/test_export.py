"""Exported networks: the same answers by other runtimes, without cellml, and refusals that say why."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from cellml import checkpoint
from cellml.errors import CellmlError, ContractError, FileError
from cellml.sharing.agreement import check_agreement, random_images
from cellml.sharing.description import describe
from cellml.sharing.network import open_network, output_names
from cellml.sharing.network_command import export_network
from cellml.sharing.page import page
from cellml.tasks.membrane_target import MembraneTarget
from cellml.tasks.organelle_target import OrganelleTarget

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture(scope="module")
def folder(tiny_run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network as .onnx and .pt2, with what lies beside them."""
    pytest.importorskip("onnxscript", reason="needs the extra `export`")
    folder = tmp_path_factory.mktemp("exported")
    for suffix in (".onnx", ".pt2"):
        export_network(tiny_run.model, folder / f"net{suffix}", checks=2)
    return folder


def answer_of(model: Path, image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The original's answer to a normalised image, whole."""
    task = checkpoint.load(model).task
    with torch.inference_mode():
        return np.asarray(task.target.activation(task.net(torch.from_numpy(image)[None]))[0].numpy())


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_the_code_of_the_page_predicts_without_cellml_what_cellml_predicts(kind: str, folder: Path, tiny_run: Any, tmp_path: Path) -> None:
    """Sizes that are no multiples, more voxels than a tile has, grey values that must be normalised."""
    page = (folder / f"net.{kind}.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    raw = np.random.default_rng(1).normal(120, 30, (1, 30, 37, 41)).astype(np.float32)
    np.save(tmp_path / "raw.npy", raw)
    small = 'about["tiling"]["tile"] = [16, 16, 16]\n'  # many tiles
    script = (
        f"import sys\nsys.modules['cellml'] = None\n{code}\n{small}np.save('{tmp_path}/found.npy', predict(np.load('{tmp_path}/raw.npy')))"
    )
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True, timeout=100)
    found = np.load(tmp_path / "found.npy")
    sections = raw[:, np.unique(np.linspace(0, 29, 24).astype(int))].astype(np.float64)
    normalised = ((raw - sections.mean()) / sections.std()).astype(np.float32)
    multiple = open_network(tiny_run.model).multiple
    padded = np.pad(normalised, [(0, 0), *((0, -n % m) for n, m in zip(raw.shape[1:], multiple, strict=True))], mode="edge")
    wanted = answer_of(tiny_run.model, padded)[:, :30, :37, :41]
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_what_lies_beside_the_file_is_inside_it_too(folder: Path, tiny_run: Any) -> None:
    import onnxruntime

    beside = json.loads((folder / "net.onnx.json").read_text())
    inside = json.loads(onnxruntime.InferenceSession(folder / "net.onnx").get_modelmeta().custom_metadata_map["cellml"])
    assert inside == beside
    extra = {"cellml.json": ""}
    torch.export.load(folder / "net.pt2", extra_files=extra)
    assert json.loads(extra["cellml.json"])["input"] == beside["input"]
    contract = checkpoint.read(tiny_run.model)["cellml"]["contract"]
    assert beside["input"]["spacing_nm"] == contract["spacing_nm"] and beside["input"]["normalisation"] == "volume"
    assert beside["output"]["channels"][:3] == ["affinity (-1,0,0)", "affinity (0,-1,0)", "affinity (0,0,-1)"]
    assert "threshold" in beside["afterwards"] and beside["checked"]["onnx"]["difference"] <= 1e-4
    assert len({tuple(shape) for shape in beside["checked"]["onnx"]["shapes"]}) == 2, "free sizes are checked at several"


def test_an_onnx_file_says_which_sizes_it_takes(folder: Path) -> None:
    import onnx

    model, multiple = onnx.load(folder / "net.onnx"), json.loads((folder / "net.onnx.json").read_text())["input"]["size_multiple"]
    said = f"sizes multiples of {' × '.join(map(str, multiple))}"
    assert {entry.key: entry.value for entry in model.metadata_props}["image_sizes"] == f"(z, y, x): {said}"
    assert model.graph.input[0].name == "image" and said in model.graph.input[0].doc_string


def test_the_archive_holds_no_pickle(folder: Path) -> None:
    """torch.load is never needed: graph as JSON, weights as raw bytes."""
    import zipfile

    with zipfile.ZipFile(folder / "net.pt2") as archive:
        pickled = [one for one in archive.infolist() if one.filename.endswith((".pkl", ".pt"))]
        assert not [one.filename for one in pickled if one.file_size], "the place of example inputs is empty"
        configs = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith("_config.json")]
    assert configs and not [one for config in configs for one in config["config"].values() if one["use_pickle"]]


def test_a_network_of_one_size(tiny_run: Any, tmp_path: Path) -> None:
    export_network(tiny_run.model, tmp_path / "one.pt2", size=[16, 16, 32], checks=1, name="blocks")
    about = json.loads((tmp_path / "one.pt2.json").read_text())
    assert about["name"] == "blocks" and "sizes exactly 16 × 16 × 32" in (tmp_path / "one.pt2.md").read_text()
    assert about["input"]["size"] == [16, 16, 32] and about["checked"]["pt2"]["shapes"] == [[2, 1, 16, 16, 32]]
    assert "of exactly the size" in (tmp_path / "one.pt2.md").read_text()
    with pytest.raises(CellmlError, match=r"size=\[15, 16, 32\] must be three numbers of voxels \(z, y, x\), multiples of"):
        export_network(tiny_run.model, tmp_path / "two.pt2", size=[15, 16, 32])


def test_classes_become_names_of_channels(semantic_run: Any) -> None:
    network = open_network(semantic_run.model)
    assert network.kind == "semantic" and network.outputs[0] == "background" and len(network.outputs) == 2
    total = network.module(torch.randn(1, 1, 16, 16, 16)).sum(dim=1)
    torch.testing.assert_close(total, torch.ones_like(total))  # probabilities, not logits


@pytest.mark.parametrize(
    ("target", "names"),
    [
        (MembraneTarget(2), ["inside", "membrane"]),
        (MembraneTarget(1), ["membrane"]),
        (OrganelleTarget(), ["foreground", "boundary", "distance"]),
        (SimpleNamespace(channels=2), ["channel 0", "channel 1"]),
    ],
)
def test_maps_have_names(target: Any, names: list[str]) -> None:
    assert output_names(target, {}) == names and len(names) == target.channels


@pytest.mark.skipif(not (EXPERIMENTS / "label_free/model.ckpt").is_file(), reason="needs the reference checkpoints of a checkout")
def test_a_network_that_takes_a_stack_for_one_section_says_so() -> None:
    about = describe(open_network(EXPERIMENTS / "label_free/model.ckpt"), name="x")
    assert about["input"]["planes_as_channels"] and "`image = stack[:, None]`" in page(about, {})


def test_a_difference_is_found_and_said() -> None:
    net = torch.nn.Conv3d(1, 2, 1)

    def wrong(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        with torch.no_grad():
            return np.asarray(net(torch.from_numpy(image)).numpy()) + np.float32(3e-3)

    with pytest.raises(CellmlError, match=r"By here the exported network differs from the original by 0\.00\d+ .*tolerance=0\.0001"):
        check_agreement(net, wrong, runtime="here", channels=1, multiple=(2, 2, 2))
    found = check_agreement(net, wrong, runtime="here", channels=1, multiple=(2, 2, 2), tolerance=1e-2)
    assert 1e-3 < found.difference <= 3.1e-3


def test_random_images_begin_with_the_smallest_and_differ() -> None:
    shapes = [image.shape for image in random_images(3, (2, 4, 8), None, 6, seed=0)]
    assert shapes[0] == (1, 3, 2, 4, 8) and {shape[0] for shape in shapes} == {1, 2} and len(set(shapes)) > 3
    assert all(n % m == 0 for shape in shapes for n, m in zip(shape[2:], (2, 4, 8), strict=True))


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("segmentation_vnc/forest.ckpt", "fitted at once .* neither torch.export nor ONNX can express it"),
        ("shapes/pca.ckpt", "ShapeDistributionTask, which predicts no volumes"),
        ("shapes/sdf_vae.ckpt", "cannot be exported|predicts no volumes"),
        ("mesh_head/certified_spine.ckpt", "predicts tetrahedra"),
    ],
)
def test_what_is_no_network_on_volumes_is_refused_by_name(file: str, why: str, tmp_path: Path) -> None:
    if not (EXPERIMENTS / file).is_file():
        pytest.skip("needs the reference checkpoints of a checkout")
    with pytest.raises(ContractError, match=why):
        export_network(EXPERIMENTS / file, tmp_path / "net.pt2")
    assert not list(tmp_path.iterdir())


def test_the_verb_wants_one_kind_of_export(
    tiny_run: Any, cellml: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cellml("export", f"output={tmp_path}/x") == 2
    assert "given: neither" in capsys.readouterr().err
    assert cellml("export", f"checkpoint={tiny_run.model}", "mesh=a.vtu", f"output={tmp_path}/x.pt2") == 2
    assert "given: checkpoint, mesh" in capsys.readouterr().err
    assert cellml("export", "mesh=a.vtu", "to=steps", f"output={tmp_path}/x") == 2
    assert "missing: model=…" in capsys.readouterr().err
    assert cellml("export", f"checkpoint={tiny_run.model}", f"output={tmp_path}/net.h5") == 2
    assert "no suffix of an exported network" in capsys.readouterr().err
    assert cellml("export", f"checkpoint={tiny_run.model}", f"output={tmp_path}/net.pt2", "checks=1") == 0
    assert "pt2: differs from the original by" in capsys.readouterr().out
    with pytest.raises(FileError, match="replace it with overwrite=true"):
        export_network(tiny_run.model, tmp_path / "net.pt2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.pt2", "net.pt2.json", "net.pt2.md"]

"""Packages of the bioimage.io model zoo: complete, described as the format asks, and true about their own test tensors."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from cellml.errors import CellmlError
from cellml.sharing.bioimage import accepted, in_units, normalised
from cellml.sharing.bioimage_description import (
    EPSILON,
    Credits,
    _citation,
    _identifier,
    _input,
    _listed,
    _output,
    _plain_name,
    least_sizes,
    resource_description,
)
from cellml.sharing.network_command import export_network


@pytest.fixture(scope="module")
def package(semantic_run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxscript", reason="needs the extra `export`")
    target = tmp_path_factory.mktemp("package") / "net.zip"
    cite = ["Lee et al. 2017, doi:10.48550/arXiv.1706.00120"]
    return export_network(semantic_run.model, target, authors=["Ada Lovelace"], licence="CC-BY-4.0", cite=cite, checks=1, name="unet")


def test_every_file_is_there_with_its_hash(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    rdf = yaml.safe_load(files.pop("rdf.yaml"))

    def named(node: Any) -> list[dict[str, str]]:
        if isinstance(node, dict):
            return ([node] if {"source", "sha256"} <= set(node) else []) + [one for value in node.values() for one in named(value)]
        return [one for value in node for one in named(value)] if isinstance(node, list) else []

    listed = [entry for key, part in rdf.items() if key != "config" for entry in named(part)]
    assert {entry["source"] for entry in listed} | set(rdf["covers"]) == set(files)
    for entry in listed:
        assert entry["sha256"] == hashlib.sha256(files[entry["source"]]).hexdigest()
    assert rdf["license"] == "CC-BY-4.0" and rdf["authors"] == [{"name": "Ada Lovelace"}]
    assert rdf["cite"] == [{"text": "Lee et al. 2017", "doi": "10.48550/arXiv.1706.00120"}]
    assert rdf["outputs"][0]["axes"][1]["channel_names"][0] == "background"
    assert rdf["name"] == "cellml unet"
    assert "## Validation" in files["README.md"].decode()


def test_the_weights_answer_the_test_input_with_the_test_output(package: Path) -> None:
    import onnxruntime

    with zipfile.ZipFile(package) as archive:
        raw, answer = (np.load(io.BytesIO(archive.read(f"test_{end}put.npy"))) for end in ("in", "out"))
        session = onnxruntime.InferenceSession(archive.read("model.onnx"))
    taken = (raw - raw.mean()) / (raw.std() + EPSILON)
    found = session.run(None, {"image": taken.astype(np.float32)})[0]
    np.testing.assert_allclose(found, answer, atol=1e-5)
    assert raw.mean() > 50, "the test input is an image as measured, not a normalised one"


def test_the_format_itself_accepts_the_package(package: Path) -> None:
    spec = pytest.importorskip("bioimageio.spec", reason="needs bioimageio.spec")
    loaded = spec.load_description(package)
    problems = [(found.name, error.loc, error.msg) for found in loaded.validation_summary.details for error in found.errors]
    assert not problems and loaded.validation_summary.status != "failed"
    assert accepted(package).startswith(f"accepted by bioimageio.spec {spec.__version__} as format 0.5")


def test_a_package_that_the_format_refuses_is_refused(package: Path, tmp_path: Path) -> None:
    pytest.importorskip("bioimageio.spec", reason="needs bioimageio.spec")
    with zipfile.ZipFile(package) as archive, zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        for name in archive.namelist():
            content = archive.read(name)
            bad.writestr(name, content.replace(b"id: zero_mean_unit_variance", b"id: nonsense") if name == "rdf.yaml" else content)
    with pytest.raises(CellmlError, match="does not accept the package: .*nonsense"):
        accepted(tmp_path / "bad.zip")


def test_author_and_licence_are_asked_for_with_what_is_known_of_the_data(semantic_run: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="needs the extra `export`")
    with pytest.raises(CellmlError, match=r"give authors=\[\.\.\.\] and licence=SPDX"):
        export_network(semantic_run.model, tmp_path / "net.zip")
    with pytest.raises(CellmlError, match=r"licence='free for all' is no SPDX identifier"):
        export_network(semantic_run.model, tmp_path / "net.zip", authors=["A"], licence="free for all")
    assert not list(tmp_path.iterdir())


ABOUT = {
    "input": {
        "channels": 2, "channel_names": [], "spacing_nm": [40.0, 4.0, 4.0], "size": None, "size_multiple": [1, 8, 8],
        "normalisation": "volume", "normalisation_means": "",
    },
    "output": {
        "name": "image_out", "kind": "image", "channels": ["dapi", "map2"],
        "units": [{"name": "dapi", "shift": 5.0, "scale": 2.0}, {"name": "map2", "shift": 1.0, "scale": 3.0}],
    },
    "tiling": {"halo": [2, 16, 16]},
}  # fmt: skip
HASHES = {"test_input.npy": "a", "test_output.npy": "b"}


def test_sizes_leave_something_inside_the_halo() -> None:
    assert least_sizes(ABOUT) == [5, 40, 40]
    axes = _input(ABOUT, HASHES)["axes"]
    assert [axis["size"] for axis in axes[2:]] == [{"min": 5, "step": 1}, {"min": 40, "step": 8}, {"min": 40, "step": 8}]
    assert [axis["halo"] for axis in _output(ABOUT, HASHES)["axes"][2:]] == [2, 16, 16]


def test_units_of_images_are_said_and_applied() -> None:
    (step,) = _output(ABOUT, HASHES)["postprocessing"]
    assert step == {"id": "scale_linear", "kwargs": {"axis": "channel", "gain": [2.0, 3.0], "offset": [5.0, 1.0]}}
    answer = np.ones((1, 2, 1, 1, 1), np.float32)
    assert in_units(answer, ABOUT["output"]["units"]).ravel().tolist() == [7.0, 4.0]  # type: ignore[arg-type]
    assert in_units(answer, []) is answer


def test_normalisation_is_per_channel() -> None:
    raw = np.random.default_rng(0).normal([[[[[10]]], [[[200]]]]], [[[[[1]]], [[[30]]]]], (1, 2, 8, 9, 10)).astype(np.float32)
    found = normalised(raw, "volume")
    np.testing.assert_allclose(found.mean(axis=(2, 3, 4)), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=(2, 3, 4)), 1, atol=1e-4)
    assert normalised(raw, "none") is raw
    np.testing.assert_allclose(normalised(np.array([0, 255], np.float32), "dtype"), [-1, 1])


def test_names_are_as_long_as_the_format_wants_them() -> None:
    assert [_plain_name(name) for name in ("unet", "", "ä/?", "model", "vnc 3")] == [
        "cellml unet", "cellml model", "cellml model", "model", "vnc 3"
    ]  # fmt: skip
    assert len(_plain_name("x" * 100)) == 64


def test_descriptions_end_after_a_whole_name() -> None:
    names = [f"affinity (-{n},0,0)" for n in range(30)]
    text = _listed("instance: ", names, 128)
    assert len(text) <= 128 and text.endswith(", affinity (-4,0,0) … (30 in all)")
    assert _listed("a: ", names[:2], 128) == "a: affinity (-0,0,0), affinity (-1,0,0)"
    assert _listed("a: ", ["x" * 200], 128) == "a: 1 channels"
    assert _input(ABOUT, HASHES)["description"].endswith("voxels of 40 × 4 × 4 nm (z, y, x), sizes multiples of 1 × 8 × 8")


def test_nobody_is_cited_whom_the_user_did_not_name() -> None:
    about = {**ABOUT, "name": "unet", "afterwards": "", "source": {}, "made_by": ""}
    hashes = dict.fromkeys(("README.md", "model.pt2", "cellml.json", "model.onnx", *HASHES), "a")
    assert "cite" not in resource_description(about, Credits(["A"], "MIT", []), hashes, 18)
    assert resource_description(about, Credits(["A"], "MIT", ["B, https://b.org"]), hashes, 18)["cite"][0]["url"] == "https://b.org"


def test_names_become_identifiers_and_citations_need_an_address() -> None:
    assert _identifier("affinity (-1,0,0)") == "affinity_m1_0_0" and _identifier("3d") == "c_3d"
    assert len({_identifier(f"affinity ({z},0,0)") for z in (-1, 1, -3, 3)}) == 4
    assert _citation("Cite me https://example.org/x.")["url"] == "https://example.org/x"
    with pytest.raises(CellmlError, match="needs a DOI or an address"):
        _citation("nothing")

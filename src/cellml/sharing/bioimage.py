"""A package of the bioimage.io model zoo: rdf.yaml (format 0.5), weights, test tensors, a cover and a page, in one .zip."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.sharing.bioimage_description import EPSILON, Credits, least_sizes, resource_description
from cellml.sharing.network import SharedNetwork
from cellml.sharing.page import page
from cellml.sharing.programs import Run

_TEST_PERIODS = (0, 1, 2)  # beyond the smallest size, so that axes differ
_TEST_SEED = 3


def require_credits(authors: Sequence[str], licence: str | None, cite: Sequence[str], network: SharedNetwork) -> Credits:
    """Check what a published model needs and a checkpoint does not know. Raises CellmlError, quoting the licence of known data."""
    from cellml.sharing.data_facts import data_facts

    facts = data_facts(network.record)
    known = (
        "; ".join(f"the training data {one.name} is under {one.licence!r}" for one in facts if one.licence) or "of the data, none is known"
    )
    if not authors or licence is None:
        raise CellmlError(
            "A bioimage.io package says who made the model and under which licence it may be used: give authors=[...] and licence=SPDX, "
            f'such as authors=["Ada Lovelace"] licence=CC-BY-4.0 ({known}).'
        )
    if not licence.replace("-", "").replace(".", "").replace("+", "").isalnum():
        raise CellmlError(f"licence={licence!r} is no SPDX identifier, such as CC-BY-4.0, CC-BY-NC-SA-4.0, MIT or BSD-3-Clause.")
    return Credits([str(name) for name in authors], licence, [str(text) for text in cite])


def write_package(
    target: Path,
    network: SharedNetwork,
    about: Mapping[str, Any],
    contents: Mapping[str, bytes],
    credits: Credits,
    *,
    run: Run,
    opset: int,
) -> str:
    """Write the .zip. contents: bytes of the "onnx" and the "pt2" file; run: the ONNX file as it is read back, for the test tensors.

    Returns what looked at it: bioimageio.spec where it is installed. Raises CellmlError for a package that it does not accept.
    """
    from cellml.io import atomic_path

    raw = drawn_image(network, about)
    answer = in_units(run(normalised(raw, about["input"]["normalisation"])), about["output"].get("units", []))
    files = {
        "model.onnx": contents["onnx"],
        "model.pt2": contents["pt2"],
        "test_input.npy": _npy(raw),
        "test_output.npy": _npy(answer),
        "cover.png": cover(raw, answer),
        "README.md": page(about, {"onnx": "model.onnx", "pt2": "model.pt2"}).encode(),
        "cellml.json": json.dumps(about, indent=2).encode(),
    }
    rdf = resource_description(about, credits, {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}, opset)
    files["rdf.yaml"] = _yaml(rdf)
    with atomic_path(target) as aside:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
        return accepted(aside)


def accepted(package: Path) -> str:
    """Ask bioimageio.spec, where it is installed, whether a package is as the format wants it, without a look at the network."""
    try:
        import bioimageio.spec as spec
    except ImportError:
        return "bioimageio.spec is not installed and has not looked at it (pip install bioimageio.spec)"
    loaded = spec.load_description(package, perform_io_checks=False)
    if isinstance(loaded, spec.InvalidDescr):
        found = [f"{'.'.join(map(str, e.loc))}: {e.msg}" for part in loaded.validation_summary.details for e in part.errors]
        raise CellmlError(f"bioimageio.spec {spec.__version__} does not accept the package: {'; '.join(found)[:600]}.")
    return f"accepted by bioimageio.spec {spec.__version__} as format {loaded.format_version}"


def drawn_image(network: SharedNetwork, about: Mapping[str, Any]) -> NDArray[np.float32]:
    """(1, C, Z, Y, X) float32 of a drawn block of tissue, as a microscope's grey values, the same in every package."""
    from cellml.data.phantom import em_phantom

    more = [m * p for m, p in zip(network.multiple, _TEST_PERIODS, strict=True)]
    size = about["input"]["size"] or [n + m for n, m in zip(least_sizes(about), more, strict=True)]
    drawn = em_phantom((max(8, size[0]), max(8, size[1]), max(8, size[2])), seed=_TEST_SEED)[0].data[tuple(slice(0, n) for n in size)]
    noise = np.random.default_rng(_TEST_SEED).normal(0, 3, (network.channels, *size))
    return (drawn[None] + noise)[None].astype(np.float32)


def normalised(raw: NDArray[np.float32], method: str) -> NDArray[np.float32]:
    """What the description's `preprocessing` makes of an image (1, C, Z, Y, X); sizes of test images are below 24 sections."""
    if method == "none":
        return raw
    if method == "dtype":
        return ((raw - np.float32(127.5)) / np.float32(127.5)).astype(np.float32)
    axes = (2, 3, 4)
    return np.asarray((raw - raw.mean(axes, keepdims=True)) / (raw.std(axes, keepdims=True) + EPSILON), np.float32)


def in_units(answer: NDArray[np.float32], units: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
    """What the description's `postprocessing` makes of an answer (1, K, Z, Y, X): v · scale + shift, channel by channel."""
    if len(units) != answer.shape[1]:
        return answer
    scale, shift = (np.array([float(one[key]) for one in units]).reshape(1, -1, 1, 1, 1) for key in ("scale", "shift"))
    return np.asarray(answer * scale + shift, np.float32)


def cover(raw: NDArray[np.float32], answer: NDArray[np.float32]) -> bytes:
    """A PNG, two squares side by side: the middle section of the test image, and the mean over channels of the answer to it."""
    from PIL import Image

    pictures = []
    for volume in (raw[0].mean(axis=0), answer[0].mean(axis=0)):
        plane = volume[volume.shape[0] // 2]
        low, high = np.percentile(plane, (1, 99))
        grey = np.clip((plane - low) / max(float(high - low), 1e-6), 0, 1)
        pictures.append(Image.fromarray((255 * grey).astype(np.uint8)).resize((256, 256)))
    side = np.concatenate([np.asarray(picture) for picture in pictures], axis=1)
    stream = io.BytesIO()
    Image.fromarray(side).save(stream, "PNG")
    return stream.getvalue()


def _npy(array: NDArray[np.float32]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _yaml(value: Mapping[str, Any]) -> bytes:
    import yaml

    return yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True).encode()

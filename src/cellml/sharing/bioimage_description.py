"""rdf.yaml: what the bioimage.io model zoo (format 0.5) wants to know of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cellml.errors import CellmlError
from cellml.sharing.description import sizes_taken

FORMAT_VERSION = "0.5.4"
_SHORTEST_NAME = 5  # characters, by the format
_LONGEST_DESCRIPTION = 512  # characters, above which the format warns
EPSILON = 1e-6  # added to standard deviations, as the format asks for


@dataclass(frozen=True)
class Credits:
    """authors: names; licence: SPDX identifier, of the weights; cite: what a user of the model must cite, text with a DOI or URL;
    nothing stands in for it where it is empty.
    """

    authors: list[str]
    licence: str
    cite: list[str]


def resource_description(about: Mapping[str, Any], credits: Credits, hashes: Mapping[str, str], opset: int) -> dict[str, Any]:
    """The content of rdf.yaml; hashes: SHA-256 of each file of the package by name."""
    given = about["output"]
    kind = given["kind"]
    return {
        "type": "model",
        "format_version": FORMAT_VERSION,
        "name": _plain_name(about["name"]),
        "description": _listed(
            f"{_KINDS[kind]} of electron microscopy at {_by(about['input']['spacing_nm'])} nm (z, y, x): ", given["channels"]
        ),
        "authors": [{"name": name} for name in credits.authors],
        **({"cite": [_citation(text) for text in credits.cite]} if credits.cite else {}),
        "license": credits.licence,
        "tags": ["3d", "electron-microscopy", "segmentation" if kind != "image" else "image-restoration", "pytorch", "cellml"],
        "documentation": _file("README.md", hashes),
        "covers": ["cover.png"],
        "attachments": [_file("model.pt2", hashes), _file("cellml.json", hashes)],
        "inputs": [_input(about, hashes)],
        "outputs": [_output(about, hashes)],
        "weights": {"onnx": {**_file("model.onnx", hashes), "opset_version": opset}},
        "config": {"cellml": {key: about[key] for key in ("afterwards", "tiling", "source", "made_by")}},
    }


_KINDS = {"instance": "Segmentation of objects", "semantic": "Segmentation of classes", "image": "Prediction of images"}


def _preprocessing(method: str) -> list[dict[str, Any]]:
    if method == "none":
        return []
    if method == "dtype":
        return [{"id": "scale_linear", "kwargs": {"gain": 1 / 127.5, "offset": -1.0}}]
    return [{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["z", "y", "x"], "eps": EPSILON}}]


def _input(about: Mapping[str, Any], hashes: Mapping[str, str]) -> dict[str, Any]:
    taken = about["input"]
    names = taken["channel_names"] or [f"channel{i}" for i in range(taken["channels"])]
    free = [{"min": least, "step": m} for least, m in zip(least_sizes(about), taken["size_multiple"], strict=True)]
    sizes = free if taken["size"] is None else [int(n) for n in taken["size"]]
    return {
        "id": "image",
        "description": f"Grey values as measured, voxels of {_by(taken['spacing_nm'])} nm (z, y, x), {sizes_taken(about)}",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": [_identifier(name) for name in names]},
            *(
                {"type": "space", "id": axis, "size": size, "unit": "nanometer", "scale": spacing}
                for axis, size, spacing in zip("zyx", sizes, taken["spacing_nm"], strict=True)
            ),
        ],
        "data": {"type": "float32"},
        "test_tensor": _file("test_input.npy", hashes),
        "preprocessing": _preprocessing(taken["normalisation"]),
    }


def least_sizes(about: Mapping[str, Any]) -> list[int]:
    """The smallest sizes along (z, y, x) of which something is left when the halo is cut off on both sides."""
    return [-(-(2 * h + 1) // m) * m for h, m in zip(about["tiling"]["halo"], about["input"]["size_multiple"], strict=True)]


def _output(about: Mapping[str, Any], hashes: Mapping[str, str]) -> dict[str, Any]:
    given, taken = about["output"], about["input"]
    fixed = taken["size"]
    axes = [
        {
            "type": "space", "id": axis, "unit": "nanometer", "scale": spacing,
            "size": {"tensor_id": "image", "axis_id": axis} if fixed is None else int(fixed[i]),
            **({"halo": halo} if fixed is None and halo else {}),
        }
        for i, (axis, spacing, halo) in enumerate(zip("zyx", taken["spacing_nm"], about["tiling"]["halo"], strict=True))
    ]  # fmt: skip
    units = given.get("units")
    return {
        "id": given["name"],
        "description": _listed(f"{given['kind']}: ", given["channels"], 128),
        "axes": [{"type": "batch"}, {"type": "channel", "channel_names": [_identifier(name) for name in given["channels"]]}, *axes],
        "data": {"type": "float32"},
        "test_tensor": _file("test_output.npy", hashes),
        "postprocessing": _units(units) if units and len(units) == len(given["channels"]) else [],
    }


def _units(units: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    gain, offset = [float(one["scale"]) for one in units], [float(one["shift"]) for one in units]
    if len(units) == 1:
        return [{"id": "scale_linear", "kwargs": {"gain": gain[0], "offset": offset[0]}}]
    return [{"id": "scale_linear", "kwargs": {"axis": "channel", "gain": gain, "offset": offset}}]


def _citation(text: str) -> dict[str, str]:
    for mark, key in (("https://doi.org/", "doi"), ("doi:", "doi")):
        before, found, doi = text.partition(mark)
        if found:
            return {"text": before.strip(" ,;") or text, key: doi.split()[0].rstrip(".,;")}
    words = [word for word in text.split() if word.startswith(("https://", "http://"))]
    if not words:
        raise CellmlError(
            f"cite={text!r} needs a DOI or an address after the text, such as 'Lee et al. 2017, doi:10.48550/arXiv.1706.00120'."
        )
    return {"text": text, "url": words[0].rstrip(".,;")}


def _identifier(name: str) -> str:
    """A channel's name as an identifier: letters, digits and underscores; minus signs are told apart."""
    text = "".join(c if c.isalnum() else "m" if c == "-" else "_" for c in str(name)).strip("_")
    while "__" in text:
        text = text.replace("__", "_")
    return text if text and not text[0].isdigit() else f"c_{text}"


def _plain_name(name: str) -> str:
    """A name of 5 to 64 of the characters that the format allows; a shorter one begins with cellml."""
    allowed = "".join(c if (c.isascii() and c.isalnum()) or c in " _+-()" else " " for c in str(name)).strip()[:64]
    return allowed if len(allowed) >= _SHORTEST_NAME else f"cellml {allowed or 'model'}"


def _listed(beginning: str, names: Sequence[str], limit: int = _LONGEST_DESCRIPTION) -> str:
    """The beginning and names, as many whole ones as fit into `limit` characters, and then how many there are."""
    for kept in range(len(names), 0, -1):
        text = beginning + ", ".join(names[:kept]) + ("" if kept == len(names) else f" … ({len(names)} in all)")
        if len(text) <= limit:
            return text
    return f"{beginning}{len(names)} channels"[:limit]


def _file(name: str, hashes: Mapping[str, str]) -> dict[str, str]:
    return {"source": name, "sha256": hashes[name]}


def _by(values: Sequence[float]) -> str:
    return " × ".join(f"{v:g}" for v in values)

"""The page that goes with an exported network: what it takes and gives, in words, and code that needs numpy and the runtime only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellml.sharing.description import sizes_taken


def write_page(path: Path, about: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """Write the page that goes with an export: what it takes and gives, and code that needs numpy and the runtime only.

    files: format ("onnx", "pt2") → file name beside the page.
    """
    from cellml.io import write_text

    write_text(path, page(about, files))


def page(about: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """The text of `write_page`, Markdown with one block of Python for each file."""
    taken, given, tiling = about["input"], about["output"], about["tiling"]
    checks = "".join(
        f"- {kind}: differs from the original by {found['difference']:.1e} at most (tolerance {found['tolerance']:g}), {found['runtime']}, "
        f"images {found['shapes']}.\n"
        for kind, found in about.get("checked", {}).items()
    )
    size = sizes_taken(about)
    planes = "\nEvery plane of a stack (Z, Y, X) is a channel here, and the whole stack one section: `image = stack[:, None]`.\n"
    seen = _by(tiling["field_of_view"]) if tiling["field_of_view"] else "not known; see how far answers at tile borders move"
    blocks = "\n".join(_code(kind, name, about) for kind, name in files.items())
    return f"""# {about["name"]}

Exported by {about["made_by"]} from {about["source"]["checkpoint"]} ({about["source"]["task"]}).

**Input** `{taken["name"]}`: float32 (B, {taken["channels"]}, Z, Y, X), voxels of {_by(taken["spacing_nm"])} nm (z, y, x), {size}.
Normalisation: {taken["normalisation_means"]}.
{planes if taken.get("planes_as_channels") else ""}
**Output** `{given["name"]}`: float32 (B, {len(given["channels"])}, Z, Y, X): {", ".join(given["channels"])}.

**Afterwards.** {about["afterwards"]}

**Tiles.** Read tiles with a halo of {_by(tiling["halo"])} voxels on each side (field of view: {seen}), keep
their cores; tiles of {_by(tiling["tile"])} voxels were used.

## Validation

The exported file against the original network, on random images:

{checks or "- Not checked."}
{blocks}"""


def _code(kind: str, name: str, about: Mapping[str, Any]) -> str:
    load, run = _RUNTIMES[kind]
    body = _PREDICT if about["input"]["size"] is None else _PREDICT_ONE_SIZE
    code = load.replace("NAME", name) + body.format(normalise=_NORMALISE.get(about["input"]["normalisation"], ""), run=run)
    return f"## Use of {name}\n\n```python\n{code}```\n"


_RUNTIMES = {
    "onnx": (
        'import json\nimport numpy as np\nimport onnxruntime\n\nsession = onnxruntime.InferenceSession("NAME")\n'
        'about = json.loads(session.get_modelmeta().custom_metadata_map["cellml"])\n',
        "session.run(None, {'image': block})[0]",
    ),
    "pt2": (
        'import json\nimport numpy as np\nimport torch\n\nextra = {"cellml.json": ""}\n'
        'network = torch.export.load("NAME", extra_files=extra).module()\nabout = json.loads(extra["cellml.json"])\n',
        "network(torch.from_numpy(block)).detach().numpy()",
    ),
}

_NORMALISE = {
    "volume": """    sections = np.unique(np.linspace(0, image.shape[1] - 1, min(image.shape[1], 24)).astype(int))
    seen = image[:, sections].astype(np.float64)
    image = (image - seen.mean(axis=(1, 2, 3), keepdims=True)) / seen.std(axis=(1, 2, 3), keepdims=True)
""",
    "dtype": """    low, high = np.iinfo(image.dtype).min, np.iinfo(image.dtype).max
    image = (image.astype(np.float32) - (high + low) / 2) / ((high - low) / 2)
""",
}

_PREDICT = """

def predict(image):
    \"\"\"image: (C, Z, Y, X) as measured → (K, Z, Y, X), tile by tile.\"\"\"
{normalise}    step, halo, tile = about["input"]["size_multiple"], about["tiling"]["halo"], about["tiling"]["tile"]
    padded = np.pad(image.astype(np.float32), [(0, 0)] + [(0, -n % s) for n, s in zip(image.shape[1:], step)], mode="edge")
    answer = np.zeros((len(about["output"]["channels"]), *padded.shape[1:]), np.float32)
    for number in np.ndindex(*(-(-n // t) for n, t in zip(padded.shape[1:], tile))):
        low = [i * t for i, t in zip(number, tile)]
        high = [min(a + t, n) for a, t, n in zip(low, tile, padded.shape[1:])]
        read = [slice(max(0, a - h), min(n, b + h)) for a, b, h, n in zip(low, high, halo, padded.shape[1:])]
        block = np.ascontiguousarray(padded[(None, slice(None), *read)])
        keep = [slice(a - r.start, b - r.start) for a, b, r in zip(low, high, read)]
        answer[(slice(None), *map(slice, low, high))] = {run}[(0, slice(None), *keep)]
    return answer[(slice(None), *(slice(0, n) for n in image.shape[1:]))]
"""

_PREDICT_ONE_SIZE = """

def predict(image):
    \"\"\"image: (C, Z, Y, X) as measured, of exactly the size of about["input"]["size"] → (K, Z, Y, X).\"\"\"
{normalise}    block = np.ascontiguousarray(image.astype(np.float32)[None])
    return {run}[0]
"""


def _by(values: Sequence[float]) -> str:
    return " × ".join(f"{v:g}" for v in values)

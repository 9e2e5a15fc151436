"""What a stranger has to know to use an exported network: as JSON inside and beside the file, and in words with code."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from cellml.sharing.network import SharedNetwork

_NORMALISATION = {
    "volume": "channel by channel, (image − mean) / standard deviation, both over up to 24 evenly spaced z-sections of the whole volume "
    "(never tile by tile)",
    "dtype": "the range of the integer type to −1 … 1",
    "none": "none: the network takes the numbers as they are",
}


def describe(network: SharedNetwork, *, name: str, size: Sequence[int] | None = None) -> dict[str, Any]:
    """Plain containers: input, output, tiling, what a decoder does afterwards, and where the weights come from."""
    from cellml import __version__

    window, contract, record = network.window, network.contract, network.record
    halo = network.halo if window.halo is None else [min(h, f) for h, f in zip(window.halo, network.halo, strict=True)]
    return {
        "name": name,
        "made_by": f"cellml {__version__}",
        "input": {
            "name": "image",
            "axes": "BCZYX",
            "dtype": "float32",
            "channels": network.channels,
            "channel_names": [str(c) for c in contract.get("channel_names", [])],
            "spacing_nm": [float(s) for s in contract["spacing_nm"]],
            "size_multiple": list(network.multiple),
            "size": None if size is None else list(size),
            "normalisation": str(contract["normalisation"]),
            "normalisation_means": _NORMALISATION.get(str(contract["normalisation"]), "as the data module of the training does"),
            **({"planes_as_channels": True} if contract.get("planes_as_channels") else {}),
        },
        "output": {
            "name": output_name(network),
            "axes": "BCZYX",
            "dtype": "float32",
            "channels": network.outputs,
            "kind": network.kind,
            **({"units": network.units} if network.units else {}),
        },
        "tiling": {
            "tile": fitting_tile(window.tile, network.multiple),
            "halo": _rounded_up(halo, network.multiple),
            "field_of_view": None if network.field_of_view is None else list(network.field_of_view),
        },
        "afterwards": _afterwards(network),
        "source": {
            "checkpoint": network.path.name,
            "sha256": hashlib.sha256(network.path.read_bytes()).hexdigest(),
            "task": record["task"],
            "step": record.get("step"),
            "commit": record.get("commit"),
            "versions": record.get("versions", {}),
            "metrics": {key: value for key, value in (record.get("metrics") or {}).items() if key.startswith("val/")},
        },
    }


def output_name(network: SharedNetwork) -> str:
    """What the answer is called in the exported graph."""
    return "image_out" if network.kind == "image" else "probabilities"


def sizes_taken(about: Mapping[str, Any]) -> str:
    """Which sizes (z, y, x) an exported network takes, in words."""
    taken = about["input"]
    if taken["size"] is not None:
        return f"sizes exactly {' × '.join(map(str, taken['size']))}"
    return f"sizes multiples of {' × '.join(map(str, taken['size_multiple']))}"


def fitting_tile(tile: Sequence[int], multiple: Sequence[int]) -> list[int]:
    """The checkpoint's tile, rounded up to sizes that the network takes."""
    return _rounded_up(tile, multiple)


def _rounded_up(sizes: Sequence[int], multiple: Sequence[int]) -> list[int]:
    return [-(-int(n) // m) * m for n, m in zip(sizes, multiple, strict=True)]


def _afterwards(network: SharedNetwork) -> str:
    if network.kind == "image" and "wedge" in network.contract:
        return (
            "Outside cellml this is the network alone: the reconstruction that it expects as input, and the projections that cellml puts "
            f"back into its answer, are not part of it. It was trained on {network.contract['wedge']}."
        )
    if network.units:
        return "Multiply by `scale` and add `shift` of output.units, channel by channel."
    if network.kind == "image":
        return "The answer is in normalised units, as the input is: multiply by the standard deviation and add the mean that normalised it."
    if network.kind == "semantic":
        return "The class of a voxel is the channel with the largest probability."
    return (
        "Objects are made of these probabilities by a decoder that is not part of the graph; cellml used "
        f"{_decoder(network.record)}. Any watershed or multicut on them will do."
    )


def _decoder(record: Mapping[str, Any]) -> str:
    import yaml

    config = yaml.safe_load(record["config"])
    decoder = dict((config.get("task") or {}).get("decoder") or {})
    target = str(decoder.pop("_target_", "none"))
    values = ", ".join(f"{key}={value}" for key, value in decoder.items())
    return f"{target}({values})"

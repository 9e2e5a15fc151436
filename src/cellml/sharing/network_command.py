"""A checkpoint as a file for other programs: .onnx, .pt2 (torch.export) or a bioimage.io package (.zip)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError, FileError
from cellml.sharing.agreement import check_agreement
from cellml.sharing.description import describe, output_name
from cellml.sharing.network import SharedNetwork, open_network
from cellml.sharing.page import write_page
from cellml.sharing.programs import Written, as_onnx, as_torch, export_program, require_onnx

_FORMATS = (".onnx", ".pt2", ".zip")


def export_network(
    checkpoint: str | Path,
    output: str | Path,
    *,
    size: Sequence[int] | None = None,
    opset: int = 18,
    checks: int = 3,
    tolerance: float = 1e-4,
    seed: int = 0,
    trust: Sequence[str] = (),
    overwrite: bool = False,
    authors: Sequence[str] = (),
    licence: str | None = None,
    cite: Sequence[str] = (),
    name: str | None = None,
) -> Path:
    """Write the network of a checkpoint, with its activation, and compare what was written with the original on random images.

    output: FILE.onnx, FILE.pt2 (torch.export) or FILE.zip (a bioimage.io package of both, which needs authors and licence); beside the
    first two FILE.json and FILE.md say what goes in and comes out, with code that needs no cellml; size: (z, y, x) for a network of one
    size, None for any multiples of the network's `multiple`; opset: of ONNX's operators; checks: random images, each of another size,
    drawn with seed; tolerance: largest difference over the largest answer; trust: module prefixes that the checkpoint may build from; name:
    of the model, None for that of the file or, of a model.ckpt, its folder.

    Returns the file. Raises ContractError for checkpoints that are no network from volumes to volumes, FileError for an output that is
    taken or of another suffix, and CellmlError where a program differs from the original; nothing is left behind then.
    """
    target = Path(output)
    package = target.suffix.lower() == ".zip"
    _require_output(target, overwrite)
    if target.suffix.lower() != ".pt2":
        require_onnx()
    network = open_network(checkpoint, trust)
    size = _checked_size(size, network)
    if package:
        from cellml.sharing.bioimage import require_credits, write_package

        credits = require_credits(authors, licence, cite, network)
    about = describe(network, name=name or _name(network.path), size=size)
    formats = ("onnx", "pt2") if package else (target.suffix.lower()[1:],)
    written = _written(network, formats, size, opset)
    about["checked"] = {
        kind: check_agreement(
            network.module, one.load(one.save(about)), runtime=one.runtime, channels=network.channels, multiple=network.multiple,
            size=size, checks=checks, tolerance=tolerance, seed=seed,
        ).as_dict()
        for kind, one in written.items()
    }  # fmt: skip
    contents = {kind: one.save(about) for kind, one in written.items()}
    if package:
        note = write_package(target, network, about, contents, credits, run=written["onnx"].load(contents["onnx"]), opset=opset)
    else:
        _keep(target, about, contents[formats[0]])
    for kind, found in about["checked"].items():
        print(f"{kind}: differs from the original by {found['difference']:.1e} (tolerance {found['tolerance']:g}) on {found['shapes']}")
    if package and not cite:
        print("Nothing to cite was named, and the package names nothing: cite=[...] says what users of the model must cite.")
    print(f"Wrote {target}{f'; {note}' if package else f', {target.name}.json and {target.name}.md'}.")
    return target


def _written(network: SharedNetwork, formats: Sequence[str], size: Sequence[int] | None, opset: int) -> dict[str, Written]:
    program = export_program(network.module, channels=network.channels, multiple=network.multiple, size=size)
    makers = {"onnx": lambda: as_onnx(program, opset=opset, output=output_name(network)), "pt2": lambda: as_torch(program)}
    return {kind: makers[kind]() for kind in formats}


def _keep(target: Path, about: Mapping[str, Any], content: bytes) -> None:
    """The file, its description and its page."""
    from cellml.io import atomic_path, write_json

    with atomic_path(target, needed=len(content)) as aside:
        aside.write_bytes(content)
    write_json(target.with_name(f"{target.name}.json"), dict(about))
    write_page(target.with_name(f"{target.name}.md"), about, {target.suffix.lower()[1:]: target.name})


def _require_output(target: Path, overwrite: bool) -> None:
    if target.suffix.lower() not in _FORMATS:
        raise FileError(f"{target} has no suffix of an exported network; use {', '.join(_FORMATS)} (ONNX, torch.export, bioimage.io).")
    if target.exists() and not (overwrite and target.is_file()):
        raise FileError(f"{target} exists; choose another name, or replace it with overwrite=true.")


def _checked_size(size: Sequence[int] | None, network: SharedNetwork) -> list[int] | None:
    if size is None:
        return None
    if len(size) != 3 or any(n < 1 or n % m for n, m in zip(size, network.multiple, strict=True)):
        raise CellmlError(f"size={list(size)} must be three numbers of voxels (z, y, x), multiples of {list(network.multiple)}.")
    return [int(n) for n in size]


def _name(path: Path) -> str:
    """The folder's name and the file's, for model.ckpt says little alone."""
    return path.stem if path.stem != "model" or not path.resolve().parent.name else path.resolve().parent.name

"""The verb `export`: a trained network, or a model on a mesh, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cellml.errors import CellmlError
from cellml.sim.exports.command import Target


def export_files(
    output: str | Path,
    *,
    checkpoint: str | Path | None = None,
    size: Sequence[int] | None = None,
    opset: int = 18,
    checks: int = 3,
    tolerance: float = 1e-4,
    seed: int = 0,
    authors: Sequence[str] = (),
    licence: str | None = None,
    cite: Sequence[str] = (),
    name: str | None = None,
    trust: Sequence[str] = (),
    mesh: str | Path | None = None,
    model: str | Path | None = None,
    to: Target | None = None,
    voxels: int = 100,
    overwrite: bool = False,
) -> Path:
    """Export what is given: the network of a checkpoint (`cellml.sharing.network_command.export_network` explains the arguments), or a
    model on a mesh (`cellml.sim.exports.command.export_files`). Returns the file or folder. Raises CellmlError where neither is given, or
    both are.
    """
    on_mesh = {"mesh": mesh, "model": model, "to": to}
    given = [name for name, value in on_mesh.items() if value is not None]
    if (checkpoint is None) == (not given):
        raise CellmlError(
            "Export either a network, checkpoint=model.ckpt output=model.onnx (or .pt2, .zip), or a model on a mesh, mesh=cell.vtu "
            f"model=diffusion to=fenicsx output=folder; given: {', '.join(['checkpoint'] * (checkpoint is not None) + given) or 'neither'}."
        )
    if checkpoint is not None:
        from cellml.sharing.network_command import export_network

        return export_network(
            checkpoint, output, size=size, opset=opset, checks=checks, tolerance=tolerance, seed=seed, trust=trust, overwrite=overwrite,
            authors=authors, licence=licence, cite=cite, name=name,
        )  # fmt: skip
    if mesh is None or model is None or to is None:
        absent = ", ".join(f"{name}=…" for name, value in on_mesh.items() if value is None)
        raise CellmlError(f"A model on a mesh needs mesh, model and to; missing: {absent}.")
    from cellml.sim.exports.command import export_files as export_model_files

    return export_model_files(mesh, model, to, output, voxels=voxels, overwrite=overwrite)

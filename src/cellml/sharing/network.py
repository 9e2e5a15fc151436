"""The network of a checkpoint as other programs can run it: one function of tensors, and what has to be known about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from cellml.errors import ContractError
from cellml.infer.predict import SlidingWindow

Triple = tuple[int, int, int]

# What a checkpoint predicts that is more than a network: the reason is told to the user.
_REFUSED = {
    "hidden": "was pretrained to guess hidden voxels and predicts nothing of use; train from it with training.initialise_from first",
    "mesh": "predicts tetrahedra, most of whose making is geometry outside the network; use `cellml infer`, whose .vtu files travel",
}


class Answer(nn.Module):
    """activation(net(image)): what is exported, so that nobody has to know which activation belongs to which target."""

    def __init__(self, net: nn.Module, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.net, self.activation = net, activation

    def forward(self, image: Tensor) -> Tensor:
        """Normalised image (B, C, Z, Y, X) → answer (B, K, Z, Y, X) float32."""
        return self.activation(self.net(image)).float()


@dataclass(frozen=True, eq=False)
class SharedNetwork:
    """module: normalised image (B, C, Z, Y, X) float32 → answer (B, K, Z, Y, X) float32 (probabilities, or images in normalised units).

    channels: C; outputs: a name for each of the K channels; kind: "instance", "semantic" or "image"; multiple: what sizes along (z, y, x)
    must be multiples of; halo: radius of the field of view in voxels, as tiles need it; halo_known: whether the network tells it, or the
    usual one stands for it; contract, record: of the checkpoint.
    """

    module: nn.Module
    channels: int
    outputs: list[str]
    kind: str
    multiple: Triple
    halo: Triple
    contract: dict[str, Any]
    record: dict[str, Any]
    path: Path
    window: SlidingWindow
    units: list[dict[str, Any]] = field(default_factory=list)
    halo_known: bool = True

    @property
    def field_of_view(self) -> Triple | None:
        """Diameter along (z, y, x) in voxels: what lies outside changes no answer in its middle. None where that is not known."""
        z, y, x = (2 * radius + 1 for radius in self.halo)
        return (z, y, x) if self.halo_known else None


def open_network(checkpoint: str | Path, trust: Sequence[str] = ()) -> SharedNetwork:
    """Load a checkpoint's network with its activation. Raises ContractError for what is no network of tensors, saying what it is."""
    from cellml.checkpoint import load

    model = load(checkpoint, trust=trust)
    task = model.task
    target = getattr(task, "target", None)
    kind = str(getattr(target, "kind", ""))
    name = str(model.record["task"]).rpartition(".")[2]
    if not hasattr(task, "predict_volume") or target is None:
        raise ContractError(f"{checkpoint} is a checkpoint of {name}, which predicts no volumes; networks on volumes can be exported.")
    if callable(getattr(task.net, "fit", None)):
        raise ContractError(
            f"{checkpoint} holds {type(task.net).__name__}: a model that is fitted at once (a threshold, a forest, a watershed) computes "
            "outside torch, so neither torch.export nor ONNX can express it. Only networks can be exported."
        )
    if kind in _REFUSED:
        raise ContractError(f"{checkpoint} {_REFUSED[kind]}.")
    if kind not in ("instance", "semantic", "image"):
        raise ContractError(
            f"{checkpoint} is a checkpoint of {name} for {kind or 'other'!r} targets (shapes, tables or meshes), not of a network from "
            "volumes to volumes, and cannot be exported; `cellml models` says what each checkpoint is for."
        )
    net = getattr(task, "predictor", task.net)
    channels = int(model.contract["channels"])
    return SharedNetwork(
        Answer(net, target.activation).eval().float().cpu(),
        channels=channels,
        outputs=output_names(target, model.record),
        kind=kind,
        multiple=_triple(getattr(net, "multiple", (1, 1, 1))),
        halo=_triple(getattr(net, "halo", (32, 32, 32))),
        contract=model.contract,
        record=model.record,
        path=Path(checkpoint),
        window=task.window,
        units=list(model.contract.get("outputs", [])) if kind == "image" else [],
        halo_known=hasattr(net, "halo"),
    )


def output_names(target: Any, record: Mapping[str, Any]) -> list[str]:
    """A name for each output channel: classes, images, maps, or the offsets (z, y, x) of affinities."""
    for names in (getattr(target, name, None) for name in ("names", "classes", "maps")):
        if names:
            return [str(name) for name in names]
    offsets = getattr(target, "offsets", None)
    if offsets:
        return [f"affinity ({z},{y},{x})" for z, y, x in offsets]
    labels = [str(name) for name in record.get("labels") or []]
    count = int(target.channels)
    return labels if len(labels) == count else (["probability"] if count == 1 else [f"channel {i}" for i in range(count)])


def _triple(values: Any) -> Triple:
    z, y, x = (int(v) for v in values)
    return (z, y, x)

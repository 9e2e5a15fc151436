"""A network as a program of another runtime: torch.export and ONNX, with free sizes, and what it needs to know inside the file."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cellml.errors import CellmlError
from cellml.sharing.description import sizes_taken

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]

METADATA_KEY = "cellml"
_EXTRA_FILE = "cellml.json"
_PERIODS = (2, 3, 4)  # of the example: unlike each other and above 1, or the exporter would take sizes for constants


def export_program(
    module: nn.Module, *, channels: int, multiple: Sequence[int], size: Sequence[int] | None = None
) -> torch.export.ExportedProgram:
    """The graph of a network (B, C, Z, Y, X) → (B, K, Z, Y, X), for any batch and any multiples of `multiple` along (z, y, x).

    size: (z, y, x) voxels for a program of one size instead, for networks whose layers fix it. Raises CellmlError where torch cannot
    make a graph, with its reason.
    """
    shape = list(size) if size is not None else [m * n for m, n in zip(multiple, _PERIODS, strict=True)]
    example = torch.zeros((2, channels, *shape))
    free: Any = None
    if size is None:
        periods = {f"{axis}s": torch.export.Dim(f"{axis}s") for axis in "zyx"}
        axes = {2 + i: (m * dim if m > 1 else dim) for i, (m, dim) in enumerate(zip(multiple, periods.values(), strict=True))}
        free = {"image": {0: torch.export.Dim("batch"), **axes}}
    with _quiet():
        try:
            return torch.export.export(module, (example,), dynamic_shapes=free)
        except Exception as error:
            remedy = "give the one size that it is to take, such as size=[64,64,64]" if size is None else "it cannot be exported"
            raise CellmlError(f"torch.export cannot trace this network ({_first_line(error)}); {remedy}.") from error


@dataclass(frozen=True)
class Written:
    """A program in a format of files. save(about): the bytes of the file, with `about` inside; load(bytes): the program as it is read
    back, image (B, C, Z, Y, X) float32 → answer; runtime: name and version of what runs it.
    """

    save: Callable[[Mapping[str, Any]], bytes]
    load: Callable[[bytes], Run]
    runtime: str


def as_torch(program: torch.export.ExportedProgram) -> Written:
    """A .pt2 archive: graph as JSON, weights as raw bytes, and the extra file cellml.json. It holds no example inputs."""
    lean = torch.export.ExportedProgram(
        root=program.graph_module, graph=program.graph, graph_signature=program.graph_signature, state_dict=program.state_dict,
        range_constraints=program.range_constraints, module_call_graph=program.module_call_graph, example_inputs=None,
        constants=program.constants, verifiers=[program.verifier],
    )  # fmt: skip

    def save(about: Mapping[str, Any]) -> bytes:
        stream = io.BytesIO()
        with _quiet():
            torch.export.save(lean, stream, extra_files={_EXTRA_FILE: json.dumps(about)})
        return stream.getvalue()

    def load(content: bytes) -> Run:
        with _quiet():
            module = torch.export.load(io.BytesIO(content)).module()

        def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.no_grad():
                return np.asarray(module(torch.from_numpy(image)).numpy())

        return run

    return Written(save, load, f"torch {torch.__version__}")


def as_onnx(program: torch.export.ExportedProgram, *, opset: int, output: str) -> Written:
    """An ONNX file with the weights inside, JSON under the metadata key `cellml`, and the sizes it takes under `image_sizes`.

    opset: version of ONNX's operators; output: name of the answer (the input is `image`). Raises CellmlError where onnx, onnxscript or
    onnxruntime is not installed, and where the network uses an operation that this opset lacks.
    """
    require_onnx()
    import onnx
    import onnxruntime

    with _quiet():
        try:
            made = torch.onnx.export(
                program, input_names=["image"], output_names=[output], opset_version=opset, dynamo=True, external_data=False, verbose=False
            )
        except Exception as error:
            raise CellmlError(
                f"ONNX with opset {opset} cannot express this network ({_first_line(error)}); try another opset, or output=model.pt2."
            ) from error
    assert made is not None
    model = made.model_proto
    found = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if found != opset:
        raise CellmlError(f"The exporter wrote opset {found} in place of {opset}: this network cannot be converted; use opset={found}.")
    onnx.checker.check_model(model)

    def save(about: Mapping[str, Any]) -> bytes:
        sizes = sizes_taken(about)  # the graph itself cannot say so, and other sizes fail deep inside it
        onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(about), "image_sizes": f"(z, y, x): {sizes}"})
        model.graph.input[0].doc_string = f"(B, C, Z, Y, X) float32, normalised; {sizes} along (z, y, x)"
        return bytes(model.SerializeToString())

    def load(content: bytes) -> Run:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return lambda image: np.asarray(session.run(None, {"image": image})[0])

    return Written(save, load, f"onnxruntime {onnxruntime.__version__}")


def require_onnx() -> None:
    """Raise CellmlError where what ONNX needs is not installed, with the remedy."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise CellmlError(
            f"ONNX needs packages that are not installed ({error}): pip install 'cellml[export]'; output=model.pt2 needs none."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporters narrate and warn of themselves; what matters is checked afterwards on numbers."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]

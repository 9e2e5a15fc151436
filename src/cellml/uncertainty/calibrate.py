"""The verb `calibrate`: how honest are the probabilities, and which temperature makes them so."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import CellmlError
from cellml.uncertainty.answers import Answer, Question
from cellml.uncertainty.bias import fit_bias
from cellml.uncertainty.reliability import Reliability
from cellml.uncertainty.temperature import Calibration, TemperatureFit

_FIT_VOXELS = 400_000  # voxels (times channels) that the temperature is fitted on: its error is then far below 1 %
_STRIDES = (1, 3, 7, 13, 29, 61, 127, 251, 509, 1021, 2039)  # primes, so that no row or column is met again and again


def calibrate_file(
    output: str,
    checkpoint: str | Sequence[str] | None = None,
    input: str | None = None,
    truth: str | None = None,
    region: Mapping[str, Sequence[int]] | None = None,
    probabilities: str | None = None,
    ignore: int | None = None,
    figure: str | None = None,
    bias: bool = False,
    tta: int = 1,
    dropout_passes: int = 0,
    seed: int = 0,
    spacing_nm: Sequence[float] | None = None,
    tile: Sequence[int] | None = None,
    halo: Sequence[int] | None = None,
    precision: str | None = None,
    device: str = "auto",
    trust: Sequence[str] = (),
    threads: int | None = None,
) -> dict[str, Any]:
    """Measure reliability, expected calibration error, Brier score and likelihood, fit a temperature, and write all to a JSON file.

    output: FILE.json, which `cellml infer temperature=FILE.json` reads; checkpoint: one or an ensemble, judged on its own validation blocks
    or on input and truth (region {axis: [start, stop]}); or probabilities: a file of class probabilities, judged by truth; ignore: label of
    voxels that nobody labelled; figure: a file for the reliability diagram (.png, .svg, .pdf); bias: also fit a bias
    for each channel, for networks whose loss balanced the classes; tta, dropout_passes, seed, tile, halo,
    precision, device, trust, threads: as in `cellml infer`, and to be the same there. Fit on blocks that were not trained on, and judge
    on yet others. Returns what is written. Raises CellmlError where there is nothing to judge, or nothing to judge by.
    """
    if Path(output).suffix != ".json":
        raise CellmlError(f"output={output}: a calibration is written as JSON; give a name that ends in .json.")
    _require_question(checkpoint, input, truth, probabilities)
    from cellml.io import write_json
    from cellml.report.figure_file import require_figure, write_figure

    require_figure(figure)

    with ExitStack() as stack:
        if probabilities is not None:
            question, answers = _of_file(stack, probabilities, str(truth), ignore, spacing_nm)
        else:
            options = {"tile": tile, "halo": halo, "precision": precision}
            committee = {"tta": tta, "dropout_passes": dropout_passes, "seed": seed}
            where = {"input": input, "truth": truth, "region": region, "ignore": ignore, "spacing_nm": spacing_nm}
            question, answers = _of_network(checkpoint, where, options, committee, device, trust, threads)
        result = measure(question, answers, bias=bias)
    result |= {"checkpoint": _named(checkpoint), "probabilities": probabilities, "tta": tta, "dropout_passes": dropout_passes}
    write_json(output, result)
    if figure is not None:
        from cellml.report.calibration import reliability_figure

        write_figure(reliability_figure(result), figure, dpi=150)
    _print(result, output)
    return result


def measure(question: Question, answers: Iterable[Answer], *, bias: bool = False) -> dict[str, Any]:
    """Statistics before and after the temperature (and biases) that are fitted to the same voxels, as plain containers.

    Slabs wait in a temporary folder for the second look. Raises CellmlError where no voxel is labelled.
    """
    before = Reliability.zeros(len(question.names))
    with tempfile.TemporaryDirectory(prefix="cellml-calibrate-") as folder:
        files = list(_kept(answers, Path(folder)))
        total = sum(int(np.load(file)["mask"].sum()) for file in files)
        if not total:
            raise CellmlError(f"No voxel of {question.origin} is labelled, so there is nothing to judge the probabilities by.")
        stride = next((s for s in _STRIDES if total / s <= _FIT_VOXELS), _STRIDES[-1])
        for p, y, mask in _slabs(files):
            before = before.update(p, y, mask, exclusive=question.exclusive)
        found, after = _fitted(files, question.exclusive, stride, bias), Reliability.zeros(len(question.names))
        for p, y, mask in _slabs(files):
            after = after.update(found.apply(p, exclusive=question.exclusive), y, mask, exclusive=question.exclusive)
    return {
        "temperature": found.temperature,
        "bias": list(found.bias) or None,
        "voxels": before.voxels,
        "kind": "classes" if question.exclusive else "yes-or-no channels",
        "names": list(question.names),
        "data": question.origin,
        "before": _described(before),
        "after": _described(after),
    }


def _fitted(files: Sequence[Path], exclusive: bool, stride: int, bias: bool) -> Calibration:
    """The temperature, and biases if they are asked for, of every n-th labelled voxel of all slabs."""
    if not bias:
        fit = TemperatureFit()
        for p, y, mask in _slabs(files):
            fit = fit.update(*_thinned(p, y, mask, stride, exclusive), exclusive=exclusive)
        return Calibration(fit.best())
    columns = [_columns(p, y, mask, stride) for p, y, mask in _slabs(files)]
    p, y, known = (np.hstack([column[k] for column in columns]) for k in range(3))
    return Calibration(*fit_bias(p, y, known, exclusive=exclusive))


def _described(reliability: Reliability) -> dict[str, Any]:
    curves = {"top": reliability.top.as_dict(), "channels": [bins.as_dict() for bins in reliability.channels]}
    return {**reliability.scores(), "curves": curves}


def _kept(answers: Iterable[Answer], folder: Path) -> Iterator[Path]:
    from cellml.io import atomic_path

    for number, (p, y, mask) in enumerate(answers):
        path = folder / f"{number:06d}.npz"
        with atomic_path(path) as aside:  # which says what a full disk means
            np.savez(aside, p=p, y=y, mask=mask)
        yield path


def _slabs(files: Sequence[Path]) -> Iterator[Answer]:
    for file in files:
        with np.load(file) as slab:
            yield slab["p"], slab["y"], slab["mask"]


def _thinned(p: Any, y: Any, mask: Any, stride: int, exclusive: bool) -> tuple[Any, Any]:
    """Every n-th labelled voxel as columns (K, N); (1, N) of channels taken for themselves."""
    if exclusive:
        return p[:, mask[0]][:, ::stride], y[:, mask[0]][:, ::stride]
    kept = np.broadcast_to(mask, p.shape)
    return p[kept][None, ::stride], y[kept][None, ::stride]


def _columns(p: Any, y: Any, mask: Any, stride: int) -> tuple[Any, Any, Any]:
    """Every n-th voxel with all its channels: probabilities, truth and whether it is labelled, (K, N) each."""
    parts = (a.reshape(len(p), -1)[:, ::stride] for a in (p, y, np.broadcast_to(mask, p.shape)))
    return tuple(parts)  # type: ignore[return-value]


def _of_network(
    checkpoint: Any,
    where: Mapping[str, Any],
    options: Mapping[str, Any],
    committee: Mapping[str, int],
    device: str,
    trust: Sequence[str],
    threads: int | None,
) -> tuple[Question, Iterator[Answer]]:
    from cellml.checkpoint import require_match
    from cellml.data.blocks import Block, OpenBlock
    from cellml.infer.command import fitted_window
    from cellml.infer.device import choose_device, set_threads
    from cellml.infer.members import load_members, make_committee
    from cellml.uncertainty.answers import network_answers, validation_blocks

    set_threads(threads)
    members = load_members(checkpoint, trust)
    target = members.task.target
    if target.kind == "image":
        raise CellmlError(f"{_named(checkpoint)} predicts images, which have no probabilities to calibrate.")
    place = choose_device(device)
    judges = make_committee(members, **committee, entropies=False).to(place)
    window = fitted_window(members.task.window, place, **options)
    if where["input"] is None:
        blocks = validation_blocks(members.record, where["spacing_nm"])
    else:
        block = Block(where["input"], where["truth"], where["region"], where["spacing_nm"], where["ignore"])
        blocks = [OpenBlock(block, normalisation=members.contract["normalisation"], spacing_key="spacing_nm")]
    for block in blocks:
        require_match(members.contract, spacing_nm=block.spacing, channels=block.channels, name=block.name)
    question = Question(_channel_names(target), members.exclusive, ", ".join(block.name for block in blocks))
    return question, network_answers(members, judges, window, blocks)


def _channel_names(target: Any) -> tuple[str, ...]:
    if getattr(target, "classes", None):
        return tuple(target.classes)
    offsets = getattr(target, "offsets", None)
    return tuple(f"pair {o}" for o in offsets) if offsets else tuple(f"channel {k}" for k in range(target.channels))


def _of_file(
    stack: ExitStack, path: str, truth: str, ignore: int | None, spacing_nm: Sequence[float] | None
) -> tuple[Question, Iterator[Answer]]:
    from cellml.data.references import resolve
    from cellml.io import open_image
    from cellml.uncertainty.answers import file_answers
    from cellml.uncertainty.probability_file import open_probabilities

    probabilities = stack.enter_context(open_probabilities(path, spacing_nm))
    labels = stack.enter_context(
        open_image(resolve(truth, "labels")[0], spacing_nm=spacing_nm or probabilities.source.spacing, usual="labels")
    )
    names = tuple(probabilities.source.channels) or ("foreground",)
    return Question(names, probabilities.channels > 1, path), file_answers(probabilities, labels, ignore)


def _require_question(checkpoint: Any, input: str | None, truth: str | None, probabilities: str | None) -> None:
    if (checkpoint is None) == (probabilities is None):
        raise CellmlError("Say what to judge: checkpoint=FILE (a network) or probabilities=FILE (what one predicted), and not both.")
    if probabilities is not None and (truth is None or input is not None):
        raise CellmlError("probabilities=FILE is judged by truth=FILE, a label volume of the same shape, and needs no input.")
    if checkpoint is not None and (input is None) != (truth is None):
        raise CellmlError("Give input=FILE and truth=FILE together, or neither: then the checkpoint's own validation blocks are taken.")


def _named(checkpoint: Any) -> Any:
    return checkpoint if checkpoint is None or isinstance(checkpoint, str) else [str(c) for c in checkpoint]


def _print(result: Mapping[str, Any], output: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "as predicted", f"at temperature {result['temperature']:.3f}{' with biases' if result['bias'] else ''}")
    words = {"ece": "expected calibration error", "channel_ece": "the same, by channel", "brier": "Brier score", "nll": "−ln p(truth), nat"}
    for key, name in words.items():
        table.add_row(name, f"{result['before'][key]:.4f}", f"{result['after'][key]:.4f}")
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{result['voxels']} answers on {result['data']}", markup=False)
    console.print(table)
    console.print(f"The calibration is in {output}; use it with cellml infer … temperature={output}", markup=False)

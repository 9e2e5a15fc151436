"""The verb `card`: a model card from a checkpoint and the results beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError, FileError
from cellml.sharing.card import Facts, Measured, card, facts_of
from cellml.sharing.study_models import FILE, neighbours, own_rows

_STATISTICS = ("running_mean", "running_var", "_extra_state")


def card_file(
    checkpoint: str | Path,
    output: str | Path,
    *,
    results: str | Path | None = None,
    metrics: Sequence[str] = (),
    power_w: float | None = None,
    licence: str | None = None,
    name: str | None = None,
    trust: Sequence[str] = (),
) -> Path:
    """Write a model card (Markdown) from what a checkpoint and the results of its study record; returns its path.

    results: a study's results.json, or the JSON of `cellml score`; None for results.json in the checkpoint's folder, where there is one;
    metrics: which of its numbers, by name or beginning of a name; none for those that models.json beside the checkpoint gives to it, or
    all; power_w: watts to reckon energy with where nothing was metered; licence: of the weights; name: of the model, None for that of the
    file. What was not recorded is said to be so. Raises FileError for files that cannot be read, and CellmlError for metrics that are not
    there.
    """
    from cellml import checkpoint as checkpoints
    from cellml.io import write_text

    path = Path(checkpoint)
    content = checkpoints.read(path)
    if power_w is not None and not 0 < power_w < 1e6:
        raise CellmlError(f"power_w={power_w} must be the watts that the machine draws, such as 65.")
    measured, about = measured_of(path, results, metrics)
    facts = facts_of(
        content["cellml"],
        name=name or (path.stem if path.stem != "model" else path.resolve().parent.name),
        size_mb=path.stat().st_size / 1e6,
        measured=measured,
        about_measured=about,
        power_w=power_w,
        licence=licence,
        **_built(path, content["state_dict"], trust),
    )
    write_text(output, card(facts))
    print(f"Wrote {output}; {_gaps(facts)}")
    return Path(output)


def measured_of(checkpoint: Path, results: str | Path | None, metrics: Sequence[str]) -> tuple[list[Measured], str]:
    """Numbers with intervals from a results file, and a sentence that says whose they are."""
    path = checkpoint.parent / "results.json" if results is None else Path(results)
    if not path.is_file():
        if results is not None:
            raise FileError(f"There is no results file {path}.")
        if metrics:
            raise CellmlError(f"metrics={list(metrics)} are looked for in {path}, which is not there; name the file with results=…")
        return [], ""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileError(f"{path} cannot be read as JSON ({error}).") from error
    if not isinstance(content, dict):
        raise FileError(f"{path} holds no results: an object of named numbers is expected.")
    found = measured_numbers(content)
    about = content.get("_about") or {}
    made = f", made on {about['date']} by `{about['command']}`" if {"date", "command"} <= set(about) else ""
    if metrics:
        chosen = _beginning_with(metrics, found)
        if not chosen:
            raise CellmlError(
                f"{path} has none of metrics={list(metrics)}; it has {', '.join(one.name for one in found[:20]) or 'no number'}."
            )
        return chosen, f"From `{path.name}`{made}, rows that were chosen for this card:"
    if path.resolve().parent != checkpoint.resolve().parent:
        return found, f"From `{path.name}`{made}; where it is of a study that compares several models, not every row is this one's:"
    return _of_the_study(checkpoint, path, found, made)


def _of_the_study(checkpoint: Path, results: Path, found: list[Measured], made: str) -> tuple[list[Measured], str]:
    """The rows of the study beside a checkpoint that are its own, where somebody says which; else all, and whose they are in words."""
    own, others = own_rows(checkpoint), neighbours(checkpoint)
    if own is not None:
        rows = _beginning_with(own, found)
        whose = f"the rows that are of this checkpoint alone, by `{FILE}` there:" if rows else "no row is of this checkpoint alone."
        return rows, f"From `{results.name}` of the study beside it{made}, {whose}"
    if not others:
        return (
            found,
            f"From `{results.name}` of the study beside it{made}; where the study compares several models, not every row is this one's:",
        )
    return found, (
        f"**The rows below are of the whole study**, `{results.name}` beside it{made}, which has other models too ({', '.join(others)}). "
        f"Which are this one's, its README says; `metrics=[...]` or a `{FILE}` chooses them."
    )


def _beginning_with(beginnings: Sequence[str], found: Sequence[Measured]) -> list[Measured]:
    return [one for one in found if any(one.name.startswith(name) for name in beginnings)]


def measured_numbers(content: Mapping[str, Any], prefix: str = "") -> list[Measured]:
    """Numbers of a study ({"name": {"value", "unit"}}, with name_low and name_high as the interval) or of `cellml score` (numbers and
    {"value", "low", "high"}, nested), in the order of the file.
    """
    found: list[Measured] = []
    for key, entry in content.items():
        if key.startswith("_") or key.endswith(("_low", "_high")):
            continue
        if isinstance(entry, Mapping) and "value" in entry:
            low, high = (_value(entry.get(end, (content.get(f"{key}_{end}") or {}))) for end in ("low", "high"))
            value = _value(entry)
            if value is not None:
                found.append(Measured(prefix + key, value, str(entry.get("unit", "")), low, high))
        elif isinstance(entry, Mapping):
            found += measured_numbers(entry, f"{prefix}{key}.")
        elif _value(entry) is not None:
            found.append(Measured(prefix + key, float(entry)))
    return found


def _value(entry: Any) -> float | None:
    number = entry.get("value") if isinstance(entry, Mapping) else entry
    return float(number) if isinstance(number, int | float) and not isinstance(number, bool) else None


def _built(path: Path, stored: Mapping[str, Any], trust: Sequence[str]) -> dict[str, Any]:
    """What only the built network knows: its field of view, and which of the numbers in the file are its weights.

    Of models of shapes and tables, which are no networks on volumes, all numbers are counted but the running statistics of layers.
    """
    from cellml.sharing.network import open_network

    try:
        network = open_network(path, trust)
    except CellmlError:
        numbers = [value for name, value in stored.items() if not name.endswith(_STATISTICS) and hasattr(value, "numel")]
        return {"parameters": sum(int(value.numel()) for value in numbers if value.is_floating_point())}
    parameters = sum(int(value.numel()) for value in network.module.parameters())
    return {"parameters": parameters, "field_of_view": network.field_of_view}


def _gaps(facts: Facts) -> str:
    """What the card could not say."""
    cost = facts.record.get("training") or {}
    gaps = [
        *(["training time"] if cost.get("seconds") is None else []),
        *(["energy"] if cost.get("joules") is None and facts.power_w is None else []),
        *([f"licence of {one.name}" for one in facts.data if not one.licence]),
        *(["licence of the weights"] if facts.licence is None else []),
        *(["intervals"] if not any(one.low is not None for one in facts.measured) else []),
    ]
    return f"not recorded: {', '.join(gaps)}." if gaps else "nothing was missing."

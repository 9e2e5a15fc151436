"""A model card (Mitchell et al. 2019) from a checkpoint: every sentence from something recorded; what was not recorded is said to be so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cellml.sharing.data_facts import DataFacts, data_facts

NOT_RECORDED = "not recorded"
_MOST_METRICS = 40


@dataclass(frozen=True)
class Measured:
    """A number of a study: its name, value and unit, and the ends of its interval where it has one."""

    name: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Facts:
    """What a card is made of.

    record, contract: of the checkpoint; name, size_mb: of its file; data: it was trained on; measured: numbers of the study beside it;
    about_measured: where those come from; field_of_view: diameter along (z, y, x) in voxels, None where the model has none that is known;
    parameters: count of weights; power_w: what the machine is assumed to draw, where nothing was metered.
    """

    record: Mapping[str, Any]
    name: str
    size_mb: float
    data: Sequence[DataFacts]
    measured: Sequence[Measured] = ()
    about_measured: str = ""
    field_of_view: tuple[int, int, int] | None = None
    parameters: int | None = None
    power_w: float | None = None
    licence: str | None = None


def card(facts: Facts) -> str:
    """The card as Markdown."""
    sections = (
        ("Model", _model(facts)),
        ("Use", _use(facts)),
        ("Data", _data(facts)),
        ("Training", _training(facts)),
        ("Measured", _measured(facts)),
        ("Limits", _limits(facts)),
        ("Energy", _energy(facts)),
    )
    return f"# {facts.name}\n\n" + "\n".join(f"## {title}\n\n{text.rstrip()}\n" for title, text in sections)


def facts_of(record: Mapping[str, Any], **more: Any) -> Facts:
    """Facts from a record, with the data that it names."""
    return Facts(record=record, data=data_facts(record), **more)


def _model(facts: Facts) -> str:
    record, task = facts.record, _task(facts.record)
    rows = [
        ("task", record["task"]),
        ("network", (task.get("net") or {}).get("_target_", NOT_RECORDED)),
        ("weights", f"{facts.parameters:,}" if facts.parameters is not None else NOT_RECORDED),
        ("file", f"{facts.size_mb:.1f} MB, opens without running code (`torch.load(weights_only=True)`)"),
        ("input", _input(record["contract"])),
        ("output", ", ".join(str(name) for name in record.get("labels") or []) or _target(task)),
        ("licence of the weights", facts.licence or f"{NOT_RECORDED}; the licences of the data below bind whoever passes the weights on"),
    ]
    return _rows(rows)


def _use(facts: Facts) -> str:
    from cellml.sharing.purposes import command_of, purpose_of

    command = command_of(facts.record, "model.ckpt")
    return f"{purpose_of(facts.record)}.\n\n    {command}\n\nFor other specimens, microscopes or voxel sizes: see the limits."


def _data(facts: Facts) -> str:
    if not facts.data:
        return f"The configuration names no file: {NOT_RECORDED}."
    lines = [
        f"- **{one.name}**: {one.description or NOT_RECORDED}. Licence: {one.licence or NOT_RECORDED}. From: {one.origin or NOT_RECORDED}."
        for one in facts.data
    ]
    config = _config(facts.record).get("data") or {}
    split = [f"- {role}: `{config[key]}`" for role, key in (("trained on", "train"), ("validated on", "val")) if config.get(key)]
    warnings = [f"- **{text}**" for text in facts.record.get("warnings") or []]
    return "\n".join([*lines, *split, *warnings])


def _training(facts: Facts) -> str:
    record, config = facts.record, _config(facts.record)
    plan, training, task = record.get("plan") or {}, config.get("training") or {}, _task(record)
    optimizer = {key: value for key, value in (task.get("optimizer") or {}).items() if not key.startswith("_")}
    versions, commit = record.get("versions") or {}, str(record.get("commit", NOT_RECORDED))
    rows = [
        ("steps", f"{record.get('step', NOT_RECORDED)} of {plan.get('max_steps', NOT_RECORDED)}"),
        ("patch (z, y, x), batch", f"{record['contract'].get('patch', NOT_RECORDED)}, {(config.get('data') or {}).get('batch_size', 1)}"),
        ("loss", (task.get("loss") or {}).get("_target_", NOT_RECORDED)),
        ("optimiser", f"{(task.get('optimizer') or {}).get('_target_', NOT_RECORDED)} {optimizer or ''}".strip()),
        ("precision", plan.get("precision", NOT_RECORDED)),
        ("initialised from", training.get("initialise_from") or "random weights"),
        ("seed", record.get("seed", NOT_RECORDED)),
        ("command", f"`cellml train {' '.join(record.get('overrides') or [])}`" if record.get("overrides") else NOT_RECORDED),
        (
            "commit",
            f"{commit}{' (with uncommitted changes)' if commit.endswith('+') else ''}",
        ),
        ("versions", ", ".join(f"{name} {versions[name]}" for name in ("python", "cellml", "torch", "monai") if name in versions)),
    ]
    return _rows(rows)


def _measured(facts: Facts) -> str:
    from cellml.sharing.purposes import answers_by_chance

    own = {key: value for key, value in (facts.record.get("metrics") or {}).items() if key.startswith(("val/", "test/"))}
    parts = []
    if answers_by_chance(facts.record):
        own = {key: value for key, value in own.items() if not key.endswith(("dice", "iou"))}
        parts.append("It answers with a density, which may stay below one half everywhere: overlaps of classes (Dice, IoU) are left out.")
    if own:
        shown = [Measured(key, float(value)) for key, value in sorted(own.items())]
        parts.append("When it was trained, on its validation blocks, which also chose its weights and decoder:\n\n" + _table(shown))
    if facts.measured:
        parts.append(f"{facts.about_measured}\n\n{_table(facts.measured[:_MOST_METRICS])}")
        if len(facts.measured) > _MOST_METRICS:
            parts.append(f"{len(facts.measured) - _MOST_METRICS} more numbers are left out; name those that matter with metrics=[...].")
    elif facts.about_measured:
        parts.append(facts.about_measured)
    return "\n\n".join(parts) or f"No score was recorded: {NOT_RECORDED}."


def _limits(facts: Facts) -> str:
    contract, metrics = facts.record["contract"], facts.record.get("metrics") or {}
    spacing = [float(s) for s in contract["spacing_nm"]]
    lines = [
        f"Voxels of {_by(spacing)} nm (z, y, x) and {contract['channels']} channel(s); `cellml infer` refuses what differs by over 2 %."
    ]
    if facts.field_of_view is not None:
        size = [n * s for n, s in zip(facts.field_of_view, spacing, strict=True)]
        lines.append(
            f"It sees {_by(facts.field_of_view)} voxels at a time ({_by(round(s) for s in size)} nm): what shows only from farther away it "
            "cannot tell."
        )
    seen = ", ".join(one.description or one.name for one in facts.data) or "data that were not recorded"
    lines.append(
        f"Seen in training: {seen}. Other tissue, staining, species and microscopes were never tested, unless a row above says so."
    )
    if not any(key.startswith("test/") for key in metrics) and not facts.measured:
        lines.append("No test data: the only scores are of validation blocks, which chose weights and decoder, and flatter it.")
    elif facts.measured:
        lines.append(
            "Whether the study's numbers are of data that had no say in any choice, its README says; validation blocks flatter it."
        )
    if not any(one.low is not None for one in facts.measured):
        lines.append("No interval is known for any score: how far it would move on other blocks was not measured.")
    if "calibration" not in str(facts.record.get("metrics")):
        lines.append("Its probabilities were not calibrated, as far as is recorded; `cellml calibrate` does so.")
    return "\n".join(f"- {line}" for line in lines)


def _energy(facts: Facts) -> str:
    cost, plan = facts.record.get("training") or {}, facts.record.get("plan") or {}
    seconds, step = cost.get("seconds"), float(plan.get("step_seconds") or 0)
    if seconds is None and step and facts.record.get("step"):
        estimate = step * int(facts.record["step"])
        about = f"about {_hours(estimate)} from {step:.2f} s a step, as timed before it began"
        return f"Training time: {NOT_RECORDED}; {about}. {_joules(estimate, facts)}"
    if seconds is None:
        return f"Training time: {NOT_RECORDED}. Energy: {NOT_RECORDED}."
    machine = cost.get("machine") or {}
    where = f" on {machine.get('cores')} cores of {machine.get('cpu')}, card: {machine.get('gpu')}" if machine else ""
    if cost.get("joules") is None:
        return f"Training took {_hours(seconds)}{where}. {_joules(seconds, facts)}"
    meters, used = ", ".join(cost.get("meters") or []), f"{cost['joules'] / 3.6e6:.3g} kWh"
    return f"Training took {_hours(seconds)}{where}, and {used} by {meters} (of the whole machine, not of this process)."


def _joules(seconds: float, facts: Facts) -> str:
    if facts.power_w is None:
        return f"Energy: {NOT_RECORDED} (no meter was readable; power_w=… states a power to reckon with)."
    return f"Energy: {seconds * facts.power_w / 3.6e6:.3g} kWh at an assumed {facts.power_w:g} W; nothing was metered."


def _input(contract: Mapping[str, Any]) -> str:
    how = {"volume": "normalised over the whole volume", "dtype": "normalised by its integer type", "none": "not normalised"}
    return (
        f"{contract['channels']} channel(s), voxels of {_by(contract['spacing_nm'])} nm (z, y, x), "
        f"{how.get(str(contract['normalisation']), contract['normalisation'])}"
    )


def _target(task: Mapping[str, Any]) -> str:
    target = task.get("target") or {}
    offsets = target.get("offsets")
    name = str(target.get("_target_", NOT_RECORDED)).rpartition(".")[2]
    return f"{name}, {len(offsets)} offsets" if offsets else name


def _config(record: Mapping[str, Any]) -> dict[str, Any]:
    import yaml

    found = yaml.safe_load(record["config"])
    return found if isinstance(found, dict) else {}


def _task(record: Mapping[str, Any]) -> dict[str, Any]:
    return _config(record).get("task") or {}


def _rows(rows: Sequence[tuple[str, Any]]) -> str:
    return "| | |\n|---|---|\n" + "\n".join(f"| {name} | {_cell(value)} |" for name, value in rows)


def _table(rows: Sequence[Measured]) -> str:
    lines = [f"| {row.name} | {_number(row.value)} | {_interval(row)} | {row.unit} |" for row in rows]
    return "| what | value | interval | unit |\n|---|---|---|---|\n" + "\n".join(lines)


def _interval(row: Measured) -> str:
    return f"{_number(row.low)} – {_number(row.high)}" if row.low is not None and row.high is not None else "none"


def _number(value: float | None) -> str:
    return NOT_RECORDED if value is None or math.isnan(value) else f"{value:.4g}"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _by(values: Any) -> str:
    return " × ".join(f"{v:g}" for v in values)

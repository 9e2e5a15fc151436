"""The simpler rung that should be tried before a network is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellml.plan.recipe import Plan


def first_try(plan: Plan) -> list[str]:
    """A sentence, and a command that runs as it is where there is a simpler method for these labels."""
    if plan.task.group in ("semantic", "membrane"):
        text = (
            "Try first, as it takes seconds: a random forest on pixel features, on the same blocks and by the same evaluator. Where its "
            "score is enough, no network is needed:"
        )
        return [text, _forest(plan)]
    if plan.task.group == "regression":
        return ["Nothing simpler predicts images; a tenth of the steps shows whether there is anything to learn (training.max_steps=…)."]
    tenth = max(20, plan.steps // 10)
    return [
        "Nothing simpler keeps touching objects apart; a tenth of the steps shows whether it works at all:",
        f"cellml train experiment={{output}} training.max_steps={tenth}",
    ]


def _forest(plan: Plan) -> str:
    """`cellml train experiment=segmentation/forest` for these data and blocks."""
    fine, split = min(plan.image.spacing), plan.split
    classes = ["background", "membrane"] if plan.task.group == "membrane" else _classes(plan)
    given = f", spacing_nm: {_list(plan.image.spacing)}" if plan.spacing_given else ""
    sides = {"train": split.train, "val": split.val}
    blocks = [f"'data.{side}=[{{region: {{{split.axis}: {_list(part)}}}{given}}}]'" for side, part in sides.items()]
    words = [
        f"data.path={plan.image.reference}",
        f"data.labels={plan.labels.reference}",
        *blocks,
        f"data.guard={split.guard}",
        f"task.net.in_channels={plan.image.channels}",
        f"task.net.out_channels={len(classes)}",
        f"task.net.features.spacing={_list(plan.image.spacing)}",
        f"task.net.features.scales_nm={_list([n * fine for n in (2, 4, 8, 16)])}",
        "task.net.features.stride=[1,1,1]",
        f"task.net.features.neighbours={int(plan.image.anisotropy >= 4)}",
        f"task.target.classes={_list(classes)}",
        "task.window.tile=[16,256,256]",
    ]
    if plan.labels.left_out:
        words.append(f"data.ignore={_list(plan.labels.left_out)}")
    if plan.task.values is not None:
        words.append(f"'+data.values={{{', '.join(f'{a}: {b}' for a, b in plan.task.values.items())}}}'")
    return " ".join(["cellml train experiment=segmentation/forest", *words])


def _classes(plan: Plan) -> list[str]:
    return list(plan.task.tree["target"].value["classes"])


def _list(values: Any) -> str:
    return f"[{','.join(f'{v:g}' if isinstance(v, float) else str(v) for v in values)}]"

"""The verb `plan`: an experiment file from data, with its reasons in comments."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError, FileError

log = logging.getLogger(__name__)


def plan_file(
    data: Mapping[str, Any],
    output: str = "my_experiment.yaml",
    minutes: float = 60.0,
    gpu: bool | None = None,
    memory_gb: float | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Look at data and machine, and write an experiment file that `cellml train experiment=FILE.yaml` runs as it is.

    data: path, an image or the name of a known data set; labels, its labels (None: the file's own); spacing_nm, the voxel size (z, y, x)
    where the file does not say it; ignore, numbers of voxels that nobody labelled. output: a .yaml file; minutes: that training may take;
    gpu, memory_gb: plan for another machine, with or without a GPU and with so much memory, instead of for this one; overwrite: replace a
    file that is there. Returns the choices as plain values. Raises CellmlError where the voxel size is not known (with what the image
    itself suggests), where there are no labels or their numbers are ambiguous, where nothing fits, and for a file that is there.
    """
    from cellml import __version__
    from cellml.io import write_text
    from cellml.io.overlap import require_apart
    from cellml.plan.commented import commented_yaml
    from cellml.plan.facts import image_facts, label_facts
    from cellml.plan.machine import look_around
    from cellml.plan.recipe import experiment, make_plan

    target = Path(output)
    if target.suffix not in (".yaml", ".yml"):
        raise CellmlError(f"output={output}: an experiment file ends in .yaml, as in {output}.yaml.")
    if target.exists() and not overwrite:
        raise CellmlError(f"{output} is there already, and may have been edited. Give another output, or overwrite=true to replace it.")
    if not minutes > 0:
        raise CellmlError(f"minutes={minutes} must be a positive number.")
    path, labels, spacing_nm = str(data["path"]), data.get("labels"), data.get("spacing_nm")
    with ExitStack() as stack:
        image, truth, names = _open_both(stack, path, labels, spacing_nm)
        require_apart(output, names[0], names[1])
        facts = image_facts(image, path)
        known = label_facts(truth, str(labels or path), facts.spacing, data.get("ignore"))
        if tuple(truth.shape) != tuple(image.shape):
            raise CellmlError(
                f"{path} has {tuple(image.shape)} voxels (z, y, x) but its labels {tuple(truth.shape)}; they must be one grid."
            )
    if known.strays:
        log.warning("%s", stray_line(known))
    plan = make_plan(facts, known, look_around(gpu, memory_gb), minutes=minutes, spacing_given=spacing_nm is not None)
    text = commented_yaml(experiment(plan, target.stem), _header(plan, output, __version__))
    write_text(target, text)
    print(f"{output}: {plan.task.group}, patch {list(plan.network.patch)}, widths {list(plan.network.widths)}, {plan.steps} steps")
    print(f"Read its comments, change what you like, then: cellml train experiment={output}")
    return _summary(plan, output)


def _open_both(stack: ExitStack, path: str, labels: Any, spacing_nm: Sequence[float] | None) -> tuple[Any, Any, tuple[str, str]]:
    """The opened image and labels. Raises CellmlError where the voxel size is missing, with a guess from the image."""
    from cellml.data.references import resolve
    from cellml.io import open_image

    (image_name, warning), (label_name, _) = resolve(path, "image"), resolve(str(labels or path), "labels")
    if warning:
        log.warning(warning)
    try:
        image = stack.enter_context(open_image(image_name, spacing_nm=spacing_nm))
    except FileError:
        raise
    except CellmlError as error:
        if spacing_nm is not None:
            raise
        raise CellmlError(_ask_for_spacing(path, image_name, error)) from error
    try:
        truth = stack.enter_context(open_image(label_name, spacing_nm=spacing_nm or image.spacing, usual="labels"))
    except FileError:
        raise
    except CellmlError as error:
        raise CellmlError(f"The labels of {path} cannot be opened: {error}") from error
    if labels is None and label_name == image_name and _same(image, truth):
        raise CellmlError(
            f"{path} holds no labels, and nothing can be planned without: name them (data.labels=FILE), or make some: a few "
            "scribbles or sections in napari (cellml annotate)."
        )
    return image, truth, (image_name, label_name)


def stray_line(labels: Any) -> str:
    """What is said of numbers that nearly no voxel has."""
    said = ", ".join(map(str, labels.strays))
    return (
        f"{labels.reference} holds {said}: too few to be a class, so they are left out of everything below (data.ignore). "
        "Correct the file, or label more of them."
    )


def _same(image: Any, truth: Any) -> bool:
    """Whether both are one array: a file that holds an image only gives that for its labels too."""
    first = (slice(0, 1), *(slice(0, n) for n in image.shape[1:]))
    return tuple(image.shape) == tuple(truth.shape) and bool((image.read(first) == truth.read(first)).all())


def _ask_for_spacing(path: str, name: str, error: CellmlError) -> str:
    """What to do about a missing voxel size, and what the image says about its own ratio."""
    from cellml.data.decorrelation import decorrelation
    from cellml.io import open_image

    with open_image(name, spacing_nm=(1.0, 1.0, 1.0)) as image:  # raises again if it was not the voxel size
        change = decorrelation(image)
    reason = str(error).split(". ")[0].split(": ")[-1]
    text = f"The voxel size of {path} is not known ({reason}), and kernels, patch and guard follow from it. "
    if change is not None:
        ratio = min(32.0, max(1.0, change.pixels_per_section))
        more = "at least " if change.pixels_per_section > 32 else "about "
        text += (
            f"The image changes as much from one section to the next as over {more}{ratio:.1f} pixels within a section, so sections are "
            f"probably {more}{ratio:.0f} times as thick as a pixel is wide, if they are aligned. "
        )
        example = f"[{round(ratio) * 5 or 5},5,5]"
        return text + f"Look it up, or state an assumption: data.spacing_nm={example} would be pixels of 5 nm with that ratio."
    return text + "Pass data.spacing_nm=[z,y,x] in nm."


def _header(plan: Any, output: str, version: str) -> str:
    """What the file begins with: how to run it, what was found, and what to try first."""
    from cellml.plan.simpler import first_try

    image, labels, machine = plan.image, plan.labels, plan.machine
    size, spacing = (" × ".join(f"{v:g}" for v in values) for values in (image.shape, image.spacing))
    given = "as given by data.spacing_nm; everything below depends on it" if plan.spacing_given else "as the file says"
    where = f"{machine.memory_gb:.1f} GB free, {machine.cores} cores, {'bfloat16' if machine.bfloat16 else 'float32'}"
    lines = [
        f"cellml train experiment={output}",
        f"Planned by cellml {version} from data and machine; every value may be changed, here or on the command line.",
        "",
        f"Image: {image.reference}, {size} voxels of {spacing} nm (z, y, x; {given}), {image.dtype}, {image.channels} channel(s).",
        _ratio_line(image),
        f"Labels: {labels.reference}; {labels.why}.",
        *([f"STRAY LABELS: {stray_line(labels)}"] if labels.strays else []),
        f"Machine: {machine.device}, {where}.",
        "",
        *(line.replace("{output}", output) for line in first_try(plan)),
    ]
    return "\n".join(lines)


def _ratio_line(image: Any) -> str:
    if image.pixels_per_section is None:
        return "The image has too few sections or pixels to tell its own anisotropy."
    stated = image.spacing[0] / min(image.spacing[1:])
    seen = min(32.0, image.pixels_per_section)
    verdict = "which agrees" if 1 / 3 < seen / stated < 3 else "WHICH DISAGREES: check voxel size, axes and alignment (cellml check)"
    return f"It changes from section to section as over {seen:.1f} pixels; stated thickness over pixel: {stated:.1f}, {verdict}."


def _summary(plan: Any, output: str) -> dict[str, Any]:
    network = plan.network
    return {
        "output": output,
        "task": plan.task.group,
        "patch": list(network.patch),
        "batch_size": network.batch,
        "widths": list(network.widths),
        "strides": [list(s) for s in network.strides],
        "kernels": [list(k) for k in network.kernels],
        "axis": plan.split.axis,
        "train": list(plan.split.train),
        "val": list(plan.split.val),
        "steps": plan.steps,
        "memory_gb": network.cost.memory_gb,
        "step_seconds": network.seconds,
    }

"""Why each choice was made, in sentences with its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellml.plan.augmentation import turnable

if TYPE_CHECKING:
    from cellml.plan.recipe import Plan


def why_split(plan: Plan) -> str:
    """Blocks instead of random patches, and along this axis."""
    split = plan.split
    text = (
        f"Blocks along {split.axis}, where the volume is longest and every class has its share in both; random patches or sections would "
        "leak, for neighbours correlate. "
    )
    if split.shares:
        text += f"Validation holds {', '.join(f'{share:.0%}' for share in split.shares[:6])} of the voxels of label 0, 1, … "
    if split.missing:
        text += f"WARNING: no cut leaves class {', '.join(map(str, split.missing))} in both blocks: label more, or merge classes. "
    return text + "Judge the final model on a third block that neither has seen."


def guard_nm(plan: Plan) -> str:
    """Width of the guard band in nm."""
    return f"{plan.split.guard * plan.image.spacing['zyx'.index(plan.split.axis)]:.0f}"


def why_patch(plan: Plan) -> str:
    """Object sizes, the patch's edges in nm, and what kept it from being larger."""
    edges = " × ".join(f"{p * s:.0f}" for p, s in zip(plan.network.patch, plan.image.spacing, strict=True))
    sizes = plan.labels.diameters_nm
    seen = f"Half of the labelled volume is in objects larger than a ball of {sizes[1]:.0f} nm. " if sizes[2] else ""
    shape = f"as near to a cube as the block allows, in multiples of {list(plan.network.multiple)}"
    return f"{seen}The patch is {edges} nm, {shape}; {plan.network.limit}."


def why_batch(plan: Plan) -> str:
    """Memory."""
    cost = plan.network.cost
    return (
        f"A step needs about {cost.memory_gb:.2g} GB of the {plan.machine.memory_gb:.1f} GB that are free ({plan.machine.device}). Patches "
        "were enlarged first: context is worth more than averaging."
    )


def why_normalisation(plan: Plan) -> str:
    """The whole volume, and jumps that were seen."""
    text = "One mean and deviation for the whole volume: numbers for each patch would make seams, and hide what is bright."
    if plan.image.jumps:
        text += (
            f" {plan.image.jumps} sections jump in brightness (cellml check lists them): match them before training if scores disappoint."
        )
    return text


def why_transforms(plan: Plan) -> str:
    """Which symmetries hold."""
    turns = " and ".join(f"{'zyx'[a]}{'zyx'[b]}" for a, b in turnable(plan)) or "no plane"
    return (
        f"Tissue has no up or down, so all flips; quarter turns in {turns} only, where voxels and patch are alike (here voxels are "
        f"{plan.image.anisotropy:.1f} times longer than wide). Brightness and noise vary from microscope to microscope."
    )


def why_topology(plan: Plan) -> str:
    """Strides and kernels of each level."""
    network = plan.network
    levels = "; ".join(
        f"level {k}: stride {'×'.join(map(str, s))}, kernel {'×'.join(map(str, n))}"
        for k, (s, n) in enumerate(zip(network.strides, network.kernels, strict=True))
    )
    kind = "Anisotropic voxels: sections are mixed once the pixels are as coarse as they" if plan.image.anisotropy >= 2 else "Cubic voxels"
    return f"{kind} (strides and kernels follow from the voxel size in nm; (z×y×x) {levels})."


def why_widths(plan: Plan) -> str:
    """The field of view, and the number of weights."""
    view, largest = " × ".join(f"{v:.0f}" for v in plan.network.view_nm), plan.labels.diameters_nm[2]
    return (
        f"{len(plan.network.widths)} levels see {view} nm around a voxel (z, y, x), objects being as large as balls of {largest:.0f} nm; "
        f"{plan.network.cost.parameters / 1e6:.1f} million weights, "
        f"{'doubling as on any GPU' if plan.machine.gpu else 'kept slim, as a CPU trains them'}."
    )


def why_stem(plan: Plan) -> str:
    """Full or half resolution."""
    if plan.network.stem_stride == 2:
        return "Layers run on voxels coarser by 2 and answer at full resolution: four to eight times faster, and objects are wide enough."
    if plan.machine.gpu:
        return "Full resolution: the GPU has the time."
    thin = plan.task.thinnest_nm
    return f"Full resolution: what is to be found is as thin as {thin:.0f} nm, {thin / min(plan.image.spacing):.0f} voxels."

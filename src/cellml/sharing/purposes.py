"""What a checkpoint is for, and the command that uses it, told from its record alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_IN_PYTHON = "python -c \"import cellml; print(cellml.load('{path}').task)\""

# By the class of the task: what it does, and the command.
_BY_TASK = {
    "SegmentationTask": ("Segments volumes", "cellml infer checkpoint={path} input=volume.tif output=labels.tif"),
    "PhysicsSegmentationTask": ("Segments volumes", "cellml infer checkpoint={path} input=volume.tif output=labels.tif"),
    "RegressionTask": ("Predicts images from images", "cellml infer checkpoint={path} input=volume.tif output=predicted.tif"),
    "BlindSpotTask": ("Removes noise from volumes", "cellml infer checkpoint={path} input=volume.tif output=denoised.tif"),
    "MaskedVolumeTask": (
        "Guesses hidden voxels: a beginning for training with few labels",
        "cellml train experiment=segmentation/vnc_finetune training.initialise_from={path}",
    ),
    "RestorationTask": ("Fills the missing wedge of tilt series", "cellml infer checkpoint={path} input=tilts.mrc output=repaired.mrc"),
    "VolumeGanTask": ("Fills the missing wedge of tilt series", "cellml infer checkpoint={path} input=tilts.mrc output=repaired.mrc"),
    "SinogramGanTask": ("Fills the missing wedge of tilt series", "cellml infer checkpoint={path} input=tilts.mrc output=repaired.mrc"),
    "SelfRestorationTask": (
        "Fills the missing wedge of one tomogram",
        "cellml infer checkpoint={path} input=tomogram.mrc output=repaired.mrc",
    ),
    "CertifiedMeshTask": ("Predicts certified tetrahedra from volumes", "cellml infer checkpoint={path} input=volume.tif output=cell.vtu"),
    "Pixel2MeshTask": ("Deforms a template to the surfaces in a volume", "cellml infer checkpoint={path} input=volume.tif output=cell.ply"),
    "SurrogateTask": ("Predicts simulated answers from descriptors of a shape", _IN_PYTHON),
    "MeshClassificationTask": ("Tells classes of surfaces apart", _IN_PYTHON),
    "VisibleTask": (
        "Predicts outputs of a table by a network whose units are subsystems",
        "cellml explain checkpoint={path} table=cells.csv output=subsystems.csv",
    ),
}
_SHAPES = ("Draws new shapes of a learned population", "cellml generate checkpoint={path} count=20 output=shapes")
_SHAPE_TASKS = ("ShapeVaeTask", "ShapeDistributionTask", "ShapePixelCnnTask", "ShapeGanTask", "InfoGanTask", "StackedGanTask")
_STRUCTURE = (
    "Says how likely a structure lies where in a cell, from frames of that cell",
    'python -c "import cellml; from cellml.io import read_labels, write_volume; from cellml.shapes.organelles.host import host_of_labels; '
    "from cellml.shapes.organelles.structure import structure_density; "
    "write_volume(structure_density(cellml.load('{path}').task, host_of_labels(read_labels('cell.tif'))), 'density.tif')\"",
)
_UNKNOWN = ("A task that cellml does not ship", "cellml infer checkpoint={path} input=volume.tif output=predicted.tif trust=[mylab.]")


def purpose_of(record: Mapping[str, Any]) -> str:
    """One phrase."""
    return _entry(record)[0]


def command_of(record: Mapping[str, Any], path: str) -> str:
    """The command that uses the checkpoint at `path`."""
    return _entry(record)[1].format(path=path)


def answers_by_chance(record: Mapping[str, Any]) -> bool:
    """Whether the model answers with a density: it may stay below one half everywhere, and overlaps (Dice, IoU) are 0 then."""
    return _entry(record) is _STRUCTURE


def _entry(record: Mapping[str, Any]) -> tuple[str, str]:
    name = str(record["task"]).rpartition(".")[2]
    if "cellml.data.structure_module." in str(record["config"]):
        return _STRUCTURE
    if name in _SHAPE_TASKS:
        return _SHAPES
    return _BY_TASK.get(name, _UNKNOWN)

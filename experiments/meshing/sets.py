"""The objects of the study. Real ones come from the files in $CELLML_DATA and are never copied; the others are made by code."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import numpy as np
from analytic import SHAPES, shape
from crossings import crossings
from hostile import hostile
from numpy.typing import NDArray
from reference import Reference, of_label, of_surface
from scipy import ndimage

from cellml.errors import FileError
from cellml.io import read_surface
from cellml.meshing import MeshResult, crop_object, mesh_labels
from cellml.meshing.foreign import mesh_surface
from cellml.surfaces import repair
from cellml.types import Labels, Surface

UROCELL_NM = (15.0, 16.0, 16.0)
UROCELL = ("fib1-0-0-0", "fib1-1-0-3", "fib1-3-2-1", "fib1-3-3-0")
VESICLES = 300
VESICLE_SEED = 0
FEWEST_NEURITE_VOXELS = 10_000
HOSTILE = 1000
SURFACE_SAMPLES = 30_000  # inside a surface: the spacing that mesh_surface takes
SPINES = "spinetool_spines.zip"
SPINE_VOXEL_NM = 100.0  # the images have voxels of 25 × 25 × 100 nm, as their folder is called

# Neurites of FIB-25 with light cytoplasm, so that their mitochondria stand out, found by looking at the sections.
LIGHT_NEURITES = (20, 195, 174, 350, 18, 152, 111)
FEWEST_MITOCHONDRION_VOXELS = 5000


@dataclass(frozen=True, eq=False)
class Source:
    """What is meshed: labels, one of them or all (None), or a surface.

    kind: what sort of object; closed_form_nm3: volume of all labels together, where there is a formula; section_nm: thickness of the
    sections that the labels were made of, where voxels repeat them.
    """

    labels: Labels | None = None
    label: int | None = None
    surface: Surface | None = None
    kind: str = ""
    closed_form_nm3: float | None = None
    section_nm: float | None = None

    def mesh(self, timeout_s: float) -> MeshResult:
        """Mesh it with the defaults of a user."""
        if self.surface is not None:
            return mesh_surface(self.surface, voxel_nm=SPINE_VOXEL_NM, timeout_s=timeout_s)
        assert self.labels is not None
        return mesh_labels(self.labels, label=self.label, timeout_s=timeout_s)

    def numbers(self) -> list[int]:
        """The labels that are meshed, ascending; [1] for a surface."""
        if self.labels is None:
            return [1]
        return [int(n) for n in np.unique(self.labels.data) if n > 0 and self.label in (None, int(n))]

    def references(self) -> dict[int, Reference]:
        """What each label's region is compared with; a surface with holes or other defects is compared with its repair."""
        if self.labels is not None:
            found = {number: of_label(self.labels, number) for number in self.numbers()}
            return {number: replace(one, longest=max(one.longest, self.section_nm or 0.0)) for number, one in found.items()}
        assert self.surface is not None
        whole = self.surface if is_sound(self.surface) else repair(self.surface)[0]
        return {1: of_surface(whole, float(np.cbrt(whole.volume() / SURFACE_SAMPLES)), SPINE_VOXEL_NM)}


def is_sound(surface: Surface) -> bool:
    """Whether a surface, once faces that repeat or have no area are dropped, is closed, oriented outwards, and crosses itself nowhere."""
    import trimesh

    mesh = trimesh.Trimesh(surface.vertices, surface.faces, process=True, validate=True)
    closed = bool(mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0)
    return closed and crossings(Surface(mesh.vertices, mesh.faces)) == 0


def names(set: str) -> list[str]:
    """Names of the objects of a set, in the order in which they are meshed."""
    return SETS[set][0]()


def load(set: str, name: str) -> Source:
    """An object by its name."""
    return SETS[set][1](name)


def data_file(name: str) -> Path:
    """A file of $CELLML_DATA. Raises FileError where it is not there."""
    path = Path(os.environ.get("CELLML_DATA", ""), name)
    if not path.is_file():
        raise FileError(f"There is no {path}; set CELLML_DATA to the folder with the data sets of data/README.md.")
    return path


def _array(file: str, name: str) -> NDArray[Any]:
    with np.load(data_file(file)) as arrays:
        return np.asarray(arrays[name])


def _object(data: NDArray[Any], label: int, spacing: tuple[float, float, float], kind: str) -> Source:
    return Source(crop_object(Labels(data, spacing), label).labels, label, kind=kind)


def _urocell_names() -> list[str]:
    mitochondria, vesicles = [], []
    for block in UROCELL:
        file = f"urocell_labels_{block}.npz"
        mitochondria += [f"{block} mito {n}" for n in np.unique(_array(file, "mito")) if n > 0]
        with np.load(data_file(file)) as arrays:
            vesicles += [f"{block} fv {n}" for n in np.unique(arrays["fv"]) if n > 0] if "fv" in arrays else []
    chosen = np.random.default_rng(VESICLE_SEED).choice(len(vesicles), VESICLES, replace=False)
    return mitochondria + [vesicles[i] for i in sorted(chosen)]


def _urocell(name: str) -> Source:
    block, kind, number = name.split()
    return _object(_array(f"urocell_labels_{block}.npz", kind), int(number), UROCELL_NM, {"mito": "mitochondrion", "fv": "vesicle"}[kind])


def _fib25_names() -> list[str]:
    sizes = np.bincount(_array("fib25_train2_z000-169.npz", "neurons").ravel())
    return [f"neurite {n}" for n in np.argsort(sizes, kind="stable") if n > 0 and sizes[n] > FEWEST_NEURITE_VOXELS]  # smallest first


def _fib25(name: str) -> Source:
    return _object(_array("fib25_train2_z000-169.npz", "neurons"), int(name.split()[1]), (10.0, 10.0, 10.0), "neurite")


def mitochondria_inside(raw: NDArray[Any], neurite: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Mitochondria of a neurite, numbered by size, from the image alone.

    Smoothed by σ = 2 voxels, deeper than 4 voxels inside the neurite, darker than Otsu's threshold there (at most grey level 125), opened
    three times by the 6-neighbourhood, 6-connected, at least 5000 voxels. raw, neurite: (Z, Y, X).
    """
    from skimage.filters import threshold_otsu

    smooth = ndimage.gaussian_filter(raw.astype(np.float32), 2.0)
    core = ndimage.distance_transform_edt(np.pad(neurite, 1))[1:-1, 1:-1, 1:-1] > 4
    dark = core & (smooth < min(threshold_otsu(smooth[core]), 125.0))
    parts, _ = ndimage.label(ndimage.binary_opening(dark, iterations=3))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    order = [int(n) for n in np.argsort(-sizes, kind="stable") if sizes[n] >= FEWEST_MITOCHONDRION_VOXELS]
    number = np.zeros(len(sizes), np.int64)
    number[order] = np.arange(1, len(order) + 1)
    return np.asarray(number[parts])


def _neurite(number: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    raw, neurons = (_array("fib25_train2_z000-169.npz", name) for name in ("raw", "neurons"))
    box = ndimage.find_objects((neurons == number).astype(np.uint8))[0]
    mask = neurons[box] == number
    return mask, mitochondria_inside(raw[box], mask)


def _neurite_mito_names() -> list[str]:
    return [f"neurite {n} mitochondrion {m}" for n in LIGHT_NEURITES for m in range(1, int(_neurite(n)[1].max()) + 1)]


def _neurite_mito(name: str) -> Source:
    """A mitochondrion (2) and its neurite (1) as far as 12 voxels around it."""
    _, neurite, _, number = name.split()
    mask, mitochondria = _neurite(int(neurite))
    chosen = mitochondria == int(number)
    box = tuple(slice(max(s.start - 12, 0), s.stop + 12) for s in ndimage.find_objects(chosen.astype(np.uint8))[0])
    data = np.where(chosen[box], 2, mask[box]).astype(np.uint8)
    return Source(Labels(data, (10.0, 10.0, 10.0), names={1: "neurite", 2: "mitochondrion"}), kind="neurite and mitochondrion")


def _vnc_parts() -> NDArray[np.int32]:
    return np.asarray(ndimage.label(_array("vnc_stack1_y000-703.npz", "mito"))[0])


def _vnc_names() -> list[str]:
    return [f"mitochondrion {n}" for n, size in enumerate(np.bincount(_vnc_parts().ravel())) if n > 0 and size >= 1000]


def _vnc(name: str) -> Source:
    return _object(_vnc_parts(), int(name.split()[1]), (45.0, 4.6, 4.6), "mitochondrion")


def _spine_names() -> list[str]:
    with ZipFile(data_file(SPINES)) as archive:
        return sorted(name for name in archive.namelist() if name.endswith(".off"))


def _spine(name: str) -> Source:
    with ZipFile(data_file(SPINES)) as archive, TemporaryDirectory() as folder:
        surface = read_surface(archive.extract(name, folder), unit="µm")
    return Source(surface=surface, kind="sound" if is_sound(surface) else "to be repaired")


def _hostile(name: str) -> Source:
    made = hostile(int(name))
    return Source(made.labels, kind=made.kind)


def _analytic(name: str) -> Source:
    made = shape(name)
    return Source(made.labels, kind="analytic", closed_form_nm3=made.volume_nm3)


def _rough_spine(name: str) -> Source:
    section = 40.0 if name == "labels" else None  # its voxels of 10 nm repeat each section four times
    return Source(Labels(_array("rough_spine.npz", name), (10.0, 10.0, 10.0)), kind=name, section_nm=section)


SETS: dict[str, tuple[Callable[[], list[str]], Callable[[str], Source]]] = {
    "analytic": (lambda: list(SHAPES), _analytic),
    "rough_spine": (lambda: ["labels", "simple"], _rough_spine),
    "hostile": (lambda: [str(seed) for seed in range(HOSTILE)], _hostile),
    "vnc": (_vnc_names, _vnc),
    "neurite_mito": (_neurite_mito_names, _neurite_mito),
    "spines": (_spine_names, _spine),
    "urocell": (_urocell_names, _urocell),
    "fib25": (_fib25_names, _fib25),
}

"""What is fuzzed: every reader of foreign files, with small sound files of each kind to begin from."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Target:
    """suffix: of the files; make: writes sound files into a folder; read: what a user's command does first with such a file."""

    name: str
    suffix: str
    make: Callable[[Path], None]
    read: Callable[[Path], Any]


def _volume_read(path: Path) -> Any:
    from cellml.io import read_volume

    return read_volume(path, spacing_nm=[8.0, 8.0, 8.0])


def _labels_read(path: Path) -> Any:
    from cellml.io import read_labels

    return read_labels(path, spacing_nm=[8.0, 8.0, 8.0])


def _volumes(*names: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from cellml.io import write_labels, write_volume
        from cellml.types import Labels, Volume

        rng = np.random.default_rng(0)
        for number, name in enumerate(names):
            dtype = (np.uint8, np.float32, np.int16)[number % 3]
            write_volume(Volume((rng.random((3, 5, 7)) * 200).astype(dtype), (8.0, 4.0, 4.0)), folder / f"image_{name}")
            write_labels(Labels((rng.random((3, 5, 7)) * 3).astype(np.uint16), (8.0, 4.0, 4.0)), folder / f"labels_{name}")

    return make


def _compressed_tiff(folder: Path) -> None:
    import tifffile

    _volumes("a.tif", "b.ome.tif")(folder)
    data = np.arange(3 * 16 * 16, dtype=np.uint16).reshape(3, 16, 16)
    for number, how in enumerate(("zlib", "lzw", "zstd")):
        tifffile.imwrite(folder / f"c{number}.tif", data, compression=how, tile=(16, 16), metadata={"axes": "ZYX"}, ome=True)


def _npz(folder: Path) -> None:
    data = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    np.savez(folder / "a.npz", raw=data, voxel_nm=np.array([8.0, 4.0, 4.0]))
    np.savez_compressed(folder / "b.npz", raw=data.astype(np.float32), voxel_nm=np.array([8.0, 4.0, 4.0]))


def _nifti(folder: Path) -> None:
    _volumes("a.nii", "b.nii")(folder)
    for path in list(folder.glob("*.nii")):
        (folder / f"{path.stem}.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def _mesh() -> Any:
    from cellml.types import TetMesh

    points = np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10], [10, 10, 10]])
    return TetMesh(points, np.array([[0, 1, 2, 3], [4, 1, 3, 2]]), np.array([1, 2]), region_names={1: "cell", 2: "organelle"})


def _meshes(*names: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from cellml.io import write_mesh

        for name in names:
            write_mesh(_mesh(), folder / name, **({"version": "2.2"} if name.startswith("old") else {}))

    return make


def _mesh_read(path: Path) -> Any:
    from cellml.io import read_mesh

    return read_mesh(path)


def _surfaces(*names: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from cellml.io import write_surface
        from cellml.types import Surface

        vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]) * 100
        for name in names:
            write_surface(Surface(vertices, np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]), "t"), folder / name)

    return make


def _surface_read(path: Path) -> Any:
    from cellml.io import read_surface

    return read_surface(path)


def _tagged_read(path: Path) -> Any:
    from cellml.io.tagged_surfaces import read_tagged_surfaces

    return read_tagged_surfaces(path)


def _mdl(folder: Path) -> None:
    from dataclasses import replace

    from cellml.io import write_mesh

    write_mesh(replace(_mesh(), regions=np.array([1, 1]), region_names={1: "cell"}), folder / "a.mdl")


def _imod(folder: Path) -> None:
    from cellml.io.imod import write_imod
    from cellml.io.imod_model import ImodContour, ImodModel, ImodObject

    contour = ImodContour(np.array([[1.0, 2, 3], [4, 5, 3], [4, 2, 3]]))
    write_imod(ImodModel((ImodObject((contour,), "cell"),), (20, 20, 10)), folder / "a.mod")


def _imod_read(path: Path) -> Any:
    from cellml.io.imod import read_imod

    return read_imod(path)


def _tilts(folder: Path) -> None:
    from cellml.io import write_volume
    from cellml.types import Volume

    write_volume(Volume(np.arange(3 * 6 * 8, dtype=np.float32).reshape(3, 6, 8), (1.0, 1.0, 1.0)), folder / "a.mrc")


def _tilts_read(path: Path) -> Any:
    from cellml.io.tilts import read_tilts

    return read_tilts(path, angles=[-1.0, 0.0, 1.0], pixel=1.0)


def _mdoc(folder: Path) -> None:
    sections = "".join(f"[ZValue = {n}]\nTiltAngle = {3 * n - 3}\nExposureDose = 1.5\n\n" for n in range(3))
    (folder / "a.mdoc").write_text(f"PixelSpacing = 10.5\nImageFile = a.st\n\n[T = SerialEM: axis angle = 85.3]\n\n{sections}")


def _mdoc_read(path: Path) -> Any:
    from cellml.io.mdoc import read_mdoc

    return read_mdoc(path)


def _angles(folder: Path) -> None:
    (folder / "a.tlt").write_text("-60.0\n-57.5\n0\n57.5\n")


def _angles_read(path: Path) -> Any:
    from cellml.io.tilt_angles import read_angles

    return read_angles(path)


def _models(folder: Path) -> None:
    from cellml.sim.shipped import find_model

    for name in ("spine_decay", "receptor_binding", "turing", "elastic_indentation"):
        (folder / f"{name}.yaml").write_bytes(find_model(name).read_bytes())


def _model_read(path: Path) -> Any:
    from cellml.sim.mechanics_file import load_any_model

    return load_any_model(path)


def _antimony(folder: Path) -> None:
    (folder / "a.ant").write_text(
        "model cell\n compartment c; c = 1e-15;\n species A in c, B in c; A = 2e-20; B = 0;\n k = 0.1;\n J1: A -> B; k*A*c;\nend\n"
    )


def _sbml(folder: Path) -> None:
    import antimony

    _antimony(folder)
    antimony.clearPreviousLoads()
    antimony.loadAntimonyString((folder / "a.ant").read_text())
    (folder / "a.xml").write_text(antimony.getSBMLString(antimony.getMainModuleName()))
    (folder / "a.ant").unlink()


def _sbml_read(path: Path) -> Any:
    from cellml.sim.imports.reading import read_document

    return read_document(path)


def _coefficients(folder: Path) -> None:
    names = [f"shcoeffs_L{degree}M{order}{kind}" for degree in range(3) for order in range(degree + 1) for kind in "CS"]
    rows = [",".join(["CellId", *names])] + [",".join([str(n), *(f"{0.1 * n + k:.3f}" for k in range(len(names)))]) for n in range(3)]
    (folder / "a.csv").write_text("\n".join(rows) + "\n")


def _coefficients_read(path: Path) -> Any:
    from cellml.shapes.harmonics.tables import read_table

    return read_table(path)


def _hierarchy(folder: Path) -> None:
    (folder / "a.yaml").write_text("subsystems: {spine: [neck, head], neck: [neck_width, neck_length], head: [volume]}\n")


def _hierarchy_read(path: Path) -> Any:
    from cellml.interpret.hierarchy_files import read_hierarchy

    return read_hierarchy(path)


def _ontology(folder: Path) -> None:
    (folder / "a.txt").write_text("root\tneck\tdefault\nroot\thead\tdefault\nneck\twidth\tgene\nhead\tvolume\tgene\n")


def _checkpoint(folder: Path) -> None:
    import torch

    contract = {"channels": 1, "spacing_nm": [8.0, 8.0, 8.0], "normalisation": "percentile"}
    record = {"schema": 1, "task": "cellml.tasks.x", "config": "a: 1", "contract": contract}
    with (folder / "a.ckpt").open("wb") as stream:
        torch.save({"state_dict": {"w": torch.zeros(3)}, "cellml": record}, stream)


def _checkpoint_read(path: Path) -> Any:
    from cellml.checkpoint import read

    return read(path)


def _recipe(folder: Path) -> None:
    (folder / "a.yaml").write_text("dark: {_target_: cellml.annotation.thresholds.GreyRange, high: 90}\n")


def _recipe_read(path: Path) -> Any:
    from cellml.annotation.recipe import read_recipe

    return read_recipe(path)


def _decisions(folder: Path) -> None:
    (folder / "a.csv").write_text("label,decision\n1,accept\n2,reject\n")


def _decisions_read(path: Path) -> Any:
    from cellml.annotation.candidates import read_decisions

    return read_decisions(path)


def _text(name: str, content: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).write_text(content)

    return make


def _measurements_read(path: Path) -> Any:
    from cellml.sim.estimation.measurements import read_measurements
    from cellml.sim.model_file import load_model
    from cellml.sim.shipped import find_model

    return read_measurements(path, load_model(find_model("spine_calcium")))


def _measurements(folder: Path) -> None:
    from cellml.sim.engine.courses import course_requests
    from cellml.sim.model_file import load_model
    from cellml.sim.shipped import find_model

    name = course_requests(load_model(find_model("spine_calcium")))[0].name
    (folder / "a.csv").write_text(f"time (s),{name} (uM),sd of {name} (uM)\n0,0.1,0.01\n0.5,,\n1,0.2,0.02\n")


def _table_read(path: Path) -> Any:
    from cellml.data.table import read_columns

    return read_columns(path, ["length", "width"])


def _confidences_read(path: Path) -> Any:
    from cellml.metrics.confidences import read_confidences

    return read_confidences(path)


def _inferred_read(path: Path) -> Any:
    from cellml.tomography.inferred_objects import read_inferred_objects

    return read_inferred_objects(path)


def _edits_read(path: Path) -> Any:
    from cellml.annotation.edits import read_log

    return read_log(path)


def _zarr_metadata(folder: Path) -> None:
    """The JSON of a store's root, which is the part that a stranger can write anything into."""
    from cellml.io import write_volume
    from cellml.types import Volume

    write_volume(Volume(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), (8.0, 4.0, 4.0)), folder / "store.zarr")
    for number, path in enumerate(sorted((folder / "store.zarr").rglob("zarr.json"))):
        (folder / f"{number}.json").write_bytes(path.read_bytes())
    import shutil

    shutil.rmtree(folder / "store.zarr")


def _zarr_read(path: Path) -> Any:
    """A sound store with the fuzzed metadata in the place where it belongs: the root's, or the array's."""
    import shutil
    import tempfile

    from cellml.io import read_volume, write_volume
    from cellml.types import Volume

    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.zarr"
        write_volume(Volume(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), (8.0, 4.0, 4.0)), store)
        metadata = sorted(store.rglob("zarr.json"))
        shutil.copy(path, metadata[0 if b'"array"' in path.read_bytes() else -1])
        return read_volume(store)


_INFERRED = "label,voxels,inferred_share,boundary_share,deviation,mostly_inferred\n1,40,0.5,0.25,0.1,true\n2,9,0.1,,,false\n"

TARGETS = {
    target.name: target
    for target in (
        Target("tiff", ".tif", _compressed_tiff, _volume_read),
        Target("mrc", ".mrc", _volumes("a.mrc", "b.mrc"), _volume_read),
        Target("hdf5", ".h5", _volumes("a.h5"), _labels_read),
        Target("npz", ".npz", _npz, _volume_read),
        Target("nifti", ".nii.gz", _nifti, _volume_read),
        Target("zarr", ".json", _zarr_metadata, _zarr_read),
        Target("vtu", ".vtu", _meshes("a.vtu"), _mesh_read),
        Target("xdmf", ".xdmf", _meshes("a.xdmf"), _mesh_read),
        Target("gmsh", ".msh", _meshes("a.msh", "old.msh"), _mesh_read),
        Target("dolfin_xml", ".xml", _meshes("a.xml"), _mesh_read),
        Target("dolfin_hdf5", ".h5", _meshes("a.h5"), _mesh_read),
        Target("off", ".off", _surfaces("a.off"), _surface_read),
        Target("ply", ".ply", _surfaces("a.ply"), _surface_read),
        Target("stl", ".stl", _surfaces("a.stl"), _surface_read),
        Target("obj", ".obj", _surfaces("a.obj"), _tagged_read),
        Target("mdl", ".mdl", _mdl, _tagged_read),
        Target("imod", ".mod", _imod, _imod_read),
        Target("tilts", ".mrc", _tilts, _tilts_read),
        Target("mdoc", ".mdoc", _mdoc, _mdoc_read),
        Target("angles", ".tlt", _angles, _angles_read),
        Target("model", ".yaml", _models, _model_read),
        Target("antimony", ".ant", _antimony, _sbml_read),
        Target("sbml", ".xml", _sbml, _sbml_read),
        Target("coefficients", ".csv", _coefficients, _coefficients_read),
        Target("hierarchy", ".yaml", _hierarchy, _hierarchy_read),
        Target("ontology", ".txt", _ontology, _hierarchy_read),
        Target("checkpoint", ".ckpt", _checkpoint, _checkpoint_read),
        Target("recipe", ".yaml", _recipe, _recipe_read),
        Target("measurements", ".csv", _measurements, _measurements_read),
        Target("table", ".csv", _text("a.csv", "name,length,width\na,1.5,2\nb,2.5,1\n"), _table_read),
        Target("confidences", ".csv", _text("a.csv", "label,confidence\n1,0.5\n2,0.25\n"), _confidences_read),
        Target("inferred", ".csv", _text("a.csv", _INFERRED), _inferred_read),
        Target("edits", ".jsonl", _text("a.jsonl", '{"number": 1, "action": "scribble"}\n{"number": 2, "action": "merge"}\n'), _edits_read),
        Target("decisions", ".csv", _decisions, _decisions_read),
    )
}

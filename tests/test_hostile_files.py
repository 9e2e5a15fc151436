"""Files made to harm: what they promise is not believed, what they point at is not followed, what they hold is not run."""

from __future__ import annotations

import base64
import gzip
import lzma
import re
import resource
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from cellml import memory
from cellml.errors import CellmlError, FileError
from cellml.io import read_mesh, read_volume, write_mesh, write_volume
from cellml.types import TetMesh, Volume

SPACING = (8.0, 4.0, 4.0)
SMALL = Volume(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), SPACING)
MESH = TetMesh(np.eye(4, 3) * 10.0, np.array([[0, 1, 3, 2]]), np.array([1]))


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory_gb", lambda: 1.0)


def entities(root: str, *, external: str = "") -> str:
    """An XML document whose nine entities stand for a billion words, or for a file."""
    if external:
        return f'<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{external}">]>{root.format("&e;")}'
    nested = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE x [<!ENTITY l0 "lol">{nested}]>{root.format("&l9;")}'


VTU = '<VTKFile type="UnstructuredGrid">{}</VTKFile>'
DOLFIN = '<dolfin xmlns:dolfin="http://www.fenicsproject.org"><mesh celltype="tetrahedron" dim="3">{}</mesh></dolfin>'
SBML = (
    '<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="m"><notes>'
    '<p xmlns="http://www.w3.org/1999/xhtml">{}</p></notes></model></sbml>'
)


@pytest.mark.parametrize(("suffix", "root"), [(".vtu", VTU), (".xml", DOLFIN), (".xdmf", "<Xdmf>{}</Xdmf>")])
@pytest.mark.parametrize("how", ["billion laughs", "a file"])
def test_entities_of_meshes_are_refused(suffix: str, root: str, how: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    path = tmp_path / f"mesh{suffix}"
    path.write_text(entities(root, external=str(secret) if how == "a file" else ""))
    with pytest.raises(FileError, match="declares an XML entity" if suffix == ".xdmf" else "has a DOCTYPE"):
        read_mesh(path)


@pytest.mark.parametrize("how", ["billion laughs", "a file"])
def test_entities_of_sbml_are_refused(how: str, tmp_path: Path) -> None:
    from cellml.sim.imports.reading import read_document

    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    (tmp_path / "model.xml").write_text(entities(SBML, external=str(secret) if how == "a file" else ""))
    with pytest.raises(FileError, match=r"model\.xml has a DOCTYPE \(x\), which is not followed"):
        read_document(tmp_path / "model.xml")


def test_aliases_of_yaml_are_not_multiplied(tmp_path: Path) -> None:
    from cellml.annotation.recipe import read_recipe

    nested = "".join(f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True))
    (tmp_path / "recipe.yaml").write_text(f"a: &a [{','.join('x' * 9)}]\n{nested}")
    with pytest.raises(CellmlError, match="has an alias"):
        read_recipe(tmp_path / "recipe.yaml")


@pytest.mark.parametrize("target", ["os.system", "cellml.annotation.recipe.Path", "builtins.print", "cellml.io.write_volume"])
def test_a_recipe_builds_steps_of_cellml_only(target: str, tmp_path: Path) -> None:
    from cellml.annotation.recipe import read_recipe

    (tmp_path / "recipe.yaml").write_text(f"dark: {{_target_: cellml.annotation.thresholds.GreyRange, high: {{_target_: {target}}}}}\n")
    with pytest.raises(CellmlError, match="not trusted"):
        read_recipe(tmp_path / "recipe.yaml")


def test_a_recipe_interpolates_nothing(tmp_path: Path) -> None:
    from cellml.annotation.recipe import read_recipe

    (tmp_path / "recipe.yaml").write_text("dark: {_target_: cellml.annotation.thresholds.GreyRange, high: '${oc.env:HOME}'}\n")
    with pytest.raises(CellmlError, match="interpolation"):
        read_recipe(tmp_path / "recipe.yaml")


@pytest.mark.parametrize("path", ["../secret.zarr/0", "/secret.zarr/0", "0/../../secret.zarr/0"])
def test_zarr_keys_do_not_lead_out_of_the_store(path: str, tmp_path: Path) -> None:
    write_volume(SMALL, tmp_path / "secret.zarr")
    write_volume(SMALL, tmp_path / "a.zarr")
    metadata = tmp_path / "a.zarr/zarr.json"
    metadata.write_text(metadata.read_text().replace('"path": "0"', f'"path": "{path}"'))
    with pytest.raises(FileError):
        read_volume(tmp_path / "a.zarr")
    with pytest.raises(FileError):
        read_volume(f"{tmp_path / 'a.zarr'}:{path}")


def test_xdmf_takes_no_numbers_from_elsewhere(tmp_path: Path) -> None:
    write_mesh(MESH, tmp_path / "secret.xdmf")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "a.xdmf").write_text((tmp_path / "secret.xdmf").read_text().replace("secret.xdmf.h5", "../secret.xdmf.h5"))
    with pytest.raises(FileError, match="outside of its own folder"):
        read_mesh(inner / "a.xdmf")
    shutil.copy(tmp_path / "secret.xdmf.h5", inner)
    (inner / "a.xdmf").write_text((tmp_path / "secret.xdmf").read_text())
    assert len(read_mesh(inner / "a.xdmf").points) == 4


@pytest.mark.parametrize("how", ["external", "virtual"])
def test_hdf5_takes_no_voxels_from_elsewhere(how: str, tmp_path: Path) -> None:
    import h5py

    (tmp_path / "inner").mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(range(24)))
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["raw"] = SMALL.data
    for place, refused in ((Path(".."), True), (Path(), False)):
        for name in ("secret.bin", "secret.h5"):
            shutil.copy(tmp_path / name, tmp_path / "inner" / name)
        with h5py.File(tmp_path / "inner/a.h5", "w") as file:
            if how == "external":
                own = tmp_path / "inner" / place / "secret.bin"
                file.create_dataset("raw", shape=(2, 3, 4), dtype="u1", external=[(str(own), 0, 24)])
            else:
                layout = h5py.VirtualLayout(shape=(2, 3, 4), dtype="u1")
                layout[:] = h5py.VirtualSource(str(place / "secret.h5"), "raw", shape=(2, 3, 4))
                file.create_virtual_dataset("raw", layout)
        if refused:
            with pytest.raises(FileError, match="outside of its own folder"):
                read_volume(tmp_path / "inner/a.h5", spacing_nm=SPACING)
        else:
            np.testing.assert_array_equal(read_volume(tmp_path / "inner/a.h5", spacing_nm=SPACING).data.ravel(), np.arange(24))


def zarr_bomb(path: Path) -> None:
    """1.5 GB of fill value in a few hundred bytes."""
    import zarr

    zarr.create_array(str(path), shape=(1500, 1000, 1000), chunks=(1500, 1000, 1000), dtype="u1", attributes={"voxel_nm": [8, 8, 8]})


def npz_bomb(path: Path) -> None:
    """1.5 GB of zeros, deflated a thousandfold."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("raw.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (1500, 1000, 1000)})
            for _ in range(1500):
                file.write(bytes(1_000_000))
        with archive.open("voxel_nm.npy", "w") as file:
            np.save(file, np.array(SPACING))


def nifti_bomb(path: Path) -> None:
    """A header that promises 1.5 GB."""
    write_volume(SMALL, path)
    content = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into("<8h", content, 40, 3, 1500, 1000, 1000, 1, 1, 1, 1)
    path.write_bytes(gzip.compress(bytes(content)))


@pytest.mark.parametrize(("name", "make"), [("b.zarr", zarr_bomb), ("b.npz", npz_bomb), ("b.nii.gz", nifti_bomb)])
def test_bombs_are_refused_before_memory_is_taken(name: str, make, tmp_path: Path, little_memory: None) -> None:
    make(tmp_path / name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CellmlError, match=r"1\.5 GB.*1\.0 GB are free"):
        read_volume(tmp_path / name)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB


def test_a_compressed_mesh_is_no_bomb(tmp_path: Path, little_memory: None) -> None:
    write_mesh(MESH, tmp_path / "a.vtu")
    packer = zlib.compressobj(1)
    bomb = b"".join([*(packer.compress(bytes(1_000_000)) for _ in range(1500)), packer.flush()])
    text = (tmp_path / "a.vtu").read_text()
    assert 'compressor="vtkZLibDataCompressor"' in text
    points = re.search(r"<Points>.*?<DataArray[^>]*>(.*?)</DataArray>", text, re.DOTALL)
    assert points is not None
    data = base64.b64encode(struct.pack("<4I", 1, 32768, 96, len(bomb))).decode() + base64.b64encode(bomb).decode()
    (tmp_path / "b.vtu").write_text(text[: points.start(1)] + data + text[points.end(1) :])
    with pytest.raises(FileError, match=r"b\.vtu has \d+\.\d MB, and unpacks to more than 0\.25 GB"):
        read_mesh(tmp_path / "b.vtu")
    assert len(read_mesh(tmp_path / "a.vtu").points) == 4


def test_what_is_unpacked_is_counted_over_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cellml.io import unpacking

    monkeypatch.setattr(memory, "free_memory_gb", lambda: 4e-6)  # 1000 bytes are allowed
    (tmp_path / "a").touch()
    allowance = unpacking.Allowance(tmp_path / "a")
    assert allowance.zlib(zlib.compress(bytes(600))) == bytes(600) and allowance.lzma(lzma.compress(bytes(400))) == bytes(400)
    assert allowance.zlib(zlib.compress(b"")) == b""
    with pytest.raises(zlib.error, match="end too early"):
        allowance.zlib(zlib.compress(b"")[:-1])
    with pytest.raises(CellmlError, match="unpacks to more than"):
        allowance.zlib(zlib.compress(b"1"))


RUNS_TEXT = re.compile(
    r"(?<![\w.])(eval|exec|compile|__import__)\(|pickle\.(loads?|Unpickler)\b|\b(joblib|dill|cloudpickle|marshal|shelve)\.(loads?|open)\(|read_pickle"
    r"|allow_pickle=True|yaml\.(unsafe_|full_)?load(_all)?\((?!text, Loader=_Loader)|weights_only=False|shell=True|os\.(system|popen)"
    r"|torch\.load\((?!.*weights_only=True)|ckpt_path=(?!None)(?!.*weights_only=True)|load_from_checkpoint|jit\.load\(|extractall|unpack_archive"
)


@pytest.mark.parametrize(
    "line",
    [
        "x = eval(text)", "exec(code)", "pickle.load(file)", "pickle.Unpickler(file)", "np.load(path, allow_pickle=True)", "joblib.load(path)",
        "yaml.load(text)", "yaml.unsafe_load(text)", "torch.load(path)", "torch.load(path, weights_only=False)", "run(words, shell=True)",
        "os.system(command)", "trainer.fit(task, ckpt_path=path)", "Task.load_from_checkpoint(path)", "archive.extractall(folder)",
    ],
)  # fmt: skip
def test_lines_that_run_foreign_text_are_known(line: str) -> None:
    assert RUNS_TEXT.search(line)


def test_nothing_in_the_source_runs_foreign_text() -> None:
    """No eval, exec or unpickling of what comes from outside; workers' own messages within one machine are the exception."""
    source = Path(memory.__file__).parents[1]
    found = [
        f"{path.relative_to(source)}: {line.strip()}"
        for path in (*source.rglob("*.py"), *(source.parent / "scripts").rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if RUNS_TEXT.search(line.partition("#")[0]) and "def eval" not in line
    ]
    assert found == ["cellml/blocks/attempt.py: _ready[digest] = pickle.loads(packed)()"]

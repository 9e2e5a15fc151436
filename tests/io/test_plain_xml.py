from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io import read_mesh, read_volume, write_mesh
from cellml.io.plain_xml import require_plain_xml
from cellml.sim.imports.reading import read_document
from cellml.types import TetMesh

MESH = TetMesh(np.eye(4, 3) * 10.0, np.array([[0, 1, 3, 2]]), np.array([1]))
ENTITY = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>'
LONG = f"<!--{'-=' * 50_000}-->"


@pytest.mark.parametrize("head", ["", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="ISO-8859-1"?>', "\ufeff", LONG, "<?a b?> "])
@pytest.mark.parametrize("part", [False, True])
def test_definitions_are_found_behind_whatever_may_stand_before_them(head: str, part: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    for declared, message in ((ENTITY, "a DOCTYPE"), ("<!DOCTYPE a>", "a DOCTYPE"), ('<!DOCTYPE a SYSTEM "b.dtd">', "a DOCTYPE")):
        path.write_text(f"{head}{declared}<a/>", encoding="utf-8")
        with pytest.raises(FileError, match=message):
            require_plain_xml(path, path.read_text(encoding="utf-8") if part else None)
    path.write_text(f"{head}<a>{ENTITY.replace('<', '&lt;')}</a><!DOCTYPE a>", encoding="utf-8")
    require_plain_xml(path, path.read_text(encoding="utf-8") if part else None)


@pytest.mark.parametrize("content", [b"", b"<", b"no XML", b"<a/>\xff\x00", b'<?xml version="1.0" encoding="none"?><a/>', b"<a>&b;</a>"])
def test_what_is_no_xml_is_left_to_its_reader(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.vtu"
    path.write_bytes(content)
    require_plain_xml(path)
    with pytest.raises(FileError) as told:
        read_mesh(path)
    assert "DOCTYPE" not in str(told.value) and "entity" not in str(told.value)


def test_an_encoding_that_is_not_known_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(f'<?xml version="1.0" encoding="none"?>{ENTITY}<a/>')
    with pytest.raises(FileError, match="has a DOCTYPE"):
        require_plain_xml(tmp_path / "a.xml")


def test_the_doctype_of_xdmf_is_allowed_and_its_entities_are_not(tmp_path: Path) -> None:
    """FEniCS and ParaView write it."""
    path = tmp_path / "a.xdmf"
    write_mesh(MESH, path)
    plain = path.read_text()
    path.write_text(plain.replace("<Xdmf", '<!DOCTYPE Xdmf SYSTEM "Xdmf.dtd" []>\n<Xdmf', 1))
    assert len(read_mesh(path).points) == 4
    for kind in ("b", "% b"):
        path.write_text(plain.replace("<Xdmf", f'<!DOCTYPE Xdmf SYSTEM "Xdmf.dtd" [<!ENTITY {kind} "c">]>\n<Xdmf', 1))
        with pytest.raises(FileError, match=r"declares an XML entity \(b\)"):
            read_mesh(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_characters_are_named_with_the_remedy(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<sbml/>", encoding=encoding)
    for read in (read_mesh, read_document):
        with pytest.raises(FileError, match=r"UTF-16 or UTF-32; save it as UTF-8, as in: iconv .* a\.xml > NEW\.xml"):
            read(path)


def test_latin_letters_of_sbml_are_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes('<?xml version="1.0" encoding="ISO-8859-1"?><sbml name="µ"/>'.encode("latin-1"))
    with pytest.raises(FileError, match="cannot be read: .*; save it as UTF-8"):
        read_document(tmp_path / "a.xml")


def test_markers_beside_a_mesh_define_nothing(tmp_path: Path) -> None:
    write_mesh(MESH, tmp_path / "a.xml")
    mesh, beside = tmp_path / "a.xml", tmp_path / "a_physical_region.xml"
    head, domains, tail = mesh.read_text().partition("<domains>")
    mesh.write_text(head + tail.partition("</domains>")[2])
    assert domains and len(read_mesh(mesh).points) == 4
    beside.write_text(beside.read_text().replace("<dolfin", f"{ENTITY}<dolfin", 1))
    with pytest.raises(FileError, match=r"a_physical_region\.xml has a DOCTYPE"):
        read_mesh(mesh)


def test_the_description_of_an_ome_tiff_defines_nothing(tmp_path: Path) -> None:
    import tifffile

    described = f'<?xml version="1.0" encoding="UTF-8"?>{ENTITY}<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"></OME>'
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((4, 8, 8), np.uint8), description=described, metadata=None)
    with pytest.raises(FileError, match=r"a\.ome\.tif has a DOCTYPE"):
        read_volume(tmp_path / "a.ome.tif", spacing_nm=(1, 1, 1))

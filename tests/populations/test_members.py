"""Where the shapes of a population come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import write_mesh, write_surface
from cellml.populations.idealised import Capsule, surface_of
from cellml.populations.members import Member, idealisable, members_of, warn_of_unit
from cellml.sim.analytic import box


def test_folders_give_files_and_their_folders_as_groups(tmp_path: Path) -> None:
    for name in ("a/one.ply", "b/two.ply"):
        (tmp_path / name).parent.mkdir()
        write_surface(surface_of(Capsule(100.0, 200.0), steps=4), tmp_path / name)
    found = members_of(tmp_path)
    assert [(m.name, m.group, m.is_mesh) for m in found] == [("a/one.ply", "a", False), ("b/two.ply", "b", False)]
    assert [m.group for m in members_of(tmp_path, group_pattern=r"(one|two)\.")] == ["one", "two"]
    assert [m.unit for m in members_of(tmp_path, unit="um")] == ["um", "um"]
    write_mesh(box((100.0, 100.0, 100.0), (1, 1, 1)), tmp_path / "whole.vtu")
    with pytest.raises(CellmlError, match="holds meshes in nm, such as whole.vtu"):
        members_of(tmp_path, unit="um")
    (mesh,) = members_of(tmp_path)
    assert mesh.is_mesh and mesh.group == "."
    with pytest.raises(CellmlError, match=r"'whole.vtu' and 0 more are tetrahedra"):
        idealisable([mesh])


def test_a_table_gives_volumes_and_areas(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("name,group,class,volume_nm3,area_nm2\ns1,g1,Thin,1e9,8e6\ns2,g1,,,\n")
    (one,) = members_of(table)
    assert (one.name, one.group, one.kind, one.shape) == ("s1", "g1", "Thin", (1e9, 8e6))
    idealisable([one])
    table.write_text("name,volume_nm3,area_nm2\ns1,much,8e6\n")
    with pytest.raises(FileError, match="no number"):
        members_of(table)


@pytest.mark.parametrize(("content", "message"), [("", "holds no shapes"), ("name,volume_nm3,area_nm2\ns,1,2\ns,1,2\n", "'s'")])
def test_what_cannot_be_used_is_said(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "table.csv").write_text(content)
    with pytest.raises(CellmlError, match=message):
        members_of(tmp_path / "table.csv" if content else tmp_path / "folder")
    with pytest.raises(FileError, match="There is no"):
        members_of(tmp_path / "nothing.csv")


def test_a_member_knows_whether_it_is_a_mesh() -> None:
    assert Member("m", "", "", Path("m.VTU")).is_mesh and not Member("m", "", "", (1.0, 2.0)).is_mesh


def test_a_folder_in_um_is_told_of_before_it_is_solved(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for n in range(12):
        write_surface(surface_of(Capsule(0.1, 0.2), steps=4), tmp_path / f"{n}.stl")  # numbers of µm, in files that note no unit
    (tmp_path / "0.stl").write_text("damaged")
    warn_of_unit(members_of(tmp_path, unit="um"), tmp_path)
    assert not caplog.messages
    for unit in (None, "m"):
        caplog.clear()
        warn_of_unit(members_of(tmp_path, unit=unit), tmp_path)
        assert len(caplog.messages) == 1 and "unit=um" in caplog.messages[0]

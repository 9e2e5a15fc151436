import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.shapes.harmonics.tables import read_table, write_table


def test_tables_come_back(tmp_path):
    rng = np.random.default_rng(0)
    shapes = [Harmonics(rng.normal(size=(1, 25)), np.zeros(3), f"cell {n}") for n in range(3)]
    write_table(shapes, tmp_path / "t.csv", pixel_nm=65.0)
    found = read_table(tmp_path / "t.csv", pixel_nm=65.0)
    assert list(found) == ["cell 0", "cell 1", "cell 2"]
    for shape in shapes:
        np.testing.assert_allclose(found[shape.name].values, shape.values, rtol=1e-13)


def test_conventions_of_aics_shparam(tmp_path):
    # Its wheel (0.1.11), given voxels of a ball moved 3 towards +x, has L0M0C = the radius; a bulge towards +x has L1M1C < 0.
    (tmp_path / "t.csv").write_text("CellId,shcoeffs_L0M0C_lcc,shcoeffs_L1M0C_lcc,shcoeffs_L1M1C_lcc,shcoeffs_L1M1S_lcc\n7,20,0,-1,0\n")
    shape = read_table(tmp_path / "t.csv")["7"]
    x, back = np.linalg.norm(shape.at(np.array([[1.0, 0, 0], [-1.0, 0, 0]])), axis=1)
    assert x == pytest.approx(20 + np.sqrt(3)) and back == pytest.approx(20 - np.sqrt(3))


def test_messages(tmp_path):
    with pytest.raises(FileError, match="There is no"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "nan.csv").write_text("name,shcoeffs_L0M0C\na,nan\n")
    with pytest.raises(CellmlError, match="shcoeffs_L0M0C of 'a' is 'nan'"):
        read_table(tmp_path / "nan.csv")
    (tmp_path / "two.csv").write_text("name,dna_shcoeffs_L0M0C,mem_shcoeffs_L0M0C\na,1,2\n")
    with pytest.raises(CellmlError, match="'dna_', 'mem_'"):
        read_table(tmp_path / "two.csv")
    assert read_table(tmp_path / "two.csv", prefix="mem_")["a"].values[0, 0] == pytest.approx(2 * np.sqrt(4 * np.pi))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CellmlError, match="no columns shcoeffs"):
        read_table(tmp_path / "other.csv")
    with pytest.raises(CellmlError, match="star shapes"):
        write_table([Harmonics(np.ones((3, 4)), np.zeros(3))], tmp_path / "x.csv")

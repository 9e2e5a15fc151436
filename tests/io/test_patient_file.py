from __future__ import annotations

import errno
from pathlib import Path

import pytest

from cellml.io.patient_file import PatientFile


def test_it_reads_what_it_wrote(tmp_path: Path) -> None:
    with PatientFile(tmp_path / "a") as file:
        assert file.write(b"0123456789") == 10
        file.seek(4)
        assert file.read(3) == b"456"
        file.truncate(6)
        file.check()
    assert (tmp_path / "a").read_bytes() == b"012345"


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with PatientFile(tmp_path / "a") as file:
        file.seek(0, 2)
        file.write(b"d")
    assert (tmp_path / "a").read_bytes() == b"abcd"


def test_a_failed_write_is_told_once_it_is_asked_for(tmp_path: Path) -> None:
    with PatientFile(tmp_path / "a") as file:
        file.write(b"good")
        file._file.close()
        file._file = open("/dev/full", "r+b", buffering=0)  # noqa: SIM115, PTH123
        assert file.write(b"lost") == 4
        buffer = bytearray(b"xx")
        with pytest.raises(OSError) as caught:
            file.check()
        assert caught.value.errno == errno.ENOSPC
        assert file.readinto(buffer) == 2

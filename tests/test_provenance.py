from __future__ import annotations

import re

import torch

from cellml.provenance import commit, machine, versions


def test_versions_and_machine_are_plain() -> None:
    found = versions()
    assert found["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert all(type(v) is str for v in found.values())
    about = machine()
    assert about["cores"] >= 1 and about["memory_gb"] > 0 and all(type(v) in (str, int, float) for v in about.values())


def test_the_commit_is_a_hash_or_unknown() -> None:
    assert re.fullmatch(r"unknown|[0-9a-f]{40}\+?", commit())

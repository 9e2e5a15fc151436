"""Workers that a real SLURM starts: jobs are done there, and tried again where one is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class InAJob:
    """Work that says in which SLURM job it was done, and whose process dies the first time with number 2."""

    def prepare(self) -> Callable[[Any, int], str]:
        return _named


def _named(job: Any, attempt: int) -> str:
    if job == 2 and attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{job} {os.environ.get('SLURM_JOB_ID')} {os.environ.get('OMP_NUM_THREADS')}"


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    pytest.importorskip("dask_jobqueue", reason="SLURM needs the extra `cluster`")
    spec = spec_from_file_location("cluster", Path(__file__).parents[1] / "slurm" / "cluster.py")
    assert spec is not None and spec.loader is not None
    cluster = module_from_spec(spec)
    spec.loader.exec_module(cluster)
    folder = tmp_path_factory.mktemp("slurm")
    try:
        with cluster.running(folder):
            yield folder
    except cluster.NoClusterError as reason:
        pytest.skip(str(reason))


def test_jobs_are_done_by_workers_of_slurm(slurm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cellml.blocks.dask_engine import SlurmDask

    monkeypatch.chdir(slurm)
    engine = SlurmDask(2, memory="1GB", walltime="00:20:00", prologue=[f"export PYTHONPATH={Path(__file__).parents[2]}"], patience_s=600)
    with engine.opened() as run:
        found = {o.number: o for o in run(InAJob().prepare, list(range(6)), timeout_s=60.0, tries=3)}
    assert sorted(found) == list(range(6)) and not [o.reason for o in found.values() if o.reason]
    words = [found[n].value.split() for n in range(6)]
    assert [int(w[0]) for w in words] == list(range(6)) and all(w[1].isdigit() and w[2] == "1" for w in words)
    assert found[2].tries == 2 and found[0].tries == 1

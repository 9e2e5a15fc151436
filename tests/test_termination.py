from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cellml.termination import Terminated, termination_as_interrupt

# `cellml simulate`, with something slow in the place of the solver
_SLOW = """
import sys, time
import cellml.sim.command
from cellml.cli import main
from cellml.io.atomic import atomic_path

def slow(output: str, **rest):
    with atomic_path(output) as aside:
        aside.mkdir()
        (aside / "half").write_text("x")
        print("writing", flush=True)
        time.sleep(60)

cellml.sim.command.simulate_file = slow
sys.exit(main(["simulate", "mesh=a.vtu", "model=diffusion", "output=out"]))
"""


def test_sigterm_removes_what_was_half_written(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", _SLOW], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    assert [path.name.startswith(".part-") for path in tmp_path.iterdir()] == [True]
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "ended by SIGTERM" in said
    assert "Traceback" not in said
    assert not any(tmp_path.iterdir())


def test_sigterm_is_given_back() -> None:
    with pytest.raises(Terminated), termination_as_interrupt():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_another_owner_of_sigterm_keeps_it() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with termination_as_interrupt():
            os.kill(os.getpid(), signal.SIGTERM)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_forked_worker_ends_by_the_signal() -> None:
    assert subprocess.run([sys.executable, "-c", _WORKER], timeout=60, check=False).returncode == 0


_WORKER = """
import os, signal, sys, time
from cellml.termination import termination_as_interrupt
with termination_as_interrupt():
    seen, say = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(say, b"x")  # Python forgets signals that arrive while it forks
        time.sleep(30)
        os._exit(1)
    os.read(seen, 1)
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
sys.exit(0 if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM else 2)
"""

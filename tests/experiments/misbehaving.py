"""What a process of its own must survive; a module, so that another process can import it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def answers(mark: Callable[[str], None], value: int) -> dict[str, Any]:
    mark("begin")
    time.sleep(0.2)
    mark("end")
    return {"value": value}


def raises(mark: Callable[[str], None]) -> dict[str, Any]:
    raise KeyError("lost")


def is_killed(mark: Callable[[str], None], pid_file: str) -> dict[str, Any]:
    """Leaves a child behind, as a crash of the mesher leaves its tool."""
    Path(pid_file).write_text(str(_sleeper().pid))
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def hangs(mark: Callable[[str], None], pid_file: str) -> dict[str, Any]:
    Path(pid_file).write_text(str(_sleeper().pid))
    while True:
        time.sleep(1)


def takes_memory(mark: Callable[[str], None], megabytes: int) -> dict[str, Any]:
    """In a child, as the mesher does; touched, or it would not be resident."""
    early = bytearray(b"x") * (300 * 10**6)  # before the measured part: not counted once it is gone
    del early
    mark("begin")
    code = f"import time; a = bytearray(b'x') * ({megabytes} * 10**6); time.sleep(1.0)"
    subprocess.run([sys.executable, "-c", code], check=False)
    mark("end")
    late = bytearray(b"x") * (300 * 10**6)  # after the measured part: no longer counted
    return {"late": len(late)}


def _sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

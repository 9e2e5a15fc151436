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


def answers(measured: Callable[[], None], value: int) -> dict[str, Any]:
    measured()
    return {"value": value}


def raises(measured: Callable[[], None]) -> dict[str, Any]:
    raise KeyError("lost")


def is_killed(measured: Callable[[], None], pid_file: str) -> dict[str, Any]:
    """Leaves a child behind, as a crash of the mesher leaves its tool."""
    Path(pid_file).write_text(str(_sleeper().pid))
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}


def hangs(measured: Callable[[], None], pid_file: str) -> dict[str, Any]:
    Path(pid_file).write_text(str(_sleeper().pid))
    while True:
        time.sleep(1)


def takes_memory(measured: Callable[[], None], megabytes: int) -> dict[str, Any]:
    """In a child, as the mesher does; touched, or it would not be resident."""
    code = f"import time; a = bytearray(b'x') * ({megabytes} * 10**6); time.sleep(1.0)"
    subprocess.run([sys.executable, "-c", code], check=False)
    measured()
    late = bytearray(b"x") * (300 * 10**6)  # after the measured part: no longer counted
    return {"late": len(late)}


def _sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

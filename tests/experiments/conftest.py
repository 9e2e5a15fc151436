"""Studies are scripts, not a package: their folder goes onto the path. A source archive has none, and then there is nothing to test."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).parent
_STUDY = _HERE.parents[1] / "experiments" / "meshing"

if _STUDY.is_dir():
    sys.path[:0] = [str(_STUDY), str(_HERE)]
else:
    collect_ignore_glob = ["test_*.py"]

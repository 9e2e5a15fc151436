"""Property tests here compare with slow twins: they must not fail because a machine is busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("slow twins", deadline=None, max_examples=50)
settings.load_profile("slow twins")

"""What is fuzzed: every reader of foreign files, by name."""

from __future__ import annotations

import archive_targets
import image_targets
import shape_targets
import text_targets

_ALL = (*image_targets.TARGETS, *shape_targets.TARGETS, *text_targets.TARGETS, *archive_targets.TARGETS)
TARGETS = {target.name: target for target in _ALL}

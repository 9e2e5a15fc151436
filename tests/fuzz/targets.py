"""What is fuzzed: every reader of foreign files, by name."""

from __future__ import annotations

import image_targets
import shape_targets
import text_targets

TARGETS = {target.name: target for target in (*image_targets.TARGETS, *shape_targets.TARGETS, *text_targets.TARGETS)}

"""One thing that is wrong with data, and the order in which such things are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["fatal", "warning", "note"]
_ORDER: tuple[Severity, ...] = ("fatal", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: how bad, what, where (position or sections, "" if everywhere), and what to do.

    harm: among findings of one severity, from 0 (cosmetic) to 1 (spoils everything that follows).
    """

    severity: Severity
    what: str
    where: str
    remedy: str
    harm: float = 0.5

    def __str__(self) -> str:
        return f"{self.what}{f' ({self.where})' if self.where else ''}. {self.remedy}"


def in_order_of_harm(found: Iterable[Finding]) -> list[Finding]:
    """Fatal findings first, then warnings, then notes; the most harmful of each first."""
    return sorted(found, key=lambda finding: (_ORDER.index(finding.severity), -finding.harm))


def listed(items: Sequence[object], most: int = 6) -> str:
    """The first items, and how many more there are."""
    return ", ".join(map(str, items[:most])) + (f" and {len(items) - most} more" if len(items) > most else "")

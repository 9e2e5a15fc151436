"""What shapes are conditioned on: their class, or numbers of the cell's frame, such as the depth below its membrane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from cellml.errors import CellmlError

if TYPE_CHECKING:
    from cellml.shapes.population import Population


class ShapeTarget(nn.Module):
    """Conditions of a shape model as numbers: one for each class (1 for the shape's own), then the frame's, standardised.

    classes: names, in the order of the data's labels, or none; frame: names of numbers that each shape of the data has, or none.
    """

    kind = "shape"
    channels = 1
    shares: Tensor
    middle: Tensor
    spread: Tensor

    def __init__(self, classes: Sequence[str] = (), frame: Sequence[str] = ()) -> None:
        super().__init__()
        names = [*map(str, classes), *map(str, frame)]
        if len(set(names)) != len(names) or "" in names:
            raise CellmlError(f"Classes and numbers of the frame need names, each another; got {names}.")
        self.classes, self.frame = [str(name) for name in classes], [str(name) for name in frame]
        self.register_buffer("shares", torch.full((len(classes),), 1 / max(1, len(classes))))
        self.register_buffer("middle", torch.zeros(len(frame)))
        self.register_buffer("spread", torch.ones(len(frame)))

    @property
    def size(self) -> int:
        """Numbers of a condition."""
        return len(self.classes) + len(self.frame)

    @torch.no_grad()
    def measure(self, labels: Tensor, frames: Tensor) -> None:
        """Learn how frequent classes are, and the mean and deviation of the frame's numbers. labels: (N,); frames: (N, F)."""
        if self.classes:
            found = torch.bincount(labels[labels >= 0], minlength=len(self.classes)).float()
            self.shares.copy_((found + 1e-3) / (found + 1e-3).sum())
        if self.frame:
            self._require_frame(frames)
            self.middle.copy_(frames.mean(dim=0))
            self.spread.copy_(frames.std(dim=0).clamp(min=1e-6))

    def labels(self, kinds: Sequence[str]) -> Tensor:
        """Names of classes (N) → their numbers (N,) where the target's are, −1 for others."""
        numbers = {name: n for n, name in enumerate(self.classes)}
        return torch.tensor([numbers.get(kind, -1) for kind in kinds], dtype=torch.int64, device=self.shares.device)

    def vector(self, labels: Tensor, frames: Tensor) -> Tensor:
        """(B,) labels, −1 for unknown (all numbers of classes 0), and (B, F) numbers of the frame → (B, C)."""
        one_hot = torch.zeros(len(labels), len(self.classes), device=labels.device)
        known = labels >= 0
        if self.classes:
            one_hot[known, labels[known]] = 1.0
        if self.frame:
            self._require_frame(frames)
            return torch.cat([one_hot, (frames.to(self.middle) - self.middle) / self.spread], dim=1)
        return one_hot

    def parsed(self, condition: str, count: int, random: torch.Generator) -> Tensor:
        """Conditions (count, C) of a text: a class, "number=value, …" of the frame, both, or "" to draw the class by its frequency.

        Numbers of the frame that are not given are drawn from a normal of the training shapes' mean and deviation. Raises CellmlError
        for a name that there is not and a value that is no number.
        """
        words = [word.strip() for word in condition.split(",") if word.strip()]
        classes = [word for word in words if "=" not in word]
        unknown = [word for word in classes if word not in self.classes]
        unknown += [word for word in words if "=" in word and word.split("=")[0].strip() not in self.frame]
        if unknown or len(classes) > 1:
            raise CellmlError(
                f"The condition {condition!r} names {', '.join(unknown or classes)}; this model knows "
                f"{'one of the classes ' + ', '.join(self.classes) if self.classes else 'no classes'} and "
                f"{'the numbers ' + ', '.join(self.frame) if self.frame else 'no numbers of a frame'}."
            )
        labels = torch.full((count,), -1)
        if self.classes:
            drawn = torch.multinomial(self.shares.cpu(), count, replacement=True, generator=random)
            labels = torch.full((count,), self.classes.index(classes[0])) if classes else drawn
        frames = self.middle.cpu() + self.spread.cpu() * torch.randn(count, len(self.frame), generator=random)
        for word in words:
            if "=" in word:
                frames[:, self.frame.index(word.split("=")[0].strip())] = _number(word, condition)
        return self.vector(labels.to(self.shares.device), frames)

    def log_prob(self, conditions: Tensor) -> Tensor:
        """Natural logarithm of the frequency of each condition's class, (B,); 0 where it has none."""
        if not self.classes:
            return conditions.new_zeros(len(conditions))
        one_hot = conditions[:, : len(self.classes)]
        return (one_hot * self.shares.log()).sum(dim=1)

    def _require_frame(self, frames: Any) -> None:
        if frames.ndim != 2 or frames.shape[1] != len(self.frame):
            raise CellmlError(
                f"The task's frame has the numbers {self.frame} and the data give {tuple(frames.shape)}; "
                "set representation.frame, which measures them."
            )


def batch_of(population: Population, representation: Any, target: ShapeTarget) -> dict[str, Tensor]:
    """Shapes as a batch of the data (`cellml.data.shape_module`), on the target's device. A class that the target does not know is −1."""
    arrays, device = representation.of(population), target.shares.device
    return {
        "image": torch.as_tensor(arrays.values, device=device),
        "unit": torch.as_tensor(arrays.units, dtype=torch.float32, device=device),
        "label": target.labels(population.classes),
        "frame": torch.as_tensor(arrays.frames, dtype=torch.float32, device=device),
    }


def _number(word: str, condition: str) -> float:
    try:
        return float(word.split("=", 1)[1])
    except ValueError:
        raise CellmlError(f"{word!r} in the condition {condition!r} gives no number; write for example depth=0.5.") from None

"""A page in the run folder that shows a training while it runs: curves, and what the network says of a validation block."""

from __future__ import annotations

import base64
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray

from cellml.callbacks.figures import log_figure

log = logging.getLogger(__name__)

_MOST_POINTS = 2000  # of a curve; beyond, every second one is left out
_DPI = 110


class LivePage(pl.Callback):
    """Writes live.html and live.png into the run folder at every validation, and between them every `seconds`.

    The page is one file, asks nothing of any network, and loads itself anew every `refresh` seconds while the training runs. Loggers that
    take images, such as Weights & Biases, get the same figures at each validation. The curves go on when a training is resumed. A failure
    to draw is warned of and never ends the training; in a training of several processes the first one draws.

    folder: of the run; seconds: between drawings, of which each takes about one; refresh: of the page, in seconds.
    """

    def __init__(self, folder: str, seconds: float = 60.0, refresh: int = 10) -> None:
        self.folder, self.seconds, self.refresh = Path(folder), float(seconds), int(refresh)
        self.curves: dict[str, list[tuple[int, float]]] = {}
        self.sample: dict[str, Any] | None = None
        self._drawn = 0.0
        self._taken = False
        self._ended = False

    def state_dict(self) -> dict[str, Any]:
        """The curves so far."""
        return {"curves": {name: [list(point) for point in points] for name, points in self.curves.items()}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from curves that were saved."""
        self.curves = {name: [(int(step), float(value)) for step, value in points] for name, points in state_dict["curves"].items()}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock of the first drawing."""
        self._drawn = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Note what was logged, and draw when it is time."""
        step, every = trainer.global_step, max(1, int(getattr(trainer, "log_every_n_steps", 1)))
        if step % every == 0 or step == trainer.max_steps:
            self._note(trainer, "train/")
        if time.monotonic() - self._drawn > self.seconds:
            self._write(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The first block of this validation is shown."""
        self._taken = False

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Keep the middle section of the first block, with what was predicted of it."""
        if self._taken or trainer.sanity_checking or not isinstance(outputs, dict):
            return
        try:
            self.sample = middle_section(batch, outputs)
            self._taken = self.sample is not None
        except Exception as error:  # a picture must never end the training
            log.warning("The live page shows no section of this validation: %s", error)
            self._taken = True

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the scores, and draw."""
        if not trainer.sanity_checking:
            self._note(trainer, "val/")
            self._write(trainer, to_loggers=True)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw for the last time; the page then stands still."""
        self._ended = True
        self._write(trainer)

    def _note(self, trainer: pl.Trainer, beginning: str) -> None:
        for name, value in trainer.callback_metrics.items():
            if name.startswith(beginning) and value.numel() == 1 and np.isfinite(float(value)):
                points = self.curves.setdefault(name, [])
                if points and points[-1][0] == trainer.global_step:
                    points.pop()
                points.append((int(trainer.global_step), float(value)))
                if len(points) > _MOST_POINTS:
                    self.curves[name] = points[::2]

    def _write(self, trainer: pl.Trainer, *, to_loggers: bool = False) -> None:
        self._drawn = time.monotonic()
        if not trainer.is_global_zero or not self.curves:
            return
        try:
            figures = live_figures(self.curves, self.sample)
            pictures = {name: png(figure) for name, figure in figures.items()}
            said = f"step {trainer.global_step} of {trainer.max_steps}{', ended' if self._ended else ''}"
            write_page(self.folder, pictures, said, None if self._ended else self.refresh)
            if to_loggers:
                for name, figure in figures.items():
                    log_figure(trainer.loggers, f"live/{name}", figure, int(trainer.global_step))
        except Exception as error:
            log.warning("The live page was not drawn: %s", error)


def middle_section(batch: Any, outputs: dict[str, Any]) -> dict[str, Any] | None:
    """The middle section of a validation block, as `cellml.report.section_figure` takes it.

    batch: image (C, Z, Y, X), labels (Z, Y, X) or images (K, Z, Y, X), spacing (z, y, x) in nm; outputs: "prediction" (Z, Y, X), or
    "image" (K, Z, Y, X), of which the first channel is shown. None where there is neither.
    """
    kind = "prediction" if "prediction" in outputs else "image" if "image" in outputs else None
    if kind is None:
        return None
    image = _array(batch["image"])
    z, spacing = image.shape[-3] // 2, [float(s) for s in batch.get("spacing", (1.0, 1.0, 1.0))]
    truth, found = (value if value.ndim == 3 else value[0] for value in (_array(batch["labels"]), _array(outputs[kind])))
    return {
        "spacing": (spacing[0], spacing[1], spacing[2]),
        "raw": image[0, z],
        "truth": truth[z],
        "prediction": found[z],
        "position_nm": z * spacing[0],
        "labels": kind == "prediction",
    }


def live_figures(curves: dict[str, list[tuple[int, float]]], sample: dict[str, Any] | None) -> dict[str, Any]:
    """The figures "curves" and, where there is one, "section"."""
    from cellml.report.curves import curves_figure
    from cellml.report.section_figure import section_figure

    series = {name: (np.array([p[0] for p in points], float), np.array([p[1] for p in points], float)) for name, points in curves.items()}
    return {"curves": curves_figure(series), **({} if sample is None else {"section": section_figure(**sample)})}


def png(figure: Any) -> bytes:
    """A figure as PNG."""
    import io

    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI)
    return stream.getvalue()


def write_page(folder: Path, pictures: dict[str, bytes], said: str, refresh: int | None) -> None:
    """Write live.png (the curves) and live.html (all pictures); refresh: seconds after which the page loads itself anew, None for never."""
    from cellml.io import atomic_path, write_text

    with atomic_path(folder / "live.png") as aside:
        aside.write_bytes(pictures["curves"])
    again = "" if refresh is None else f'<meta http-equiv="refresh" content="{refresh}">'
    shown = "".join(
        f'<h2>{name.capitalize()}</h2><img alt="{name}" src="data:image/png;base64,{base64.b64encode(picture).decode()}">'
        for name, picture in pictures.items()
    )
    write_text(
        folder / "live.html",
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">{again}'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        "<title>cellml: training</title><style>body{font-family:sans-serif;margin:1.5rem;max-width:80rem;color:#1f2328}"
        "img{max-width:100%}h2{font-size:1rem;margin:1rem 0 .3rem}</style></head>"
        f"<body><h1>Training: {said}</h1><p>Drawn {time.strftime('%Y-%m-%d %H:%M:%S')}.</p>{shown}</body></html>\n",
    )


def _array(value: Any) -> NDArray[Any]:
    return np.asarray(value.detach().float().cpu().numpy() if hasattr(value, "detach") else value)

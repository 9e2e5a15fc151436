"""The window of an annotation session, in napari: it shows the layers and passes on what is done to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cellml.annotation.scribble_model import Region
from cellml.annotation.session import AnnotationSession
from cellml.errors import CellmlError

_LAYERS = {"labels": "objects", "scribbles": "scribbles"}
KEYS = {"r": "retrain", "a": "adopt", "s": "split", "m": "merge", "y": "accept", "n": "reject"}


class SessionView:
    """A napari viewer on a session. It holds no state of its own: everything that is done goes through the session.

    Layers: image, prediction, objects, scribbles, and points, which are the seeds of a split and the choice of a merge. `act` runs an
    action by name, as the buttons and keys do; a refusal of the session appears as a notice.
    """

    def __init__(self, session: AnnotationSession, labels_file: str | Path, viewer: Any) -> None:
        self.session, self.labels_file, self.viewer = session, labels_file, viewer
        frame = {"scale": session.image.spacing, "translate": session.image.origin}
        low, high = np.percentile(session.image.data[:: max(1, session.image.shape[0] // 4)], (0.5, 99.5)).tolist()
        viewer.add_image(session.image.data, name="image", contrast_limits=(low, max(high, low + 1)), **frame)
        self.prediction = viewer.add_labels(session.prediction, name="prediction", opacity=0.3, **frame)
        self.layers = {"labels": viewer.add_labels(session.labels, name="objects", opacity=0.5, **frame)}
        self.points = viewer.add_points(name="points", ndim=3, size=6, **frame)
        self.layers["scribbles"] = viewer.add_labels(session.scribbles, name="scribbles", opacity=0.8, **frame)
        self.layers["scribbles"].selected_label = min(2, len(session.classes))
        self.live = True
        self._awaited: set[str] = set()  # layers whose fill napari has announced, but not yet done
        for name, layer in self.layers.items():
            layer.events.paint.connect(lambda event, name=name: self._painted(name))
            for late in (layer.events.labels_update, layer.events.set_data):
                late.connect(lambda event, name=name: self._painted(name) if name in self._awaited else None)
            layer.bind_key("Control-Z", lambda _: self.act("undo"), overwrite=True)
            layer.bind_key("Control-Shift-Z", lambda _: self.act("redo"), overwrite=True)
        viewer.dims.events.current_step.connect(lambda event: self._predict() if self.live and session.fitted else None)
        viewer.layers.selection.active = self.layers["scribbles"]
        self.layers["scribbles"].mode = "paint"

    def act(self, name: str) -> None:
        """Do what a button or key asks for, show what changed, and say what it cost so far."""
        try:
            getattr(self, f"_{name}")()
        except CellmlError as refusal:
            self._say(str(refusal))
        else:
            self.viewer.status = str(self.session.cost())
        self.refresh()

    def refresh(self) -> None:
        """Draw the layers anew."""
        for layer in (self.prediction, *self.layers.values()):
            layer.refresh()

    def visible(self) -> Region:
        """The voxels that the window shows: of one section in 2D, of all sections in 3D."""
        shape = self.session.image.shape
        corners = self.layers["scribbles"].corner_pixels
        low, high = np.clip(corners[0], 0, shape), np.clip(corners[1] + 1, 0, shape)
        if self.viewer.dims.ndisplay == 2:
            low[0] = min(int(self.viewer.dims.current_step[0]), shape[0] - 1)
            high[0] = low[0] + 1
        if (high <= low).any():
            low, high = np.array([low[0], 0, 0]), np.array([low[0] + 1, *shape[1:]])
        z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        return z, y, x

    def _painted(self, name: str) -> None:
        shape, layer = self.session.image.shape, self.layers[name]
        z = int(self.viewer.dims.current_step[0])
        section = slice(z, z + 1) if layer.n_edit_dimensions == 2 and self.viewer.dims.ndisplay == 2 else slice(0, shape[0])
        if not self.session.absorb(name, (section, slice(0, shape[1]), slice(0, shape[2]))):
            self._awaited.add(name)
            return
        self._awaited.discard(name)
        self.viewer.status = str(self.session.cost())
        if self.live and name == "scribbles" and len(np.unique(self.session.scribbles)) > 2:
            self.act("retrain")

    def _retrain(self) -> None:
        seconds = self.session.retrain()
        self._predict()
        self._say(f"Learned from {int((self.session.scribbles > 0).sum()):,} voxels in {seconds:.1f} s.", notice=False)

    def _predict(self) -> None:
        self.session.predict(self.visible())
        self.prediction.refresh()

    def _adopt(self) -> None:
        number = max(2, int(self.layers["scribbles"].selected_label))
        self._say(f"{self.session.adopt(self.visible(), number, least=20)} new objects.", notice=False)

    def _split(self) -> None:
        voxels = self._chosen_voxels()
        label = int(self.session.labels[tuple(voxels[0])]) if len(voxels) else 0
        self.session.split(label, [voxel[None] for voxel in voxels])
        self.points.data = np.zeros((0, 3))

    def _merge(self) -> None:
        voxels = self._chosen_voxels()
        self.session.merge([label for label in (int(self.session.labels[tuple(v)]) for v in voxels) if label])
        self.points.data = np.zeros((0, 3))

    def _accept(self) -> None:
        self.session.decide(int(self.layers["labels"].selected_label), "accept")

    def _reject(self) -> None:
        self.session.decide(int(self.layers["labels"].selected_label), "reject")

    def _remove(self) -> None:
        self.session.relabel(int(self.layers["labels"].selected_label), 0)

    def _undo(self) -> None:
        self._say(f"Took back: {self.session.undo()}.", notice=False)

    def _redo(self) -> None:
        self._say(f"Did again: {self.session.redo()}.", notice=False)

    def _save(self) -> None:
        self.session.save(self.labels_file)
        self._say(f"Saved {self.labels_file}. {self.session.cost()}.", notice=False)

    def _chosen_voxels(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        voxels = np.round(np.asarray(self.points.data)).astype(np.int64).reshape(-1, 3)
        return voxels[((voxels >= 0) & (voxels < self.session.image.shape)).all(axis=1)]

    def _say(self, message: str, *, notice: bool = True) -> None:
        from napari.utils.notifications import show_info, show_warning

        (show_warning if notice else show_info)(message)


def controls(view: SessionView) -> Any:
    """A panel of buttons, one for each action, for the side of the window."""
    from magicgui.widgets import CheckBox, Container, Label, PushButton

    keys = {action: key for key, action in KEYS.items()}
    classes = ", ".join(f"{n} {name}" for n, name in enumerate(view.session.classes, 1))
    live = CheckBox(value=view.live, text="learn and predict at once")
    live.changed.connect(lambda value: setattr(view, "live", bool(value)))
    buttons = []
    for action in ("retrain", "adopt", "split", "merge", "accept", "reject", "remove", "undo", "redo", "save"):
        button = PushButton(text=f"{action} (Shift+{keys[action].upper()})" if action in keys else action)
        button.changed.connect(_doing(view, action))
        buttons.append(button)
    return Container(widgets=[Label(value=f"scribbles: {classes}"), live, *buttons], labels=False)


def _doing(view: SessionView, action: str) -> Callable[..., None]:
    return lambda *_: view.act(action)


def require_napari() -> None:
    """Raise CellmlError where napari is not installed, with the remedy."""
    try:
        import napari  # noqa: F401
    except ImportError as error:
        raise CellmlError(f"Annotation needs napari, which is not installed ({error}): pip install 'cellml[annotate]'.") from error


def open_window(session: AnnotationSession, labels_file: str | Path) -> SessionView:
    """Open a napari window on a session, with buttons and keys. Raises CellmlError where napari is not installed."""
    require_napari()
    import napari

    viewer = napari.Viewer(title=f"cellml annotate: {session.image.name}", axis_labels=("z", "y", "x"))
    view = SessionView(session, labels_file, viewer)
    viewer.window.add_dock_widget(controls(view), name="annotation", area="right")
    for key, action in KEYS.items():
        viewer.bind_key(f"Shift-{key.upper()}", _doing(view, action), overwrite=True)
    return view

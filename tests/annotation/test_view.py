"""The window's code on napari's model of a viewer, which needs no display; skipped where napari is not installed."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.annotation.session import AnnotationSession
from cellml.io import read_labels
from cellml.types import Labels, Volume

napari_components = pytest.importorskip("napari.components")

SPACING = (40.0, 5.0, 5.0)


@pytest.fixture
def view(tmp_path):
    from cellml.annotation.view import SessionView

    grey = np.random.default_rng(0).normal(150, 10, (4, 48, 64))
    labels = np.zeros(grey.shape, np.uint16)
    labels[1:3, 8:20, 8:40], labels[1:3, 30:40, 8:20] = 1, 2
    grey[labels > 0] -= 80
    session = AnnotationSession(Volume(grey.astype(np.float32), SPACING), tmp_path / "s", labels=Labels(labels, SPACING))
    made = SessionView(session, tmp_path / "labels.tif", napari_components.ViewerModel())
    made.viewer.dims.set_current_step(0, 1)
    return made


def test_strokes_and_fills_reach_the_session_once_each(view):
    layer = view.layers["scribbles"]
    view.live = False
    layer.brush_size = 3
    layer.paint((1, 3, 3), 1)
    layer.paint((1, 12, 12), 2)
    view.layers["labels"].fill((1, 35, 12), 9)
    assert view.session.cost().edits == {"scribble": 2, "draw": 1}
    assert view.session.scribbles[1, 12, 12] == 2 and (view.session.labels[1] == 9).sum() == 120


def test_with_live_prediction_a_stroke_teaches_and_the_section_is_predicted(view):
    layer = view.layers["scribbles"]
    layer.brush_size = 5
    for y in (3, 25, 44):
        layer.paint((1, y, 50), 1)
    for x in (12, 20, 30):
        layer.paint((1, 14, x), 2)
    assert view.session.fitted and (view.session.prediction[1, 8:20, 8:40] == 2).mean() > 0.6
    view.viewer.dims.set_current_step(0, 2)
    assert (view.session.prediction[2, 8:20, 8:40] == 2).mean() > 0.6


def test_points_choose_what_is_split_and_merged(view):
    view.points.data = np.array([[1, 14, 9], [1, 14, 38]], float)
    view.act("split")
    assert set(np.unique(view.session.labels)) == {0, 1, 2, 3} and len(view.points.data) == 0
    view.points.data = np.array([[1, 14, 9], [1, 35, 12]], float)
    view.act("merge")
    assert set(np.unique(view.session.labels)) == {0, 1, 3}
    view.act("undo")
    assert set(np.unique(view.session.labels)) == {0, 1, 2, 3}
    view.layers["labels"].selected_label = 2
    view.act("accept")
    view.act("remove")
    assert view.session.decisions[2].verdict == "accept" and set(np.unique(view.session.labels)) == {0, 1, 3}
    view.act("save")
    np.testing.assert_array_equal(read_labels(view.labels_file).data, view.session.labels)


def test_a_refusal_is_shown_and_changes_nothing(view):
    from napari.utils.notifications import notification_manager

    view.act("merge")
    assert "at least two different objects" in notification_manager.records[-1].message
    assert view.session.cost().edits == {}

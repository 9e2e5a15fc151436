from __future__ import annotations

from pathlib import Path

import numpy as np

from cellml.report.class_picture import COLOURS, class_picture
from cellml.report.palette import rgb


def test_found_invented_and_missed_have_their_colours(tmp_path: Path) -> None:
    from skimage.io import imread

    truth, predicted = (np.zeros((40, 60), bool) for _ in range(2))
    truth[5:20, 5:40] = True
    predicted[10:30, 20:55] = True
    class_picture(np.full((40, 60), 7), truth, {"network": predicted, "nothing": truth & False}, tmp_path / "p.png", pixel_nm=10)
    pixels = imread(tmp_path / "p.png")[..., :3].reshape(-1, 3).astype(int)
    counts = {kind: (np.abs(pixels - 127.5 * np.array(rgb(colour))).max(axis=1) < 4).sum() for kind, colour in COLOURS.items()}
    area = counts[1] / (10 * 20)
    assert counts[1] > 1000
    assert abs(counts[2] / area / (20 * 35 - 200) - 1) < 0.1
    assert abs(counts[3] / area / ((15 * 35 - 200) + 15 * 35) - 1) < 0.1

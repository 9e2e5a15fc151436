from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.report.palette import OKABE_ITO, colour_overlay, distinct_colour, label_colours, rgb


def test_overlay_is_that_of_a_loop_over_pixels():
    rng = np.random.default_rng(0)
    grey, labels = rng.random((5, 7)), rng.integers(0, 4, (5, 7))
    colours = {1: "#ff0000", 3: "#336699"}  # 2 has no colour and stays bare, as 0 does
    found = colour_overlay(grey, labels, colours, 0.4)
    for y in range(5):
        for x in range(7):
            expected = np.full(3, grey[y, x])
            if labels[y, x] in colours:
                expected = 0.6 * expected + 0.4 * np.array(rgb(colours[labels[y, x]]))
            np.testing.assert_allclose(found[y, x], expected, atol=1e-12)


@settings(deadline=None)
@given(st.integers(0, 100))
def test_two_hundred_labels_differ(seed):
    colours = [distinct_colour(n, seed=seed) for n in range(200)]
    assert len(set(colours)) == 200


def test_a_label_keeps_its_colour_whatever_stands_beside_it():
    alone, among = label_colours([17], seed=3), label_colours(range(50), [4, 9], seed=3)
    assert alone[17] == among[17]
    assert (among[4], among[9]) == OKABE_ITO[:2]
    assert 0 not in among

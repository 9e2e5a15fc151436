from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import label

from cellml.metrics.thinning import thinned_segments

sections = hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def flooded_step_by_step(inside):
    """Vincent and Soille's flooding with the two heights 0 (inside) and 1 (membrane), one dictionary entry a pixel."""
    height, width = inside.shape
    pixels = sorted(((x, y) for y in range(height) for x in range(width)), key=lambda p: (not inside[p[1], p[0]], p))
    labels, last = {}, 0

    def neighbours(x, y):
        return [p for p in ((x - 1, y), (x, y - 1), (x + 1, y), (x, y + 1)) if 0 <= p[0] < width and 0 <= p[1] < height]

    for level in (True, False):
        here = [p for p in pixels if inside[p[1], p[0]] == level]
        labels.update(dict.fromkeys(here, "mask"))
        queue = [p for p in here if any(isinstance(labels.get(n), int) for n in neighbours(*p))]
        labels.update(dict.fromkeys(queue, "queued"))
        flag = False
        for p in queue:  # it grows while it is read
            for n in neighbours(*p):
                if isinstance(labels.get(n), int) and labels[n] > 0:
                    if labels[p] == "queued" or (labels[p] == 0 and flag):
                        labels[p] = labels[n]
                    elif isinstance(labels[p], int) and labels[p] > 0 and labels[p] != labels[n]:
                        labels[p], flag = 0, False
                elif labels.get(n) == 0 and labels[p] == "queued":
                    labels[p], flag = 0, True
                elif labels.get(n) == "mask":
                    labels[n] = "queued"
                    queue.append(n)
        for p in here:
            if labels[p] == "mask":
                last += 1
                minimum = [p]
                labels[p] = last
                for q in minimum:
                    fresh = [n for n in neighbours(*q) if labels.get(n) == "mask"]
                    labels.update(dict.fromkeys(fresh, last))
                    minimum += fresh
    return np.array([[labels[x, y] for x in range(width)] for y in range(height)])


def same_partition(a, b):
    pairs = {(int(x), int(y)) for x, y in zip(a.ravel(), b.ravel(), strict=True)}
    return len({x for x, _ in pairs}) == len(pairs) == len({y for _, y in pairs}) and all((x == 0) == (y == 0) for x, y in pairs)


@given(sections)
def test_equals_the_published_flooding(inside):
    assert same_partition(thinned_segments(inside), flooded_step_by_step(inside))


@given(sections)
def test_components_keep_their_pixels_and_lines_part_them(inside):
    segments = thinned_segments(inside)
    components, count = label(inside)
    assert same_partition(segments[inside], components[inside])
    assert segments.max() == max(count, 1)
    for a, b in ((segments[1:], segments[:-1]), (segments[:, 1:], segments[:, :-1])):
        assert not ((a != b) & (a > 0) & (b > 0)).any()


def test_a_thick_membrane_becomes_a_line_in_its_middle():
    inside = np.ones((6, 11), bool)
    inside[:, 3:8] = False
    segments = thinned_segments(inside)
    assert (segments == 0).sum() == 6 and (segments[:, 5] == 0).all()


def test_membranes_that_end_blindly_vanish_and_no_inside_is_one_segment():
    inside = np.ones((8, 8), bool)
    inside[3, :5] = False
    assert (thinned_segments(inside) == 1).all()
    assert (thinned_segments(np.zeros((4, 4), bool)) == 1).all()

from __future__ import annotations

import numpy as np

from cellml.report.quality_figure import DIHEDRAL_GATE, MOST_GROUPS, SURFACE_GATE, QualitySample, outside, pooled, quality_figure


def _sample(tets=100, angle=60.0, edge=20.0):
    return QualitySample(tets, np.full(6 * tets, angle), np.full(tets, 0.8), np.full(30, angle), np.full(40, edge))


def test_gates_count_what_lies_outside():
    assert outside(np.array([9.9, 10.0, 90.0, 179.0]), DIHEDRAL_GATE) == 1
    assert outside(np.array([19.0, 20.0, 130.0, 131.0, 170.0]), SURFACE_GATE) == 3


def test_pooled_samples_hold_all_values():
    both = pooled([_sample(100), _sample(50, angle=30.0)])
    assert both.tets == 150
    assert (np.sort(both.dihedrals)[[0, -1]].tolist(), both.dihedrals.size) == ([30.0, 60.0], 900)


def test_the_figure_names_groups_and_marks_gates():
    figure = quality_figure({"truth": _sample(), "$prediction": _sample(angle=90.0, edge=35.0)})
    dihedral, surface, ratio, edge = figure.axes
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == ["truth: 100 tetrahedra", r"\$prediction: 100 tetrahedra"]
    assert [t.get_text() for t in dihedral.texts] == ["10°"]
    assert [t.get_text() for t in surface.texts] == ["20°", "130°"]
    assert ratio.get_xlim() == (0.0, 1.0)
    assert edge.get_xlim() == (0.0, 35.0)
    assert [axes.get_xlabel() for axes in (dihedral, surface, edge)] == ["angle (°)", "angle (°)", "length (nm)"]


def test_each_curve_has_an_area_of_one():
    sample = _sample()
    wide = np.random.default_rng(0).uniform(0, 180, 600)
    figure = quality_figure({"a": QualitySample(100, wide, sample.ratios, sample.surface_angles, sample.edges)})
    x, y = figure.axes[0].lines[0].get_data()
    np.testing.assert_allclose(np.sum(y) * (x[1] - x[0]), 1.0)


def test_no_more_groups_than_colours():
    figure = quality_figure({str(n): _sample() for n in range(9)})
    assert len(figure.legends[0].get_texts()) == MOST_GROUPS

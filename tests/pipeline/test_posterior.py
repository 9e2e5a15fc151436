from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.pipeline.answers import Answer, asked_model
from cellml.pipeline.posterior import few_shapes, posterior_of, read_spread
from cellml.pipeline.recipe import PosteriorStep, SolveStep
from cellml.pipeline.scaling import Scaling, scaling_of
from cellml.uncertainty.spread import SpreadCalibration

TIME, EXACT = Scaling(2, -1), {"shrinkage_spread": 0.0, "D_spread": 0.0}


def answers(values: np.ndarray) -> list[Answer]:
    """Rows of a grid (images, segmentations, meshings), NaN for a failure, with a reference answer of 1."""
    rows = [Answer("a", -1, -1, -1, "time", "s", 1.0, 0.0, 10, "ok")]
    for i, j, m in np.ndindex(values.shape):
        good = np.isfinite(values[i, j, m])
        rows.append(
            Answer(
                "a",
                i,
                j,
                m,
                "time",
                "s" if good else "",
                float(values[i, j, m]),
                0.0,
                10,
                "ok" if good else "failed",
                "" if good else "split",
            )
        )
    return rows


def grid(images: float, segmentations: float, shape: tuple[int, int, int] = (5, 5, 2), seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    logs = images * rng.standard_normal(shape[0])[:, None, None] + segmentations * rng.standard_normal(shape[1])[None, :, None]
    return np.asarray(np.exp(logs + np.zeros(shape)))


def test_the_known_factors_add_their_closed_form_and_the_parts_are_those_of_the_grid() -> None:
    values = grid(0.3, 0.1, (12, 12, 2))
    step = PosteriorStep(draws=20_000, shrinkage_spread=0.05, D_spread=0.2)
    found, draws = posterior_of(answers(values), TIME, step, SpreadCalibration())
    assert draws is not None and found.reference == 1.0 and found.answers == values.size and found.missing == 0
    parts = {i.name: i for i in found.indices}
    variance = 0.09 + 0.01 + 0.1**2 + 0.2**2
    assert parts["parameter"].first == parts["parameter"].total == pytest.approx(0.04 / variance, rel=0.4)
    assert parts["shrinkage"].first == pytest.approx(0.01 / variance, rel=0.4)
    assert parts["image"].first == pytest.approx(0.09 / variance, abs=0.25)
    assert parts["mesh"].first == pytest.approx(0, abs=1e-9) and parts["unseen"].first == 0
    assert np.log(draws).var() == pytest.approx(np.log(values).var() + 0.05, rel=0.05)


def test_without_spreads_the_interval_is_that_of_the_answers() -> None:
    values = grid(0.3, 0.1)
    found, _ = posterior_of(answers(values), TIME, PosteriorStep(draws=50_000, **EXACT), SpreadCalibration())
    low, high = np.quantile(values, (0.05, 0.95))
    assert (found.geometry_low, found.geometry_high) == pytest.approx((low, high))
    assert found.low == pytest.approx(low, rel=0.15) and found.high == pytest.approx(high, rel=0.15)


def test_a_shrunk_specimen_is_scaled_back_and_a_calibration_widens() -> None:
    values = grid(0.1, 0.1)
    plain, _ = posterior_of(answers(values), TIME, PosteriorStep(**EXACT), SpreadCalibration())
    swollen, _ = posterior_of(answers(values), TIME, PosteriorStep(shrinkage=1.1, **EXACT), SpreadCalibration())
    assert swollen.low == pytest.approx(1.21 * plain.low) and swollen.geometry_low == plain.geometry_low
    assert swollen.estimate == pytest.approx(1.21 * plain.estimate)
    wide, _ = posterior_of(answers(values), TIME, PosteriorStep(**EXACT), SpreadCalibration(floor=0.5, objects=20))
    assert wide.high / wide.low > 3 * plain.high / plain.low
    unseen = next(i for i in wide.indices if i.name == "unseen")
    assert unseen.first == unseen.total > 0.8


def test_what_a_calibration_adds_is_what_its_draws_spread_more() -> None:
    values = grid(0.2, 0.2, (8, 8, 2))
    ranks = SpreadCalibration(low=-3.0, high=5.0, objects=20)  # residuals far out: the interval is wider than that of a normal
    found, draws = posterior_of(answers(values), TIME, PosteriorStep(draws=50_000, **EXACT), ranks)
    unseen = next(i for i in found.indices if i.name == "unseen")
    spread = found.spread
    assert draws is not None and spread is not None
    assert unseen.first == pytest.approx(1 - spread**2 / np.log(draws).var(), abs=0.08)


def test_with_one_meshing_nothing_is_said_of_the_mesh_and_the_figure_leaves_it_out() -> None:
    from cellml.pipeline.posterior_figure import posterior_figure

    found, draws = posterior_of(answers(grid(0.3, 0.1, (5, 5, 1))), TIME, PosteriorStep(), SpreadCalibration())
    parts = {i.name: i for i in found.indices}
    assert np.isnan([parts["mesh"].first, parts["mesh"].total, parts["mesh"].first_low]).all() and parts["image"].first > 0
    assert draws is not None
    labels = [text.get_text() for text in posterior_figure([found], {"a time": draws}).axes[-1].get_yticklabels()]
    assert "mesh" not in labels and "segmentation" in labels and len(labels) == 5


def test_an_interval_of_few_shapes_says_so_and_a_calibrated_one_needs_not() -> None:
    found, _ = posterior_of(answers(np.array([0.042, 0.0605]).reshape(1, 2, 1)), TIME, PosteriorStep(), SpreadCalibration())
    assert found.note.startswith("from 2 shapes") and "samples.images=4 samples.segmentations=5" in found.note
    twice, _ = posterior_of(answers(grid(0.3, 0.1, (3, 6, 2))), TIME, PosteriorStep(), SpreadCalibration())
    assert twice.answers == 36 and twice.note.startswith("from 18 shapes")  # meshings of one shape are no further shapes
    assert posterior_of(answers(grid(0.3, 0.1, (4, 5, 1))), TIME, PosteriorStep(), SpreadCalibration())[0].note == ""
    assert posterior_of(answers(grid(0.3, 0.1, (3, 4, 1))), TIME, PosteriorStep(), SpreadCalibration(objects=9))[0].note == ""


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_as_many_shapes_as_are_asked_for_can_hold_the_level(level: float) -> None:
    enough = next(n for n in range(1, 100) if not few_shapes(n, level))
    assert (enough - 1) / (enough + 1) >= level - 1e-9 > (enough - 2) / enough - 2e-9


def test_an_index_of_a_single_pair_has_no_interval() -> None:
    """Two segmentations of one image: one difference, which no weights of the draws change."""
    found, _ = posterior_of(answers(np.array([0.042, 0.0605]).reshape(1, 2, 1)), TIME, PosteriorStep(), SpreadCalibration())
    parts = {i.name: i for i in found.indices}
    for name in ("segmentation", "parameter", "shrinkage"):
        assert parts[name].total > 0 and np.isnan([parts[name].total_low, parts[name].total_high]).all()
    four, _ = posterior_of(answers(grid(0.3, 0.1, (2, 2, 1))), TIME, PosteriorStep(), SpreadCalibration())
    parts = {i.name: i for i in four.indices}
    assert parts["image"].total_high > parts["image"].total_low and np.isnan(parts["parameter"].first_low)  # one pair differs in both
    more, _ = posterior_of(answers(grid(0.3, 0.1, (2, 3, 1))), TIME, PosteriorStep(), SpreadCalibration())
    assert all(np.isnan(i.total_low) == (i.name == "mesh") for i in more.indices)


def test_the_figure_shows_a_part_that_has_a_total_only_and_names_what_is_not_known() -> None:
    from cellml.pipeline.posterior_figure import posterior_figure

    found, draws = posterior_of(answers(np.array([0.042, 0.0605]).reshape(1, 2, 1)), TIME, PosteriorStep(), SpreadCalibration())
    assert draws is not None
    axis = posterior_figure([found], {"a time": draws}).axes[-1]
    labels = [text.get_text() for text in axis.get_yticklabels()]
    assert labels[0] == "segmentation" and "mesh" not in labels
    widths = [bar.get_width() for bar in axis.patches]
    assert found.indices[1].total in widths and np.isnan(widths[0])
    assert "\nnot known: image, mesh\nfirst-order not known: segmentation" in axis.get_xlabel()


def test_missing_answers_are_counted_and_too_few_make_no_posterior() -> None:
    values = grid(0.3, 0.1)
    values[:2] = np.nan
    found, _ = posterior_of(answers(values), TIME, PosteriorStep(), SpreadCalibration())
    assert found.missing == pytest.approx(0.4) and found.status == "ok"
    none, draws = posterior_of(answers(np.full((2, 2, 1), np.nan)), TIME, PosteriorStep(), SpreadCalibration())
    assert draws is None and none.estimate is None and "split" in none.status


def test_powers_of_length_and_diffusion_are_those_of_the_kind() -> None:
    model = asked_model(SolveStep(observables=["first_passage_time", "conductance", "volume", "membrane_area", "shape_factor"]))
    powers = {request.name: scaling_of(model, request.name) for request in model.observables}
    assert powers["first_passage_time"] == TIME and powers["conductance"] == Scaling(1, 1) and powers["volume"] == Scaling(3, 0)
    assert powers["membrane_area"] == Scaling(2, 0) and powers["shape_factor"] == Scaling(1, 0) and model.time is None
    courses = asked_model(SolveStep("narrow_escape", ["survivors"]))
    assert courses.time is not None
    with pytest.raises(CellmlError, match="not known in closed form"):
        scaling_of(courses, "survivors")


def test_calibrations_are_read_by_observable_and_others_refused(tmp_path: Path) -> None:
    path = tmp_path / "spread.json"
    path.write_text(json.dumps({"observables": {"time": SpreadCalibration(floor=0.3, objects=9).as_dict()}}))
    assert read_spread(str(path), "time").floor == 0.3 and read_spread(None, "time") == SpreadCalibration()
    with pytest.raises(FileError, match="not of volume"):
        read_spread(str(path), "volume")
    with pytest.raises(FileError, match=r"level 0.9; ask for posterior.level=0.9"):
        read_spread(str(path), "time", level=0.95)
    path.write_text(json.dumps({"observables": {"time": {"widen": 0.1, "level": 1.0}}}))
    with pytest.raises(CellmlError, match="has the level 1.0"):
        read_spread(str(path), "time")
    path.write_text("[]")
    with pytest.raises(FileError, match="no calibration"):
        read_spread(str(path), "time")

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yaml

from cellml.config import conf_dir
from cellml.data.slabs import slabs
from cellml.plan.commented import commented_yaml
from cellml.plan.facts import ImageFacts, LabelFacts, label_facts
from cellml.plan.targets import affinity_offsets, choose_task, class_weights

SPACING = (10.0, 10.0, 10.0)


class Source:
    """An opened label volume."""

    channels: tuple[str, ...] = ()

    def __init__(self, data: np.ndarray, kind: str | None = None, names: dict[int, str] | None = None) -> None:
        self.data, self.kind, self.names = data, kind, names or {}
        self.shape, self.dtype, self.spacing, self.name = data.shape, data.dtype, SPACING, "labels"

    def read(self, region: Any) -> np.ndarray:
        return self.data[region]


def facts(data: np.ndarray, **more: Any) -> LabelFacts:
    return label_facts(Source(data, **more), "a.npz:mito", SPACING)


def image(spacing: Any = SPACING) -> ImageFacts:
    return ImageFacts("a.npz", (24, 40, 40), spacing, 1, "uint8", 0, 1.0)


def objects() -> np.ndarray:
    """Many boxes side by side."""
    z, y, x = np.indices((24, 40, 40))
    return (1 + z // 8 * 25 + y // 8 * 5 + x // 8).astype(np.uint16)


def two_balls() -> np.ndarray:
    labels = np.zeros((24, 40, 40), np.uint8)
    labels[4:14, 5:15, 5:15] = labels[4:14, 25:35, 25:35] = 1
    return labels


def test_the_offsets_of_cubes_are_the_shipped_ones_and_follow_the_spacing() -> None:
    shipped = yaml.safe_load((conf_dir() / "task/affinities.yaml").read_text())["target"]["offsets"]
    assert affinity_offsets(SPACING) == shipped
    serial = affinity_offsets((45.0, 4.6, 4.6))
    assert serial == [[-1, 0, 0], [0, -1, 0], [0, 0, -1], [0, -3, 0], [0, 0, -3], [0, -9, 0], [0, 0, -9]]
    assert [-2, 0, 0] in affinity_offsets((40.0, 10.0, 10.0))


def test_rare_classes_weigh_more_within_limits() -> None:
    assert class_weights({0: 100, 1: 100}) == [1.0, 1.0]
    heavy = class_weights({0: 10_000, 1: 100, 2: 1})
    assert heavy[1] == 1.0 and heavy[0] == 0.3 and heavy[2] == 5


def test_objects_become_affinities_with_a_decoder_for_their_kind() -> None:
    found = facts(objects())
    plan = choose_task(image(), found)
    assert (found.kind, plan.group, plan.outputs) == ("instance", "affinities", 9) and "They touch" in plan.why
    tree = yaml.safe_load(commented_yaml(plan.tree))
    assert tree["decoder"]["fragments"]["background_below"] == 0 and not tree["decoder"]["fragments"]["per_slice"]
    assert found.diameters_nm[1] == pytest.approx((6 / np.pi * 512e3) ** (1 / 3))
    few = np.zeros((24, 40, 40), np.uint16)
    for k in range(20):
        few[4:9, 5 + 6 * (k // 5) : 9 + 6 * (k // 5), 5 + 6 * (k % 5) : 9 + 6 * (k % 5)] = k + 1
    tree = yaml.safe_load(commented_yaml(choose_task(image((60.0, 10.0, 10.0)), facts(few)).tree))
    assert tree["decoder"]["fragments"]["background_below"] == 0.3 and tree["decoder"]["fragments"]["per_slice"]


def test_one_label_in_pieces_is_a_class_named_as_its_array() -> None:
    plan = choose_task(image(), facts(two_balls()))
    tree = yaml.safe_load(commented_yaml(plan.tree))
    assert plan.group == "semantic" and tree["target"]["classes"] == ["background", "mito"] and plan.monitor == ("val/iou", "max")
    assert tree["loss"]["class_weights"][1] > tree["loss"]["class_weights"][0] and tree["decoder_grid"]["threshold"][0] == 0.2


def test_classes_with_gaps_are_translated_and_named_by_the_file() -> None:
    labels = two_balls()
    labels[16:22, 5:15, 5:15] = labels[16:22, 25:35, 5:15] = 7
    plan = choose_task(image(), facts(labels, kind="semantic", names={1: "mito", 7: "vesicle"}))
    assert plan.values == {0: 0, 1: 1, 7: 2} and plan.outputs == 3
    assert yaml.safe_load(commented_yaml(plan.tree))["target"]["classes"] == ["background", "mito", "vesicle"]


@pytest.mark.parametrize("thick", [2, 6])  # pixels; those of ISBI 2012 have about six
def test_a_thin_network_is_membranes(thick: int) -> None:
    grid = np.zeros((24, 120, 120), np.uint8)
    for offset in range(thick):
        grid[:, offset :: 8 * thick // 2] = grid[:, :, offset :: 8 * thick // 2] = 1
    plan = choose_task(image(), facts(grid))
    assert plan.group == "membrane" and plan.outputs == 2 and "membranes, with cells between them" in plan.why


def test_images_are_regressed() -> None:
    found = facts(np.random.default_rng(0).normal(size=(24, 40, 40)).astype(np.float32))
    assert found.kind == "image" and choose_task(image(), found).group == "regression"


def test_projections_count_each_class_at_each_position() -> None:
    labels = two_balls()
    found = facts(labels)
    for axis in range(3):
        for k in range(2):
            np.testing.assert_array_equal(found.projections[axis][k], (np.moveaxis(labels, axis, 0) == k).sum(axis=(1, 2)))
    assert sum(len(block) for _, block in slabs(Source(labels))) == 1

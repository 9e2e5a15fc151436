from __future__ import annotations

import numpy as np
import pytest
import torch

from cellml.data.augment import SeededTransforms
from cellml.data.deformation import RandomDeformation, linear, nearest
from cellml.errors import CellmlError

STILL = {"prob": 1.0, "degrees": 0.0, "scale": 0.0, "bend": 0.0}


def sample(rows: int = 20, columns: int = 24) -> dict[str, torch.Tensor]:
    labels = torch.arange(3 * rows * columns).reshape(3, rows, columns) + 2**40
    return {"image": torch.rand(1, 3, rows, columns, generator=torch.Generator().manual_seed(0)), "labels": labels}


def test_no_deformation_changes_nothing() -> None:
    given = sample()
    done = SeededTransforms([RandomDeformation(**STILL)])(given, 0)
    torch.testing.assert_close(done["image"], given["image"])
    assert torch.equal(done["labels"], given["labels"])


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    given, rule = sample(16, 16), RandomDeformation(**STILL)
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    source = torch.stack([x, 15 - y])
    torch.testing.assert_close(linear(given["image"], source), given["image"].rot90(1, (2, 3)))
    assert torch.equal(nearest(given["labels"], source), given["labels"].rot90(1, (1, 2)))
    rule.degrees = 90.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "rand", lambda *_: torch.tensor(1.0))
        turned = rule._source(16, 16)
    torch.testing.assert_close(turned, torch.stack([15 - x, y]), atol=1e-4, rtol=0)


def test_image_and_labels_move_together_and_all_sections_alike() -> None:
    y, x = torch.meshgrid(torch.arange(40), torch.arange(40), indexing="ij")
    labels = torch.stack([100 * y + x] * 3)
    transform = SeededTransforms([RandomDeformation(prob=1.0, degrees=180, scale=0.3, bend=2.0, control=16)])
    for axis, wanted in ((0, y), (1, x)):
        done = transform({"image": torch.stack([wanted.float()] * 3)[None], "labels": labels}, 5)
        place = (done["labels"] // 100, done["labels"] % 100)[axis]
        assert (done["image"][0] - place).abs().max() <= 0.75, "linear and nearest differ by half a pixel, but for the mirrored border"
        assert torch.equal(done["labels"][0], done["labels"][2])


def test_new_numbers_never_appear_and_the_share_applied_is_as_asked() -> None:
    given = sample()
    transform = SeededTransforms([RandomDeformation(prob=0.5)])
    done = [transform(given, seed)["labels"] for seed in range(60)]
    assert all(np.isin(d.numpy(), given["labels"].numpy()).all() for d in done)
    assert 15 < sum(not torch.equal(d, given["labels"]) for d in done) < 45
    assert torch.equal(transform(given, 7)["labels"], done[7])


@pytest.mark.parametrize("wrong", [{"prob": 1.5}, {"bend": -1}, {"control": 1}])
def test_settings_that_mean_nothing_are_refused(wrong: dict) -> None:
    with pytest.raises(CellmlError, match="needs prob in"):
        RandomDeformation(**wrong)

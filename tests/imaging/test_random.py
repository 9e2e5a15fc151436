"""The random transforms: what they draw, the sample they return, and their place beside MONAI and torchio."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from cellml.data.augment import SeededTransforms
from cellml.errors import CellmlError
from cellml.imaging.artefacts.anisotropy import RandomAnisotropy
from cellml.imaging.artefacts.curtaining import RandomCurtaining
from cellml.imaging.artefacts.defocus import RandomAstigmatism, RandomDefocus
from cellml.imaging.artefacts.illumination import RandomIllumination
from cellml.imaging.artefacts.missing_sections import RandomMissingSections
from cellml.imaging.artefacts.noise import RandomNoise
from cellml.imaging.artefacts.random import log_uniform
from cellml.imaging.artefacts.section_contrast import RandomSectionContrast
from cellml.imaging.artefacts.shifted_sections import RandomShiftedSections
from cellml.imaging.artefacts.staining import RandomStaining

ALL = [
    RandomNoise,
    RandomIllumination,
    RandomSectionContrast,
    RandomMissingSections,
    RandomShiftedSections,
    RandomCurtaining,
    RandomDefocus,
    RandomAstigmatism,
    RandomStaining,
    RandomAnisotropy,
]


def sample(channels: int = 1) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.standard_normal((channels, 12, 20, 20)).astype(np.float32))
    return {"image": image, "labels": torch.from_numpy(rng.integers(1, 9, (12, 20, 20)))}


@pytest.mark.parametrize("kind", ALL)
def test_seeds_decide_and_parameters_are_kept(kind: Any) -> None:
    given, transform = sample(2), kind(prob=1.0)
    before = {key: value.clone() for key, value in given.items()}
    results = []
    for seed in (1, 1, 2):
        done = transform.set_random_state(seed)(given)
        results.append((done["image"], transform.parameters))
        assert done["image"].shape == given["image"].shape and done["image"].dtype == torch.float32 and done["labels"].dtype == torch.int64
    assert torch.equal(results[0][0], results[1][0]) and results[0][1] == results[1][1] and results[0][1] != results[2][1]
    assert all(torch.equal(given[key], before[key]) for key in given)
    again = transform.apply(given["image"].numpy(), results[0][1])
    assert np.array_equal(again, results[0][0].numpy())


@pytest.mark.parametrize("kind", ALL)
def test_the_share_of_changed_samples_is_prob(kind: Any) -> None:
    transform = kind(prob=0.4)
    small = {"image": torch.zeros(1, 8, 8, 8), "labels": torch.zeros(8, 8, 8, dtype=torch.int64)}
    changed = 0
    for seed in range(200):
        transform.set_random_state(seed)(small)
        changed += transform.parameters is not None
    assert 50 < changed < 110
    assert kind(prob=0.0).set_random_state(0)(small) is small


def test_they_stand_beside_monai_and_torchio_and_labels_move_with_the_image() -> None:
    from monai.transforms import RandFlipd
    from torchio import RandomFlip

    labels = torch.arange(12 * 20 * 20).reshape(12, 20, 20)
    given = {"image": labels[None].float(), "labels": labels}
    moving = [RandomShiftedSections((20.0, 40.0), prob=1.0), RandFlipd(keys=["image", "labels"], prob=0.5, spatial_axis=1)]
    for seed in range(4):
        done = SeededTransforms([*moving, RandomFlip(axes=(0,))])(given, seed)
        assert torch.equal(done["image"][0].long(), done["labels"]) and not torch.equal(done["labels"], labels)
        assert torch.equal(done["labels"], SeededTransforms([*moving, RandomFlip(axes=(0,))])(given, seed)["labels"])


def test_lost_sections_are_ignored_where_asked() -> None:
    transform = RandomMissingSections(0.5, ignore=255, prob=1.0)
    done = transform.set_random_state(3)(sample())
    lost = list(transform.parameters.sections)
    assert lost and (done["labels"][lost] == 255).all() and (done["labels"] == 255).sum() == len(lost) * 400
    assert (done["image"][0, lost] == 0).all()
    kept = RandomMissingSections(0.5, prob=1.0).set_random_state(3)(sample())
    assert torch.equal(kept["labels"], sample()["labels"])


def test_draws_stay_in_their_ranges() -> None:
    rng = np.random.default_rng(0)
    noise = [RandomNoise((20.0, 200.0), (1.0, 3.0)).draw(rng, (4, 4, 4)) for _ in range(500)]
    assert all(20 <= n.electrons <= 200 and 1 <= n.read_noise <= 3 for n in noise)
    assert np.median([n.electrons for n in noise]) == pytest.approx(np.sqrt(20 * 200), rel=0.15)
    probes = [RandomAstigmatism((10.0, 20.0), 300.0).draw(rng, (4, 4, 4)) for _ in range(50)]
    assert all(10 <= p.astigmatism_nm <= 20 and p.defocus_nm == 300 and 0 <= p.angle_deg < 180 for p in probes)
    assert all(0.5 <= log_uniform(rng, (0.5, 2.0)) <= 2.0 for _ in range(50))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomNoise(prob=1.5), "prob is 1.5"),
        (lambda: RandomNoise((200.0, 20.0)), "least, most"),
        (lambda: RandomNoise((0.0, 20.0)), "electrons is"),
        (lambda: RandomStaining(share=2.0), "share is 2.0"),
        (lambda: RandomCurtaining(spacing=(0, 1, 1)), "positive"),
    ],
)
def test_ranges_that_mean_nothing_are_refused(make: Any, message: str) -> None:
    with pytest.raises(CellmlError, match=message):
        make()


def test_the_recipe_with_every_error_as_augmentation_builds_and_applies() -> None:
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.utils import instantiate

    from cellml.config import conf_dir

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(conf_dir().resolve()), version_base="1.3"):
        config = compose("train", ["experiment=segmentation/fib25_errors"])
    transforms = instantiate(config.data.transforms, _convert_="all")
    ours = [t for t in transforms if type(t).__module__.startswith("cellml.imaging")]
    assert {type(t) for t in ours} >= set(ALL) - {RandomDefocus}
    one, two = (SeededTransforms(transforms)(sample(), 3) for _ in range(2))
    assert torch.equal(one["image"], two["image"]) and torch.equal(one["labels"], two["labels"]) and torch.isfinite(one["image"]).all()

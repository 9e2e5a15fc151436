from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.tasks.organelle_target import OrganelleTarget
from cellml.tasks.targets import BoundaryTarget

FILES = sorted((Path(__file__).parents[2] / "conf" / "decode").glob("*.yaml"))


def what_it_reads(stem, synthetic):
    """True objects, maps and offsets: affinities, or the membranes of a section, or the three maps of organelles."""
    if stem.startswith("section_"):
        truth = synthetic.cells((1, 96, 96))
        target, _ = BoundaryTarget()(torch.from_numpy(truth.astype(int))[None])
        return truth, *BoundaryTarget().pairs(0.1 + 0.8 * target[0].numpy())
    truth = synthetic.cells()
    if stem.startswith("organelle_"):
        return truth, *organelles(truth)
    return truth, synthetic.blurred_affinities(truth), synthetic.LONG


def organelles(truth):
    target = OrganelleTarget(distance_scale=4.0, components=False)
    return target.pairs(target(torch.from_numpy(truth.astype(int))[None])[0][0].numpy())


LEAKS = {"components": {"threshold": 0.9}}  # one wrong pair joins two objects, so that noise asks for more than the default


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_each_file_builds_a_decoder_that_works_and_names_every_parameter(synthetic, file):
    config = OmegaConf.load(file)
    decoder = instantiate(config, _convert_="all")
    assert set(config) - {"_target_"} == {field.name for field in fields(decoder)}
    assert decoder == type(decoder)()  # what stands in the file is the default
    truth, maps, offsets = what_it_reads(file.stem, synthetic)
    labels = replace(decoder, **LEAKS.get(file.stem, {}))(maps, offsets)
    assert partition_scores(ContingencyTable.from_labels(truth, labels)).adapted_rand_error < 0.35
    assert f"decode={file.stem}" in file.read_text().splitlines()[0]


def test_there_are_files():
    assert len(FILES) >= 4

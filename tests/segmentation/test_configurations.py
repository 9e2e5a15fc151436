from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores

FILES = sorted((Path(__file__).parents[2] / "conf" / "decode").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_each_file_builds_a_decoder_that_works_and_names_every_parameter(synthetic, file):
    config = OmegaConf.load(file)
    decoder = instantiate(config, _convert_="all")
    assert set(config) - {"_target_"} == {field.name for field in fields(decoder)}
    assert decoder == type(decoder)()  # what stands in the file is the default
    truth = synthetic.cells((1, 96, 96)) if file.stem.startswith("section_") else synthetic.cells()
    labels = decoder(synthetic.blurred_affinities(truth), synthetic.LONG)
    assert partition_scores(ContingencyTable.from_labels(truth, labels)).adapted_rand_error < 0.35
    assert f"decode={file.stem}" in file.read_text().splitlines()[0]


def test_there_are_files():
    assert len(FILES) >= 4

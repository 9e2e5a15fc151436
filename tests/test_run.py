from __future__ import annotations


def test_training_leaves_one_file_that_predicts_and_checkpoints_beside_it(tiny_run) -> None:
    assert tiny_run.model.is_file() and tiny_run.last.is_file() and tiny_run.best.is_file()
    assert (tiny_run.folder / "decoder.csv").read_text().count("\n") == 3
def test_sem(semantic_run) -> None:
    assert semantic_run.model.is_file()

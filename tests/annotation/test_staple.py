from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from cellml.annotation.decisions import UNKNOWN, Decisions
from cellml.annotation.staple import MajorityVote, Staple
from cellml.errors import CellmlError


def counted(labels, classes=(0, 1), ignore=None):
    return Decisions.none(classes, len(labels)).update(labels, ignore)


def mapped(consensus, labels, ignore=None):
    """Chosen class index of each voxel."""
    decisions = consensus.decisions
    return consensus.chosen[np.searchsorted(decisions.codes, decisions.encoded(labels, ignore))]


def voxel_by_voxel(labels, iterations):
    """STAPLE as in the paper, for two classes, without counting combinations: the slow twin."""
    d = np.stack([np.ravel(own) for own in labels]).astype(float)
    weights, prior = d.mean(axis=0), d.mean()
    for _ in range(iterations):
        p = (d * weights).sum(axis=1) / weights.sum()
        q = ((1 - d) * (1 - weights)).sum(axis=1) / (1 - weights).sum()
        foreground = prior * np.prod(np.where(d == 1, p[:, None], 1 - p[:, None]), axis=0)
        background = (1 - prior) * np.prod(np.where(d == 0, q[:, None], 1 - q[:, None]), axis=0)
        weights = foreground / (foreground + background)
    return weights, p, q


@pytest.fixture
def three(people):
    truth = people.truth()
    reliability = [(0.95, 0.98), (0.8, 0.9), (0.6, 0.95)]
    return truth, reliability, [people.annotator(truth, people.binary(*r), seed) for seed, r in enumerate(reliability)]


def test_staple_finds_how_reliable_each_annotator_is(three):
    truth, reliability, labels = three
    found = Staple()(counted(labels))
    np.testing.assert_allclose(found.sensitivity[:, 1], [s for s, _ in reliability], atol=0.05)
    np.testing.assert_allclose(found.specificity[:, 1], [s for _, s in reliability], atol=0.05)
    np.testing.assert_allclose(found.sensitivity[:, 0], found.specificity[:, 1])  # two classes: the same thing
    assert (mapped(found, labels) == truth).mean() > 0.94


def test_staple_trusts_one_careful_annotator_more_than_a_careless_majority(people):
    truth = people.truth((8, 40, 44))
    labels = [people.annotator(truth, people.binary(*r), n) for n, r in enumerate([(0.97, 0.98), *[(0.7, 0.75)] * 3])]
    voted, weighed = (mapped(method(counted(labels)), labels) for method in (MajorityVote(), Staple()))
    assert (weighed == truth).mean() > 0.95 > (voted == truth).mean() + 0.1


def test_staple_agrees_with_the_paper_voxel_by_voxel(three):
    _, _, labels = three
    found = Staple(tolerance=1e-10)(counted(labels))
    weights, p, q = voxel_by_voxel(labels, found.iterations + 1)
    np.testing.assert_allclose(found.sensitivity[:, 1], p, atol=1e-6)
    np.testing.assert_allclose(found.specificity[:, 1], q, atol=1e-6)
    codes = found.decisions.encoded(labels).ravel()
    np.testing.assert_allclose(found.weights[np.searchsorted(found.decisions.codes, codes), 1], weights, atol=1e-6)


def test_staple_agrees_with_itk(three):
    _, _, labels = three
    images = [SimpleITK.GetImageFromArray(own) for own in labels]
    itk = SimpleITK.STAPLEImageFilter()
    probability = SimpleITK.GetArrayFromImage(itk.Execute(images))
    found = Staple()(counted(labels))
    np.testing.assert_allclose(found.sensitivity[:, 1], itk.GetSensitivity(), atol=2e-4)
    np.testing.assert_allclose(found.specificity[:, 1], itk.GetSpecificity(), atol=2e-4)
    np.testing.assert_array_equal(mapped(found, labels) == 1, probability > 0.5)


def test_several_classes_agree_with_itk(people):
    truth = people.truth(classes=4)
    rng = np.random.default_rng(5)
    confusions = [0.8 * np.eye(4) + 0.2 * rng.dirichlet(np.ones(4), 4) for _ in range(4)]
    labels = [people.annotator(truth, confusion, seed) for seed, confusion in enumerate(confusions)]
    itk = SimpleITK.MultiLabelSTAPLEImageFilter()
    itk.SetTerminationUpdateThreshold(1e-8)
    theirs = SimpleITK.GetArrayFromImage(itk.Execute([SimpleITK.GetImageFromArray(own) for own in labels]))
    found = Staple()(counted(labels, range(4)))
    ours = mapped(found, labels)
    assert (ours == theirs).mean() > 0.999 and (ours == truth).mean() > 0.95
    # ITK's rows are what was said, its columns the class, with one row more for undecided voxels.
    matrix = np.reshape(itk.GetConfusionMatrix(0), (-1, 4))[:4]
    np.testing.assert_allclose(found.confusion[0], matrix.T, atol=0.02)
    np.testing.assert_allclose(found.confusion, confusions, atol=0.06)


def test_annotators_who_agree_are_perfect(people):
    truth = people.truth(classes=3)
    for method in (Staple(), MajorityVote()):
        found = method(counted([truth, truth, truth], range(3)))
        np.testing.assert_allclose(found.sensitivity, 1, atol=1e-9)
        np.testing.assert_array_equal(mapped(found, [truth, truth, truth]), truth)


def test_ties_of_a_vote_are_left_open():
    labels = [np.array([[[0, 0, 1, 1]]]), np.array([[[0, 1, 0, 1]]])]
    assert mapped(MajorityVote()(counted(labels)), labels).ravel().tolist() == [0, UNKNOWN, UNKNOWN, 1]


def test_what_an_annotator_left_out_counts_neither_for_nor_against(three):
    _, reliability, labels = three
    partial = [labels[0].copy(), labels[1], labels[2]]
    partial[0][:2] = 255
    found = Staple()(counted(partial, ignore=255))
    np.testing.assert_allclose(found.sensitivity[:, 1], [s for s, _ in reliability], atol=0.06)
    nobody = [np.full((1, 2, 2), 255), np.full((1, 2, 2), 255)]
    both = [np.concatenate([a[:1, :2, :2], b]) for a, b in zip(labels[:2], nobody, strict=True)]
    chosen = mapped(MajorityVote()(counted(both, ignore=255)), both, 255)
    assert (chosen[1] == UNKNOWN).all()


def test_a_class_that_nobody_used_has_no_sensitivity(people):
    labels = [people.truth(seed=1), people.truth(seed=1)]
    found = Staple()(counted(labels, (0, 1, 7)))
    assert np.isnan(found.sensitivity[:, 2]).all() and np.isfinite(found.sensitivity[:, :2]).all()
    np.testing.assert_allclose(found.specificity[:, 2], 1)


def test_counts_of_blocks_add_up(three):
    _, _, labels = three
    whole = counted(labels)
    parts = Decisions.none((0, 1), 3)
    for z in range(4):
        parts = parts.update([own[z : z + 1] for own in labels])
    np.testing.assert_array_equal(parts.codes, whole.codes)
    np.testing.assert_array_equal(parts.counts, whole.counts)
    assert whole.counts.sum() == labels[0].size
    pair = whole.of([2, 0])
    again = counted([labels[2], labels[0]])
    np.testing.assert_array_equal(pair.codes, again.codes)
    np.testing.assert_array_equal(pair.counts, again.counts)


def test_bad_decisions_are_refused(three):
    _, _, labels = three
    with pytest.raises(CellmlError, match=r"Annotator 2 used the label 9, but the classes are \[0, 1\]"):
        counted([labels[0], labels[1] * 9])
    with pytest.raises(CellmlError, match="40 annotators with 2 classes"):
        Decisions.none((0, 1), 40)
    with pytest.raises(CellmlError, match=r"did not settle within 2 iterations"):
        Staple(iterations=2)(counted(labels))

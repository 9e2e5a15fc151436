"""The conditional image model's data and its answer on the nodes of a mesh, in the simulator too."""

from pathlib import Path

import numpy as np
import pytest
import torch

from cellml.data.structure_module import StructureDataModule
from cellml.errors import CellmlError
from cellml.shapes.organelles.around import host_around
from cellml.shapes.organelles.channels import CHANNELS, channels_of
from cellml.shapes.organelles.structure import nodal_density, structure_density
from cellml.types import Labels, TetMesh, Volume
from tests.shapes.organelles.test_harmonic import ball_host


def cube_mesh(side: float) -> TetMesh:
    """The cube [0, side]³ as six tetrahedra about its diagonal."""
    corners = side * np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float)
    tets = np.array([[0, 4, 6, 7], [0, 6, 2, 7], [0, 2, 3, 7], [0, 3, 1, 7], [0, 1, 5, 7], [0, 5, 4, 7]])
    volumes = np.linalg.det(corners[tets[:, 1:]] - corners[tets[:, :1]])
    tets[volumes < 0] = tets[volumes < 0][:, [0, 2, 1, 3]]
    return TetMesh(corners, tets, np.ones(6, np.int32), {1: "cytosol"})


def test_a_linear_density_is_itself_on_the_nodes_and_starts_a_simulation():
    from cellml.sim.model_file import parse_model
    from cellml.sim.simulator import Simulator

    mesh = cube_mesh(1000.0)
    _, _, x = np.indices((11, 11, 11))
    density = Volume(0.1 + 0.05 * x, (100.0,) * 3)
    at_nodes = nodal_density(density, mesh)
    np.testing.assert_allclose(at_nodes, 0.1 + 0.05 * mesh.points[:, 0] / 100)
    text = (
        "name: d\nspecies:\n  A:\n    in: cytosol\n    D: {value: 1, unit: um^2/s, source: test}\n    initial: {value: 0, unit: uM}\n"
        "time: {end: {value: 1, unit: s}, steps: 10}\nobservables:\n  - {type: amount, of: A, name: total}\n"
    )
    simulator = Simulator(mesh, parse_model(text, Path("d.yaml")))
    start = torch.from_numpy(100 * at_nodes[simulator.nodes["A"]])
    answer = simulator(initial={"A": start})
    # One µm³ with a mean of 100 · (0.1 + 0.25) molecules; diffusion keeps their number and evens them out.
    total = next(iter(answer.courses.values()))
    np.testing.assert_allclose(total.detach().numpy(), 35.0, rtol=1e-6)
    assert answer.final["A"].std() < 0.05 * start.std()


def test_nodes_on_the_membrane_take_the_value_inside():
    data = np.zeros((6, 6, 6))
    data[1:5, 1:5, 1:5] = 0.4
    density = Volume(data, (10.0,) * 3)
    np.testing.assert_allclose(nodal_density(density, cube_mesh(50.0)), 0.4)
    with pytest.raises(CellmlError, match="do not overlap"):
        nodal_density(Volume(data, (10.0,) * 3, origin=(1e5, 0.0, 0.0)), cube_mesh(50.0))


def test_the_answer_is_zero_outside_the_host_and_in_its_nucleus():
    class Task:
        class net:
            in_channels = len(CHANNELS)

        def predict_volume(self, image):
            return np.stack([1 - 0.5 * image[2], 0.5 * image[2]])

    host = ball_host(n=24, cell=10, nucleus=4)
    density = structure_density(Task(), host)
    assert (density.data[~host.inside] == 0).all() and (density.data[host.inner] == 0).all()
    assert 0 < density.data.max() <= 0.5
    Task.net.in_channels = 1
    with pytest.raises(CellmlError, match="reads 1 channels"):
        structure_density(Task(), host)


def test_channels_are_finite_and_ordered():
    channels = channels_of(ball_host(n=24, cell=10, nucleus=4))
    assert channels.shape[0] == len(CHANNELS) and np.isfinite(channels).all()
    assert (channels[2][channels[1] > 0] == 0).all() and (channels[2][channels[0] == 0] == 1).all()


def blocks(folder: Path) -> list[dict]:
    rng = np.random.default_rng(0)
    made = []
    for number in range(2):
        inner = np.zeros((24, 24, 24), np.uint8)
        inner[4 + number : 9, 5:10, 5:10] = 1
        structure = (rng.random(inner.shape) < 0.2) & (inner == 0)
        np.savez(folder / f"block{number}.npz", fv=structure.astype(np.uint16), mito=inner)
        made.append({"structure": f"{folder}/block{number}.npz:fv", "inner": [f"{folder}/block{number}.npz:mito"]})
    return made


def test_blocks_become_patches_that_are_functions_of_their_number(tmp_path: Path):
    train, val = blocks(tmp_path)
    data = StructureDataModule([train], [val], (8, 8, 8), (40.0, 40.0, 40.0), 200.0, 2, 2, 4, seed=3)
    data.setup()
    patches = data.patches()
    assert patches[1]["image"].shape == (5, 8, 8, 8) and patches[1]["labels"].shape == (8, 8, 8)
    assert torch.equal(patches[3]["image"], patches[3]["image"]) and not torch.equal(patches[0]["labels"], patches[1]["labels"])
    whole = next(iter(data.val_dataloader()))
    assert whole["labels"].shape == (12, 12, 12) and set(whole["labels"].unique().tolist()) == {-1, 0, 1}
    assert (whole["labels"][whole["image"][1] > 0] == -1).all()
    assert data.contract["channels"] == 5
    with pytest.raises(CellmlError, match="different blocks"):
        StructureDataModule([train], [train], (8, 8, 8)).setup()
    with pytest.raises(CellmlError, match=r"fewer than data\.patch"):
        StructureDataModule([train], [val], (20, 20, 20), (40.0,) * 3, 200.0, 2).setup()


def test_surroundings_of_nothing_are_refused():
    empty = Labels(np.zeros((8, 8, 8), np.uint8), (10.0,) * 3)
    with pytest.raises(CellmlError, match="Nothing is labelled"):
        host_around([empty], 100.0)

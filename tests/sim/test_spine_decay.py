"""The shipped model `spine_decay`, by which populations of spines are judged, against its closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellml.sim.analytic import box, cylinder
from cellml.sim.model import Model
from cellml.sim.model_file import load_model
from cellml.sim.shipped import find_model
from cellml.sim.solve import Solution, solve_model
from cellml.types import TetMesh

KAPPA, GAMMA, FREE = 20.0, 120.0, 223.0  # as the model file has them; µm, s


def spine_decay() -> Model:
    model = load_model(find_model("spine_decay"))
    values = model.values()
    assert (values["kappa"], values["gamma"], values["D_free"]) == (KAPPA, GAMMA, FREE)
    return model


def as_spine(mesh: TetMesh) -> TetMesh:
    """A mesh that is open at both ends of z, as a spine: cut from its dendrite at the lower end, its synapse at the upper one."""
    names = {"membrane": "membrane", "cut_z0": "base", "cut_z1": "head"}
    return replace(mesh, facet_names={tag: names[name] for tag, name in mesh.facet_names.items()})


def solved(mesh: TetMesh, model: Model) -> Solution:
    return solve_model(as_spine(mesh), model, errors="never")


@pytest.mark.parametrize(("kappa", "gamma"), [(20.0, 120.0), (60.0, 120.0), (20.0, 300.0)])
def test_a_sealed_well_mixed_spine_decays_by_binding_ratio_pumps_and_shape(kappa: float, gamma: float) -> None:
    """(1 + κ) V dc/dt = −γ A c: half is gone after ln 2 (1 + κ)/γ V/A. A: the membrane and the head, for nothing pumps at the base."""
    mesh = box((300.0, 200.0, 150.0), (3, 2, 2), cuts=("z0", "z1"))
    model = spine_decay().with_values({"kappa": kappa, "gamma": gamma, "D_free": 100 * FREE})
    found = solved(mesh, replace(model, fixed=()))["calcium_half_time"].value
    volume, pumping = 0.3 * 0.2 * 0.15, 2 * 0.15 * (0.3 + 0.2) + 0.3 * 0.2
    assert found == pytest.approx(np.log(2) * (1 + kappa) / gamma * volume / pumping, rel=0.005)


def test_an_open_rod_decays_as_its_series_says() -> None:
    """Products of modes: sin kz with k cot kL = −γ/D along it (c = 0 at the base, −D c′ = γ c at the head), cos qx and cos qy with
    q tan qw/2 = γ/D across, of which the slowest holds 99.99 %: Σ (∫ sin kz)²/∫ sin² kz · exp(−D (k² + 2 q²)/(1 + κ) t).
    """
    from scipy.optimize import brentq

    width, ratio = 0.2, GAMMA / FREE  # length 1
    k = np.array([brentq(lambda k: k * np.cos(k) + ratio * np.sin(k), (n - 0.5) * np.pi, n * np.pi) for n in range(1, 80)])
    q = brentq(lambda q: q * np.tan(q * width / 2) - ratio, 1e-3, np.pi / width - 1e-3)
    share = ((1 - np.cos(k)) / k) ** 2 / (0.5 - np.sin(2 * k) / (4 * k))
    rates = FREE * (k**2 + 2 * q**2) / (1 + KAPPA)

    def amount(t: float) -> float:
        return float(share @ np.exp(-rates * t))

    half = brentq(lambda t: amount(t) - 0.5 * (amount(0.0) + amount(0.15)), 1e-5, 0.15)
    found = solved(box((200.0, 200.0, 1000.0), (2, 2, 60), cuts=("z0", "z1")), spine_decay())["calcium_half_time"].value
    assert found == pytest.approx(half, rel=0.01)


def test_times_and_conductance_of_a_cylinder() -> None:
    """D = 1 µm²/s: sealed L²/π²D, out through one end L²/3D, and DS/L between the ends, S the section of the mesh."""
    mesh = cylinder(100.0, 800.0, refinements=2, layers=16)
    section = abs(np.linalg.det(np.diff(mesh.points[mesh.tets], axis=1))).sum() / 6e9 / 0.8
    found = solved(mesh, spine_decay())
    assert found["diffusion_time"].value == pytest.approx(0.64 / np.pi**2, rel=0.005)
    assert found["escape_time"].value == pytest.approx(0.64 / 3, rel=0.005)
    assert found["neck_conductance"].value == pytest.approx(section / 0.8, rel=1e-6)

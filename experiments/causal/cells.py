"""Spines of the study: forty correlated descriptors in ten subsystems, what each subsystem does to the physics, and the solve."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim import Simulator, load_model
from cellml.sim.analytic import boundary, oriented
from cellml.types import TetMesh

HERE = Path(__file__).parent
Floats = NDArray[np.float64]

SUBSYSTEMS: dict[str, tuple[str, ...]] = {
    "neck": ("neck_length", "neck_radius", "neck_tortuosity", "neck_constriction"),
    "head": ("head_length", "head_radius", "head_taper", "head_roundness"),
    "base": ("base_length", "base_radius", "base_flare", "base_opening"),
    "organelle": ("er_radius", "er_reach", "er_swelling", "er_branching"),
    "crowding": ("protein_density", "actin_density", "viscosity", "temperature"),
    "mobile_buffer": ("mobile_total", "mobile_on_rate", "mobile_off_rate", "mobile_diffusion"),
    "fixed_buffer": ("fixed_total", "fixed_on_rate", "fixed_off_rate", "fixed_protonation"),
    "pumps": ("pump_density", "pump_turnover", "pump_ph", "pump_lipids"),
    "uptake": ("serca_density", "serca_turnover", "serca_magnesium", "serca_filling"),
    "influx": ("receptor_density", "receptor_conductance", "membrane_voltage", "influx_duration"),
}
DESCRIPTORS = tuple(name for names in SUBSYSTEMS.values() for name in names)
OUTPUTS = ("peak_calcium", "calcium_integral", "peak_mobile", "peak_fixed", "pumped", "taken_up")
COMMON, SHARED = 0.72, 0.13  # variance of a descriptor that all share, and that its subsystem shares beside; the rest is its own
_PRISM = np.array([[0, 1, 2, 5], [0, 1, 4, 5], [0, 3, 4, 5]])


def draw_descriptors(count: int, rng: np.random.Generator) -> Floats:
    """Standardised descriptors (N, 40), correlated by 0.72 between subsystems and by 0.85 within one."""
    common, shared = rng.standard_normal((count, 1, 1)), rng.standard_normal((count, len(SUBSYSTEMS), 1))
    own = rng.standard_normal((count, len(SUBSYSTEMS), 4))
    drawn = np.sqrt(COMMON) * common + np.sqrt(SHARED) * shared + np.sqrt(1 - COMMON - SHARED) * own
    return np.asarray(drawn.reshape(count, -1))


def optimum(z: float, width: float) -> float:
    """A rate that falls on both sides of an optimum, as with pH or with voltage: exp(−z²/2w²)."""
    return float(np.exp(-0.5 * (z / width) ** 2))


def physics(z: Floats, active: Collection[str]) -> dict[str, float]:
    """Lengths (nm), shares, and factors on the parameters of the model, from descriptors (40,); subsystems that are not active are at 0."""
    counted = z * [name in active for name, parts in SUBSYSTEMS.items() for _ in parts]
    v = dict(zip(DESCRIPTORS, counted.tolist(), strict=True))
    e = np.exp
    on = {s: s in active for s in SUBSYSTEMS}
    crowding = e(-0.5 * (v["protein_density"] + v["actin_density"] + v["viscosity"]) + 0.3 * v["temperature"])
    return {
        "neck_length": 450 * e(0.25 * v["neck_length"] + 0.15 * v["neck_tortuosity"]),
        "neck_radius": 80 * e(-0.35 * v["neck_radius"]),
        "neck_middle": e(-0.15 * v["neck_constriction"]),
        "head_length": 450 * e(0.12 * v["head_length"] + 0.06 * v["head_roundness"]),
        "head_radius": 220 * e(0.12 * v["head_radius"]),
        "head_top": 0.6 * e(-0.12 * v["head_taper"]),
        "base_length": 250 * e(0.45 * v["base_length"] + 0.2 * v["base_flare"]),
        "base_radius": 180 * e(-0.45 * v["base_radius"] - 0.2 * v["base_opening"]),
        "er_share": 0.45 * e(0.6 * np.tanh(0.35 * (v["er_radius"] + v["er_swelling"] + 0.5 * v["er_reach"] + 0.5 * v["er_branching"]))),
        "D_Ca": crowding,
        "D_B": crowding * e(0.15 * v["mobile_diffusion"]),
        "mobile": e(0.2 * v["mobile_total"]),
        "mobile_on": e(0.1 * v["mobile_on_rate"]),
        "mobile_off": e(-0.1 * v["mobile_off_rate"]),
        "fixed": e(0.15 * v["fixed_total"]) * (optimum(v["fixed_protonation"], 1.2) if on["fixed_buffer"] else 0.75),
        "fixed_on": e(0.2 * v["fixed_on_rate"]),
        "fixed_off": e(0.2 * v["fixed_off_rate"]),
        "pump": e(0.2 * (v["pump_density"] + v["pump_turnover"])) * (optimum(v["pump_ph"], 0.9) if on["pumps"] else 0.65),
        "K_pump": e(0.2 * v["pump_lipids"]),
        "uptake": e(0.1 * (v["serca_density"] + v["serca_turnover"])) * (optimum(v["serca_magnesium"], 1.2) if on["uptake"] else 0.75),
        "K_uptake": e(0.2 * v["serca_filling"]),
        "influx": e(0.07 * (v["receptor_density"] + v["receptor_conductance"]))
        * (optimum(v["membrane_voltage"], 1.8) if on["influx"] else 0.8),
        "tau": e(0.07 * v["influx_duration"]),
    }


@cache
def _disk(refinements: int) -> tuple[Floats, NDArray[np.int64]]:
    from skfem import MeshTri

    disk = MeshTri.init_circle(refinements)
    return disk.p.T.copy(), np.sort(disk.t.T, axis=1)


def spine(p: dict[str, float], refinements: int = 1, layers: tuple[int, int, int] = (2, 4, 4)) -> TetMesh:
    """A spine of revolution around z, from the dendrite (z = 0, cut) to the synapse: base, neck and head with an organelle inside.

    The organelle is no part of the mesh: its membrane (ERM) is the wall of a hole from the middle of the neck to below the synapse.
    """
    disk, triangles = _disk(refinements)
    lengths = (p["base_length"], p["neck_length"], p["head_length"])
    ends = np.cumsum([0.0, *lengths])
    heights = np.concatenate([[0.0], *(np.linspace(a, b, n + 1)[1:] for a, b, n in zip(ends, ends[1:], layers, strict=False))])
    top = ends[2] + np.array([0.25, 0.75]) * lengths[2]
    knots = [0, 0.5 * ends[1], ends[1], ends[1] + 0.5 * lengths[1], ends[2], *top, ends[3]]
    widest, neck = p["base_radius"], p["neck_radius"]
    head = p["head_radius"]
    radii = [widest, widest, neck, neck * p["neck_middle"], neck, head, head, p["head_top"] * head]
    inner = np.linalg.norm(disk, axis=1) < 0.75
    squeezed = np.where(inner[:, None], disk * (p["er_share"] / 0.5), disk)
    profile = np.interp(heights, knots, radii)
    points = np.concatenate([np.column_stack([squeezed * r, np.full(len(disk), h)]) for r, h in zip(profile, heights, strict=True)])
    count, total = len(disk), len(heights) - 1
    prisms = np.concatenate([np.hstack([triangles + k * count, triangles + (k + 1) * count]) for k in range(total)])
    layer = np.repeat(np.arange(total), len(triangles))
    core = np.tile(inner[triangles].all(axis=1), total) & (layer >= layers[0] + layers[1] // 2) & (layer < total - 1)
    tets = oriented(points, prisms[~core][:, _PRISM].reshape(-1, 4))
    used, compact = np.unique(tets, return_inverse=True)
    return _named(points[used], compact.reshape(-1, 4), float(heights[-1]), count, np.isin(used % count, np.flatnonzero(inner)))


def _named(points: Floats, tets: NDArray[np.int64], top: float, count: int, inner: NDArray[np.bool_]) -> TetMesh:
    facets = boundary(tets)
    z = points[facets][:, :, 2]
    tags = np.ones(len(facets), np.int32)
    tags[inner[facets].all(axis=1)] = 4
    tags[(z == 0).all(axis=1)] = 2
    tags[(z == top).all(axis=1)] = 3
    names = {1: "PM", 2: "cut_z0", 3: "PSD", 4: "ERM"}
    return TetMesh(points, tets, np.ones(len(tets), np.int32), {1: "cytosol"}, facets, tags, names, "spine")


@cache
def model() -> Any:
    """The model of the study."""
    return load_model(HERE / "model.yaml")


def solve(z: Floats, active: Collection[str]) -> Floats:
    """Logarithms of the six outputs of one cell. z: (40,) standardised descriptors; active: subsystems whose descriptors count."""
    p = physics(z, active)
    changed = {name: p[name] * value for name, value in model().values().items() if name in p}
    answer = Simulator(spine(p), model().with_values(changed))()
    t, c = answer.times.numpy(), {name: course.numpy() for name, course in answer.courses.items()}
    whole = {name: float(np.trapezoid(course, t)) for name, course in c.items()}
    values = [
        c["Ca_mean_final"].max(),
        whole["Ca_mean_final"],
        c["CaM_amount_final"].max(),
        c["CaF_amount_final"].max(),
        whole["pumped_rate_final"],
        whole["taken_up_rate_final"],
    ]
    return np.log(values)

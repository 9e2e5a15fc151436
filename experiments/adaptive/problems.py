"""Random problems with singularities, kinks and peaks, made by code."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cellml.sim.adaptive.problem import Exchange, SteadyProblem
from cellml.sim.analytic import boundary, box, oriented
from cellml.sim.domain import components
from cellml.types import TetMesh

CUBE = 1000.0  # nm


@dataclass(frozen=True, eq=False)
class Case:
    """A mesh to begin with and a problem on it whose prescribed values are all zero."""

    name: str
    mesh: TetMesh
    problem: SteadyProblem


def random_case(seed: int) -> Case:
    """Cubes of 1 µm, some of a 2 × 2 × 2 or 3 × 2 × 1 block left out; D, decay, source and conditions drawn at random."""
    rng = np.random.default_rng(seed)
    mesh = _cubes(rng)
    contrast = float(rng.choice([1.0, 1.0, 10.0, 100.0]))
    diffusion = {name: float(contrast ** rng.integers(0, 2)) for name in mesh.region_names.values()}
    decay = float(rng.choice([0.0, 0.0, 10.0, 200.0]))
    held = [name for name in ("x0", "x1", "y0", "y1", "z0", "z1", "reentrant") if rng.random() < 0.6] or ["reentrant", "x0"]
    open_ = [name for name in mesh.facet_names.values() if name not in held]
    exchange = {name: Exchange(float(rng.choice([0.0, 5.0])), float(rng.choice([0.0, 1.0]))) for name in open_}
    present = {mesh.facet_names[int(tag)] for tag in np.unique(mesh.facet_tags)}
    values = {name: 0.0 for name in held if name in present} or {sorted(present)[0]: 0.0}
    exchange = {name: condition for name, condition in exchange.items() if name in present and name not in values}
    problem = SteadyProblem(diffusion, decay, _source(rng, mesh), values, exchange)
    return Case(f"random {seed}", mesh, problem)


def named_cases() -> list[Case]:
    """Shapes that no random case has: Fichera's corner, an absorbing patch in a wall, a peak, a checkerboard of D."""
    fichera = _named(box((2 * CUBE,) * 3, (4, 4, 4)), lambda c: ~(c > 1).all(axis=1))
    patch = _named(box((2 * CUBE, 2 * CUBE, CUBE), (6, 6, 3)), None)
    centre = patch.points[patch.facets].mean(axis=1)
    on_patch = (np.abs(centre[:, :2] - CUBE).max(axis=1) < CUBE / 3) & (centre[:, 2] < 1e-6)
    names = {**patch.facet_names, 20: "patch"}
    patch = TetMesh(
        patch.points, patch.tets, patch.regions, patch.region_names, patch.facets, np.where(on_patch, 20, patch.facet_tags), names
    )
    cube = _named(box((CUBE,) * 3, (4, 4, 4)), None)
    board = _named(box((2 * CUBE, 2 * CUBE, CUBE), (4, 4, 2)), None)
    side = board.points[board.tets].mean(axis=1)[:, :2] > CUBE
    regions = np.where(side[:, 0] == side[:, 1], 1, 2)
    board = replace(board, regions=regions, region_names={1: "fast", 2: "slow"})
    everywhere = dict.fromkeys(cube.facet_names.values(), 0.0)
    walls = dict.fromkeys(("x0", "x1", "y0", "y1"), 0.0)
    return [
        Case("Fichera corner", fichera, SteadyProblem(source=1.0, values={"reentrant": 0.0})),
        Case("absorbing patch", patch, SteadyProblem(source=1.0, values={"patch": 0.0})),
        Case(
            "peak",
            cube,
            SteadyProblem(source=_peak(np.array([0.3, 0.4, 0.35]), 0.06), values=everywhere),
        ),
        Case("checkerboard", board, SteadyProblem(diffusion={"fast": 20.0, "slow": 1.0}, source=1.0, values=walls)),
    ]


def _cubes(rng: np.random.Generator) -> TetMesh:
    size = (2, 2, 2) if rng.random() < 0.5 else (3, 2, 1)
    block = box(tuple(CUBE * n for n in size), tuple(2 * n for n in size))
    while True:
        kept = rng.random(size) < 0.75
        mesh = _named(block, lambda c, kept=kept: kept[tuple(np.floor(c).astype(int).T)]) if kept.any() else None
        if mesh is not None and kept.sum() >= 2 and components(mesh) == 1:
            break
    cube = np.floor(mesh.points[mesh.tets].mean(axis=1) / CUBE).astype(int)
    regions = rng.integers(1, 4, size)[tuple(cube.T)]
    return replace(mesh, points=mesh.points + _shake(rng, mesh), regions=regions, region_names={1: "a", 2: "b", 3: "c"})


def _shake(rng: np.random.Generator, mesh: TetMesh) -> np.ndarray:
    """Moves of inner points by up to a tenth of an edge, so that shapes of elements differ."""
    shift = rng.uniform(-0.05, 0.05, mesh.points.shape) * CUBE
    on_cube = (np.abs(mesh.points / CUBE - np.round(mesh.points / CUBE)) < 1e-9).any(axis=1)
    shift[np.unique(mesh.facets)] = 0.0
    shift[on_cube] = 0.0
    return shift


def _named(block: TetMesh, keep) -> TetMesh:
    """The part of a block whose cubes are kept; faces on its bounding box are x0 … z1, all others reentrant. keep: centres (T, 3) in µm."""
    chosen = np.ones(len(block.tets), bool) if keep is None else keep(block.points[block.tets].mean(axis=1) / CUBE)
    used, tets = np.unique(block.tets[chosen], return_inverse=True)
    points = block.points[used]
    tets = oriented(points, tets.reshape(-1, 4))
    facets = boundary(tets)
    tags = np.full(len(facets), 7)
    for axis in range(3):
        for side, plane in enumerate((block.points[:, axis].min(), block.points[:, axis].max())):
            tags[np.abs(points[facets][:, :, axis] - plane).max(axis=1) < 1e-6] = 1 + 2 * axis + side
    names = {1: "x0", 2: "x1", 3: "y0", 4: "y1", 5: "z0", 6: "z1", 7: "reentrant"}
    present = set(np.unique(tags).tolist())
    return TetMesh(points, tets, np.ones(len(tets)), {1: "a"}, facets, tags, {t: n for t, n in names.items() if t in present})


def _source(rng: np.random.Generator, mesh: TetMesh):
    kind = rng.integers(4)
    if kind == 0:
        return 1.0
    if kind == 1:
        inside = mesh.points[mesh.tets[rng.integers(len(mesh.tets))]].mean(axis=0) * 1e-3
        return _peak(inside, float(rng.uniform(0.1, 0.3)))
    if kind == 2:
        wave = rng.normal(size=3) * rng.uniform(1.0, 4.0)
        return lambda x: np.sin(x @ wave)
    return {name: float(rng.choice([0.0, 1.0, 5.0])) + 0.1 for name in ("a", "b", "c")}


def _peak(centre: np.ndarray, width: float):
    return lambda x: np.exp(-((x - centre) ** 2).sum(axis=1) / (2 * width**2)) / width**3

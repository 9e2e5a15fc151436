"""Filling a host with organelles of several learned kinds, without any overlap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.distribution import Distribution
from cellml.shapes.organelles.frame import Frame, frame_of
from cellml.shapes.organelles.host import Host
from cellml.shapes.organelles.outlines import HOST_FACETS, outline
from cellml.shapes.organelles.pose import Body, body_of, random_rotations
from cellml.shapes.organelles.room import Room
from cellml.shapes.organelles.verify import Overlaps, crosses, find_overlaps
from cellml.types import Surface

Floats = NDArray[np.float64]

_BATCH = 32  # proposals looked at together
_SIZE_STEP = 0.25  # of ln volume: organelles this alike share the weights of places


@dataclass(frozen=True)
class Effort:
    """How hard to try. proposals: of place and rotation for one body; redraws: other bodies of the kind tried before one is shrunk; shrink:
    factor of its lengths each time; smallest: share of its lengths below which it is given up.
    """

    proposals: int = 640
    redraws: int = 2
    shrink: float = 0.85
    smallest: float = 0.5


@dataclass(frozen=True, eq=False)
class Placed:
    """An organelle in its place. rotation: (3, 3) from the body to the host; scale: of lengths against what was drawn, 1 unless it was
    shrunk; proposals: places and rotations looked at before this one was taken.
    """

    kind: str
    surface: Surface
    centre: Floats
    rotation: Floats
    volume: float
    scale: float
    proposals: int


@dataclass(frozen=True, eq=False)
class Filled:
    """A filled host. labels: (Z, Y, X) int32 on the host's grid, n for organelle n of `placed` from 1; asked: number of organelles by kind;
    refused: (kind, reason) of each that found no place; overlaps: what the exact check of all surfaces found.
    """

    host: Host
    surface: Surface
    nucleus: Surface | None
    placed: tuple[Placed, ...]
    labels: NDArray[np.int32]
    asked: Mapping[str, int]
    refused: tuple[tuple[str, str], ...]
    overlaps: Overlaps


def fill(
    host: Host,
    distributions: Sequence[Distribution],
    counts: Mapping[str, int] | None = None,
    *,
    gap_nm: float | None = None,
    effort: Effort | None = None,
    seed: int = 0,
    tell: Callable[[str], None] = lambda said: None,
) -> Filled:
    """Fill a host.

    Number, sizes and shapes are drawn from each distribution; then the organelles are placed, the largest first: a centre from the density
    of its placement over the places that are still clear enough, a uniform rotation, and acceptance where every vertex keeps `gap_nm`
    from membrane, nucleus and other organelles (distances on the grid) and no facet meets another (exact). That is rejection sampling
    from the learned densities, conditional on what is there already. A body that finds no place is drawn anew, then shrunk, then given up
    with its reason. At the end all surfaces are compared exactly once more.

    counts: numbers of organelles by kind in place of drawn ones; gap_nm: two voxels where None, which keeps labels apart. The same seed
    gives the same cell. Raises CellmlError where nothing is asked for, for a kind larger than the host, and where the volumes exceed the
    host's.
    """
    effort, rng = effort or Effort(), np.random.default_rng(seed)
    gap = 2 * max(host.spacing) if gap_nm is None else float(gap_nm)
    if not np.isfinite(gap) or gap < 0:
        raise CellmlError(f"gap_nm={gap_nm} must be a length of 0 nm or more.")
    asked = _numbers(host, distributions, counts or {}, rng)
    tell("frame of the host")
    frame, room = frame_of(host), Room(host)
    tell("surfaces of the host")
    walls = _walls(host)
    tell("shapes")
    bodies = _bodies(host, distributions, asked, rng)
    _require_depth(host, frame, bodies, gap)
    filling = _Filling(frame, room, walls, {d.name: d for d in distributions}, gap, effort, rng)
    for number, body in enumerate(sorted(bodies, key=lambda b: -b.volume), 1):
        if number % 20 == 1:
            tell(f"organelle {number} of {len(bodies)}")
        filling.add(body)
    tell("exact check")
    placed = tuple(filling.placed)
    overlaps = find_overlaps([p.surface for p in placed], walls[0], walls[1] if len(walls) > 1 else None)
    return Filled(host, walls[0], walls[1] if len(walls) > 1 else None, placed, room.labels, asked, tuple(filling.refused), overlaps)


def _numbers(host: Host, distributions: Sequence[Distribution], counts: Mapping[str, int], rng: np.random.Generator) -> dict[str, int]:
    names = [d.name for d in distributions]
    if len(set(names)) < len(names):
        raise CellmlError(f"Two kinds of organelles have the same name: {', '.join(names)}.")
    for name, count in counts.items():
        if name not in names:
            raise CellmlError(f"counts names {name!r}, which is none of the kinds {', '.join(names) or 'none'}.")
        if count < 0:
            raise CellmlError(f"counts asks for {count} {name}; give 0 or more.")
    asked = {d.name: int(counts[d.name]) if d.name in counts else d.count.draw(host.volume, rng) for d in distributions}
    if sum(asked.values()) == 0:
        drawn = "" if counts or not names else f" {host.volume / 1e9:.3g} µm³ of host give so few at the learned densities; give counts."
        raise CellmlError(f"There are no organelles to place in {host.name!r}: {asked or 'no kind was given'}.{drawn}")
    return asked


def _walls(host: Host) -> list[Surface]:
    """The membrane, and a solid inner frame, where they are in space."""
    found = []
    for mask, name in ((host.inside, "membrane"), (host.inner, "nucleus")):
        if name == "nucleus" and not host.solid:
            break
        surface = outline(np.pad(mask, 1), host.spacing, HOST_FACETS, name)
        shift = np.array([o - s for o, s in zip(host.origin, host.spacing, strict=True)])[::-1]
        found.append(Surface(surface.vertices + shift, surface.faces, name))
    return found


def _bodies(host: Host, distributions: Sequence[Distribution], asked: Mapping[str, int], rng: np.random.Generator) -> list[Body]:
    """Sizes and shapes as they are drawn; sizes that cannot fit are refused before any shape is made."""
    sizes = {d.name: np.exp(d.size.draw(asked[d.name], rng)) for d in distributions}
    for name, volumes in sizes.items():
        if volumes.max(initial=0.0) > host.volume:
            raise CellmlError(
                f"An organelle of {name!r} has {volumes.max() / 1e9:.3g} µm³, more than the {host.volume / 1e9:.3g} µm³ of {host.name!r}. "
                "Give a smaller diameter_nm, or another host."
            )
    total = sum(float(volumes.sum()) for volumes in sizes.values())
    if total > host.volume:
        raise CellmlError(
            f"{sum(asked.values())} organelles have {total / 1e9:.3g} µm³ together, more than the {host.volume / 1e9:.3g} µm³ of "
            f"{host.name!r}; ask for fewer or smaller ones."
        )
    bodies = []
    for d in distributions:
        drawn = d.shapes.draw(asked[d.name], int(rng.integers(2**31)))
        bodies += [body_of(surface, float(volume), d.name) for surface, volume in zip(drawn, sizes[d.name], strict=True)]
    return bodies


def _require_depth(host: Host, frame: Frame, bodies: Sequence[Body], gap: float) -> None:
    for kind in sorted({b.kind for b in bodies}):
        balls = [b.ball for b in bodies if b.kind == kind]
        if min(balls) + gap > frame.depth.max() + max(frame.spacing):
            raise CellmlError(
                f"No {kind!r} fits into {host.name!r}: the smallest holds a ball of {min(balls):.0f} nm radius and keeps {gap:.0f} nm "
                f"clear, and the deepest place is {frame.depth.max():.0f} nm from the membrane. Give a smaller diameter_nm or gap_nm."
            )


class _Filling:
    """The state of one filling."""

    def __init__(
        self,
        frame: Frame,
        room: Room,
        walls: Sequence[Surface],
        kinds: Mapping[str, Distribution],
        gap: float,
        effort: Effort,
        rng: np.random.Generator,
    ) -> None:
        self.frame, self.room, self.walls, self.kinds, self.gap, self.effort, self.rng = frame, room, walls, kinds, gap, effort, rng
        self.placed: list[Placed] = []
        self.refused: list[tuple[str, str]] = []
        self.spheres: list[tuple[float, ...]] = []
        self.slack = 0.5 * float(np.linalg.norm(frame.spacing))
        self._weights: dict[tuple[str, int], Floats] = {}

    def add(self, body: Body) -> None:
        """Place a body, or another of its kind, or a smaller one; or note why none could be placed."""
        kind, effort = self.kinds[body.kind], self.effort
        tried, reasons = 0, list[str]()
        scale, candidate, redrawn = 1.0, body, 0
        while scale >= effort.smallest:
            placed, looked, reason = self._try(candidate, scale, tried)
            tried += looked
            if placed:
                return
            reasons.append(reason)
            if redrawn < effort.redraws:
                redrawn += 1
                candidate = body_of(kind.shapes.draw(1, int(self.rng.integers(2**31)))[0], body.volume, body.kind)
            else:
                scale *= effort.shrink
                candidate = candidate.scaled(effort.shrink)
        self.refused.append((body.kind, f"{tried} proposals down to {effort.smallest:.0%} of its size: {reasons[-1]}"))

    def _try(self, body: Body, scale: float, before: int) -> tuple[bool, int, str]:
        """Propose places; whether one was taken, how many were looked at, and why none was."""
        clear = self.room.at(self.frame.points)
        fits = clear + self.slack >= body.ball + self.gap
        if not fits.any():
            return False, 0, f"it needs {body.ball + self.gap:.0f} nm of clear space, and {clear.max():.0f} nm is the most that is left"
        chance = np.where(fits, self._weights_of(body), 0.0)
        total = np.cumsum(chance)
        if not total[-1] > 0:
            return False, 0, "the places that are left have no density in its placement"
        half = 0.5 * np.array(self.frame.spacing)[::-1]
        for looked in range(0, self.effort.proposals, _BATCH):
            rows = np.minimum(np.searchsorted(total, self.rng.random(_BATCH) * total[-1], side="right"), len(total) - 1)
            centres = self.frame.points[rows] + self.rng.uniform(-half, half, (_BATCH, 3))
            rotations = random_rotations(_BATCH, self.rng)
            for k in self._clear_of_grid(body, centres, rotations):
                if self._take(body, rotations[k], centres[k], scale, before + looked + k + 1):
                    return True, looked + k + 1, ""
        return False, self.effort.proposals, f"none of {self.effort.proposals} places and rotations was free"

    def _weights_of(self, body: Body) -> Floats:
        key = (body.kind, round(float(np.log(body.volume)) / _SIZE_STEP))
        if key not in self._weights:
            frame = self.frame
            log = self.kinds[body.kind].placement.log_weight(
                frame.harmonic, frame.direction, np.full(len(frame.points), key[1] * _SIZE_STEP)
            )
            self._weights[key] = np.exp(log - log.max())
        return self._weights[key]

    def _clear_of_grid(self, body: Body, centres: Floats, rotations: Floats) -> list[int]:
        """Proposals whose vertices all keep the gap, by the distances on the grid."""
        roomy = np.flatnonzero(self.room.at(centres) >= body.ball + self.gap - max(self.frame.spacing))
        if not len(roomy):
            return []
        points = np.einsum("bij,pj->bpi", rotations[roomy], body.vertices) + centres[roomy, None]
        least = self.room.at(points.reshape(-1, 3)).reshape(len(roomy), -1).min(axis=1)
        return roomy[least >= max(self.gap, 1e-9)].tolist()

    def _take(self, body: Body, rotation: Floats, centre: Floats, scale: float, looked: int) -> bool:
        surface = body.at(rotation, centre, f"{body.kind}_{len(self.placed) + 1}")
        box, held = self.room.voxels_of(surface)
        if not self.room.is_free(box, held) or crosses(surface, [*self.walls, *self._near(centre, body.reach)]):
            return False
        self.room.take(len(self.placed) + 1, box, held, body.reach + self.gap)
        self.placed.append(Placed(body.kind, surface, centre, rotation, body.volume, scale, looked))
        self.spheres.append((*centre, body.reach))
        return True

    def _near(self, centre: Floats, reach: float) -> list[Surface]:
        """Placed organelles whose circumscribed balls meet the ball about a centre."""
        spheres = np.array(self.spheres).reshape(-1, 4)
        met = np.linalg.norm(spheres[:, :3] - centre, axis=1) <= spheres[:, 3] + reach
        return [self.placed[k].surface for k in np.flatnonzero(met).tolist()]

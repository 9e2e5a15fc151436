"""Harmonics: round trips of star shapes through voxels and clean meshes, beside aics-shparam, and vector fits of all spines.

    python -m venv aics && aics/bin/pip install aicsshparam==0.1.11
    CELLML_DATA=… AICSSHPARAM_PYTHON=aics/bin/python python experiments/shapes/run.py stage=harmonics

Both programs see the same masks in one run; CPU seconds are of the fit alone (mask to coefficients), one thread each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.report.rows import append_row, read_rows
from cellml.shapes.harmonics.basis import degrees, real_harmonics
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.shapes.harmonics.sphere_map import sphere_map
from cellml.shapes.harmonics.star import fit_star
from cellml.shapes.harmonics.vector import fit_vector
from cellml.shapes.harmonics.voxels import fit_star_voxels
from cellml.shapes.reading import read_population
from cellml.types import Labels

SHAPES, DRAWN, DEGREE = 100, 110, 16  # shapes with rows, of so many drawn: a few are too thin in voxels to be star-shaped, and are refused
RADII = (20.0, 32.0)  # voxels, the range of mean radii
SPINE_DEGREES = (10, 16)
POINTS = 300  # directions at which pyshtools evaluates the wheel's coefficients
SMALLEST = 0.2  # radius of a drawn shape anywhere, of the mean one

Floats = NDArray[np.float64]


def judge(table: Path) -> None:
    """Rows of harmonics.csv, one a star shape, and of harmonics_spines.csv, one a spine."""
    judge_stars(table)
    judge_spines(table.with_name("harmonics_spines.csv"))


def results(table: Path) -> dict[str, tuple[float, str]]:
    """Keys of results.json, value and unit."""
    rows = read_rows(table)
    mean = {key: float(np.mean([float(row[key]) for row in rows])) for key in rows[0] if key != "seed"}
    found = {
        "sph_error_l16": (mean["error"], "1"),
        "sph_stars_refused": (float(max(int(row["seed"]) for row in rows) + 1 - len(rows)), "count"),
        "sph_clean_mesh_error": (max(float(row["clean_error"]) for row in rows), "1"),
    }
    if not np.isnan(mean["aics_error"]):
        found |= {
            "sph_error_vs_aics": (mean["error"] / mean["aics_error"], "1"),
            "sph_aics_error_l16": (mean["aics_error"], "1"),
            "sph_error_vs_aics_coefficients": (mean["error"] / mean["aics_coefficient_error"], "1"),
            "sph_time_vs_aics": (mean["cpu_s"] / mean["aics_cpu_s"], "1"),
        }
    spines = read_rows(table.with_name("harmonics_spines.csv"))
    fitted = [row for row in spines if not row["reason"]]
    if fitted:
        found["spines_fitted_share"] = (len(fitted) / len(spines), "1")
        found["spines_flips"] = (float(sum(int(row["flips"]) for row in fitted)), "count")
        for degree in SPINE_DEGREES:
            found[f"spines_error_l{degree}_median"] = (float(np.median([float(row[f"error_l{degree}"]) for row in fitted])), "1")
    return found


def star(seed: int) -> tuple[Harmonics, Labels]:
    """A random star shape of degree 16 in voxels of 1 nm, its centre at the centroid, anywhere within a voxel.

    Coefficients fall as (1 + l)^−2; the radius varies by 6 to 12 % (standard deviation) about a mean of 20 to 32 voxels.
    """
    rng = np.random.default_rng([16, seed])
    sphere = geodesic_sphere(5)[0]
    basis = real_harmonics(sphere, DEGREE)
    while True:
        el = degrees(DEGREE)
        values = np.where(el > 0, rng.normal(size=el.size) * (1.0 + el) ** -2, 0.0)
        values *= rng.uniform(0.06, 0.12) / (basis @ values).std()
        values[0] = np.sqrt(4 * np.pi)
        if (basis @ values).min() > SMALLEST:
            break
    for _ in range(30):  # the centroid comes to the centre
        radius = basis @ values
        centroid = 0.75 * (sphere * radius[:, None] ** 4).mean(axis=0) / (radius**3).mean()
        values[[3, 1, 2]] -= centroid / np.sqrt(3 / (4 * np.pi))
    shape = Harmonics(rng.uniform(*RADII) * values[None], rng.uniform(-0.5, 0.5, 3), f"star {seed}")
    return shape, voxelised(shape)


def voxelised(shape: Harmonics) -> Labels:
    """A voxel is inside where its centre is; voxels of 1 nm about the origin."""
    radii = np.linalg.norm(shape.surface(5).vertices - shape.centre, axis=1)
    half = int(np.ceil(1.02 * radii.max())) + 3
    grid = np.stack(np.meshgrid(*[np.arange(-half, half + 1.0)] * 3, indexing="ij"), axis=-1)[..., ::-1] - shape.centre
    distance = np.linalg.norm(grid, axis=-1)
    mask = distance < 0.95 * radii.min()
    open_ = (distance < 1.05 * radii.max()) & ~mask
    points = grid[open_]
    parts = [real_harmonics(part, shape.degree) @ shape.values[0] for part in np.array_split(points, len(points) // 20000 + 1)]
    mask[open_] = distance[open_] < np.concatenate(parts)
    return Labels(mask, (1.0, 1.0, 1.0), (-half, -half, -half), name=shape.name)


def radius_error(points: Floats, truth: Harmonics) -> float:
    """Root mean square distance, along the true centre's rays, of points (N, 3) from the true surface, over its mean radius."""
    arms = points - truth.centre
    off = np.linalg.norm(arms, axis=1) - real_harmonics(arms, truth.degree) @ truth.values[0]
    return float(np.sqrt(np.mean(off**2)) / (truth.values[0, 0] / np.sqrt(4 * np.pi)))


def judge_stars(table: Path) -> None:
    """Rows of SHAPES stars; those that are there are kept."""
    done = {int(row["seed"]) for row in read_rows(table)}
    if len(done) >= SHAPES:
        return
    directions = geodesic_sphere(5)[0]
    seeds = range(max(done, default=-1) + 1, DRAWN)
    stars = [star(seed) for seed in seeds]
    theirs = aics_shparam([labels for _, labels in stars])
    for place, (seed, (truth, labels)) in enumerate(zip(seeds, stars, strict=True)):
        start = time.process_time()
        try:
            fit = fit_star_voxels(labels, DEGREE)
        except CellmlError as refusal:
            print(refusal, flush=True)
            continue
        seconds = time.process_time() - start
        clean = fit_star(truth.surface(5), DEGREE, centre=truth.centre)
        row = {
            "seed": seed,
            "mean_radius_voxels": truth.values[0, 0] / np.sqrt(4 * np.pi),
            "error": radius_error(fit.at(directions), truth),
            "clean_error": radius_error(clean.at(directions), truth),
            "cpu_s": seconds,
            **dict.fromkeys(("aics_error", "aics_coefficient_error", "aics_cpu_s"), np.nan),
        }
        if theirs is not None:
            shift = np.array(labels.origin)[::-1]
            row["aics_error"] = radius_error(theirs[f"mesh_{place}"] + shift, truth)
            row["aics_coefficient_error"] = radius_error(theirs[f"points_{place}"] + shift, truth)
            row["aics_cpu_s"] = float(theirs["cpu_s"][place])
        append_row(table, row)
        if len(read_rows(table)) >= SHAPES:
            return


def aics_shparam(masks: list[Labels]) -> dict[str, Floats] | None:
    """What the wheel makes of the masks, None where AICSSHPARAM_PYTHON names no interpreter that has it."""
    python = os.environ.get("AICSSHPARAM_PYTHON")
    if not python:
        print("AICSSHPARAM_PYTHON is not set: aics-shparam is left out.", file=sys.stderr)
        return None
    turns = np.pi * (1 + 5**0.5) * np.arange(POINTS)
    z = 1 - (2 * np.arange(POINTS) + 1) / POINTS
    directions = np.stack([np.sqrt(1 - z**2) * np.cos(turns), np.sqrt(1 - z**2) * np.sin(turns), z], axis=1)
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "masks.npz"), Path(folder, "found.npz")
        np.savez(source, directions=directions, **{f"mask_{i}": labels.data.astype(np.uint8) for i, labels in enumerate(masks)})
        worker = Path(__file__).with_name("aicsshparam_worker.py")
        subprocess.run([python, str(worker), str(source), str(target)], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        with np.load(target) as arrays:
            return {name: arrays[name] for name in arrays.files}


def judge_spines(table: Path) -> None:
    """One row a spine: how it is laid onto the sphere, and the root mean square error of its series over the cube root of its volume.

    In the frame of the base, which moves the spines and does not change them; other stages read the same, once for all.
    """
    population = read_population("spines:base")
    done = {row["name"] for row in read_rows(table)}
    for name, reason in population.excluded:
        if name not in done:
            append_row(table, spine_row(name, reason=reason))
    for name, surface in zip(population.names, population.surfaces, strict=True):
        if name in done:
            continue
        start = time.process_time()
        try:
            place = sphere_map(surface)
            fits = {degree: fit_vector(surface, degree, given=place) for degree in SPINE_DEGREES}
        except CellmlError as error:
            append_row(table, spine_row(name, reason=str(error)))
            continue
        seconds, size = time.process_time() - start, np.cbrt(surface.volume())
        errors = {f"error_l{degree}": fit.error / size for degree, fit in fits.items()}
        low, _, high = place.area_ratios
        append_row(table, spine_row(name, len(surface.vertices), place.flips, low, high, place.angle_distortion, seconds, errors))


def spine_row(name, vertices=0, flips=0, low=np.nan, high=np.nan, angles=np.nan, seconds=np.nan, errors=None, reason=""):
    errors = errors or {f"error_l{degree}": np.nan for degree in SPINE_DEGREES}
    return {"name": name, "vertices": vertices, "flips": flips, "area_ratio_5": low, "area_ratio_95": high,
            "angle_distortion": angles, **errors, "cpu_s": seconds, "reason": reason}  # fmt: skip

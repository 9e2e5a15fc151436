"""Labels to tetrahedra by another mesher: `python foreign.py TOOL INPUT.npz OUTPUT.npz`, TOOL one of ftetwild, cgal, tetgen.

Runs in an environment of its own with numpy, scipy, scikit-image and the mesher, without cellml (the README beside it says how to make it):
the licences of CGAL and TetGen are copyleft, so neither is, nor becomes, a dependency.

INPUT: labels (Z, Y, X) with a border of zeros, spacing (z, y, x) in nm. OUTPUT: points (P, 3), columns (x, y, z) in nm from the centre of
the first voxel; tets (T, 4); regions (T,); cpu_s, of everything between the arrays; kept, whether the mesher itself told the labels apart.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy import ndimage

EDGE = 4.0  # largest edge, in voxels (cube root of the volume), as in cellml
DISTANCE = 0.5  # between surface and labels, in voxels


def surfaces(labels, spacing):
    """The outer boundary of all labels together, and one of each label but the largest, by marching cubes at half height of masks that
    were smoothed by σ = 0.7 voxels: vertices (V, 3) xyz in nm, faces (F, 3).
    """
    from skimage.measure import marching_cubes

    numbers, counts = np.unique(labels[labels > 0], return_counts=True)
    masks = [labels > 0] + [labels == n for n in numbers[np.argsort(-counts)][1:]]
    vertices, faces, before = [], [], 0
    for mask in masks:
        v, f, _, _ = marching_cubes(
            ndimage.gaussian_filter(mask.astype(np.float32), 0.7) + 1e-6, 0.5, spacing=tuple(spacing), gradient_direction="ascent"
        )
        vertices.append(v[:, ::-1])
        faces.append(f[:, ::-1] + before)
        before += len(v)
    return np.concatenate(vertices).astype(float), np.concatenate(faces).astype(np.int32)


def by_voxel(points, tets, labels, spacing):
    """The label of the voxel that holds the centroid of each tetrahedron."""
    at = np.round(points[tets].mean(axis=1)[:, ::-1] / spacing).astype(int)
    return labels[tuple(np.clip(at, 0, np.array(labels.shape) - 1).T)]


def ftetwild(labels, spacing, voxel):
    from pytetwild import tetrahedralize

    vertices, faces = surfaces(labels, spacing)
    diagonal = np.linalg.norm(np.ptp(vertices, axis=0))
    points, tets = tetrahedralize(
        vertices, faces, edge_length_abs=EDGE * voxel, epsilon=DISTANCE * voxel / diagonal, num_threads=1, quiet=True
    )
    return points, tets, by_voxel(points, tets, labels, spacing), False


def cgal(labels, spacing, voxel):
    import pygalmesh

    mesh = pygalmesh.generate_from_array(
        np.ascontiguousarray(labels.transpose(2, 1, 0)).astype(np.uint8),
        tuple(float(s) for s in spacing[::-1]),
        min_facet_angle=25.0,
        max_radius_surface_delaunay_ball=0.5 * EDGE * voxel,
        max_facet_distance=DISTANCE * voxel,
        max_cell_circumradius=0.61 * EDGE * voxel,  # that of a regular tetrahedron with this edge
        max_circumradius_edge_ratio=2.0,
        verbose=False,
    )
    tets = mesh.cells_dict["tetra"]
    return mesh.points, tets, np.asarray(mesh.cell_data_dict["medit:ref"]["tetra"]), True


def tetgen(labels, spacing, voxel):
    import tetgen as library

    vertices, faces = surfaces(labels, spacing)
    mesher = library.TetGen(vertices, faces)
    for number in np.unique(labels[labels > 0]):
        parts, count = ndimage.label(labels == number)
        for part in range(1, count + 1):
            depth = ndimage.distance_transform_edt(parts == part, sampling=spacing)
            seed = np.array(np.unravel_index(depth.argmax(), depth.shape)) * spacing
            mesher.add_region(int(number), tuple(seed[::-1]), 0.0)
    # Y keeps the triangles of the surface: without it the refinement chases the slivers of marching cubes and does not end.
    mesher.tetrahedralize(switches=f"pYq1.4/10Aa{(EDGE * voxel) ** 3 / (6 * np.sqrt(2)):.6g}Q")
    regions = np.round(np.asarray(mesher.attributes)).astype(int).reshape(-1)
    return np.asarray(mesher.node), np.asarray(mesher.elem), regions, True


def main(tool, source, destination):
    with np.load(source) as data:
        labels, spacing = data["labels"], data["spacing"]
    began = time.process_time()
    points, tets, regions, kept = {"ftetwild": ftetwild, "cgal": cgal, "tetgen": tetgen}[tool](
        labels, spacing, float(np.cbrt(spacing.prod()))
    )
    np.savez(destination, points=points, tets=tets, regions=regions, cpu_s=time.process_time() - began, kept=kept)


if __name__ == "__main__":
    main(*sys.argv[1:])

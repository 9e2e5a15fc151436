"""Round trips of aics-shparam, run by its own interpreter: `python aicsshparam_worker.py IN.npz OUT.npz`; called by harmonics.py.

IN: mask_i, (Z, Y, X) uint8, and directions (D, 3). OUT: mesh_i, the vertices of the wheel's own reconstruction (its
get_reconstruction_from_coeffs), points_i, the series at the directions as pyshtools evaluates it, both (N, 3), x, y, z in voxels of the
mask, and cpu_s, of get_shcoeffs.
"""

import sys
import time

import numpy as np
import pyshtools
from aicsshparam import shparam, shtools
from vtk.util import numpy_support

DEGREE = 16


def main(source: str, target: str) -> None:
    with np.load(source) as arrays:
        directions = arrays["directions"]
        masks = [arrays[f"mask_{i}"] for i in range(len(arrays.files) - 1)]
    found, seconds = {}, []
    latitude = np.degrees(np.arcsin(directions[:, 2]))
    longitude = np.degrees(np.pi + np.arctan2(directions[:, 1], directions[:, 0]))
    for i, mask in enumerate(masks):
        start = time.process_time()
        (coefficients, _), (_, _, _, centre) = shparam.get_shcoeffs(mask, lmax=DEGREE, alignment_2d=False)
        seconds.append(time.process_time() - start)
        table = np.array(
            [[[coefficients[f"shcoeffs_L{el}M{m}{part}"] for m in range(DEGREE + 1)] for el in range(DEGREE + 1)] for part in "CS"]
        )
        mesh, _ = shtools.get_reconstruction_from_coeffs(table)
        radius = [pyshtools.expand.MakeGridPoint(table, a, b) for a, b in zip(latitude, longitude, strict=True)]
        found[f"mesh_{i}"] = numpy_support.vtk_to_numpy(mesh.GetPoints().GetData()).astype(float) + np.array(centre)
        found[f"points_{i}"] = np.array(radius)[:, None] * directions + np.array(centre)
    np.savez(target, cpu_s=np.array(seconds), **found)


if __name__ == "__main__":
    main(*sys.argv[1:3])

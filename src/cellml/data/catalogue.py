"""The data sets that recipes, studies and the demo ask for by name: where each comes from and how its content is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cellml.data.convert import Arrays, neuroproof_block


@dataclass(frozen=True)
class RemoteFile:
    """A file of a public source: its path below the route's base address, and its SHA-256 where one is published."""

    path: str
    sha256: str | None = None


@dataclass(frozen=True)
class Route:
    """One way to fetch a data set: a base address, the files below it, and what makes arrays of the folder they arrive in.

    `convert` may yield several readings of the same files; the fingerprint of the data set says which is meant.
    """

    base_url: str
    files: tuple[RemoteFile, ...]
    convert: Callable[[Path], Iterator[Arrays]]


@dataclass(frozen=True)
class DataSet:
    """What is known of a data set.

    file: its name in a data folder or the cache; arrays: names that must be in it; fingerprint: SHA-256 of the converted content
    (`cellml.data.convert.fingerprint`); routes: ways to fetch it, in order of preference; phantom_shape: (Z, Y, X) of the phantom that
    may stand in for it, or None where none may.
    """

    name: str
    file: str
    arrays: tuple[str, ...]
    description: str
    licence: str
    origin: str
    fingerprint: Mapping[str, str] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    phantom_shape: tuple[int, int, int] | None = None


_FIB25_SECTIONS = 170
_FIB25_LICENCE = "CC BY-SA, as found in the source's LICENSE.txt; cite Takemura et al., PNAS 112:13711 (2015)"
_NEUROPROOF = "github.com/janelia-flyem/neuroproof_examples"

# A commit at which training_sample2 is complete; no hashes of its files are published, so only the converted content is pinned.
_FIB25_FROM_GIT = Route(
    base_url="https://raw.githubusercontent.com/janelia-flyem/neuroproof_examples/e2b4945f57d9bc15a9b991d0ad4990f22a54e828/training_sample2",
    files=(
        RemoteFile("groundtruth.h5.gz"),
        *(RemoteFile(f"grayscale_maps/iso.{2600 + z}.png") for z in range(_FIB25_SECTIONS)),
    ),
    convert=partial(neuroproof_block, sections=_FIB25_SECTIONS),
)

# The same sample as the flood-filling networks distribute it; hashes as published in the FIB-25 loader of torch-em.
_FIB25_FROM_BUCKET = Route(
    base_url="https://storage.googleapis.com/ffn-flyem-fib25/training_sample2",
    files=(
        RemoteFile("grayscale_maps.h5", "ea031c98ee2de778a9a3a1e6d410df5de73e4ac28022df8e7255d84e3394cafa"),
        RemoteFile("groundtruth.h5", "fd508e7aee1fe51ac9ae0460db4a841d275236f013c1f2552314b4f21b1010ea"),
    ),
    convert=partial(neuroproof_block, sections=_FIB25_SECTIONS),
)

_ENTRIES = (
    DataSet(
        name="fib25_train2",
        file="fib25_train2_z000-169.npz",
        arrays=("raw", "neurons"),
        description="FIB-SEM of the Drosophila medulla (FIB-25), 170 × 250 × 250 voxels of 10 nm, dense neurite instances",
        licence=_FIB25_LICENCE,
        origin=f"{_NEUROPROOF}, training_sample2, sections 0–169",
        fingerprint={
            "raw": "164e437b91e07efa35673bb73644fc35cc0c06d291f9e2b86e05a48cb4a39e20",
            "neurons": "8ff8ac88e2aa143e5febbfecfe242ac46142e6acc4bdde86174dfa4278058eac",
        },
        routes=(_FIB25_FROM_GIT, _FIB25_FROM_BUCKET),
        phantom_shape=(_FIB25_SECTIONS, 250, 250),
    ),
    *(
        DataSet(
            name=f"fib25_valraw_{block}",
            file=f"fib25_valraw_{block}_256.npz",
            arrays=("raw",),
            description="FIB-SEM of the Drosophila medulla (FIB-25), 256³ voxels of 10 nm, image only",
            licence=_FIB25_LICENCE,
            origin=f"{_NEUROPROOF}, validation_sample",
        )
        for block in "AB"
    ),
    DataSet(
        name="vnc_stack1",
        file="vnc_stack1_y000-703.npz",
        arrays=("raw", "membrane", "mito", "synapse", "classes"),
        description="Serial-section TEM of the Drosophila larva ventral nerve cord, 20 × 704 × 1024 voxels of 45 × 4.6 × 4.6 nm, classes",
        licence="CC BY-NC-SA 3.0; cite Gerhard et al., figshare 856713",
        origin="github.com/unidesigner/groundtruth-drosophila-vnc, commit 4a5f051, stack1",
    ),
    DataSet(
        name="isbi2012",
        file="isbi2012_z00-21.npz",
        arrays=("raw", "membrane"),
        description="ISBI 2012 challenge, serial-section TEM, 22 × 512 × 512 voxels of 50 × 4 × 4 nm, membranes",
        licence="challenge terms: non-commercial; cite Cardona et al., PLoS Biology 8:e1000502 (2010)",
        origin="github.com/zhixuhao/unet, commit b45af4d, data/membrane/train",
    ),
    DataSet(
        name="cdeep3m_mito",
        file="cdeep3m_mito_training.npz",
        arrays=("raw", "mito"),
        description="Serial block-face SEM of brain, 20 × 1024 × 1024 voxels, mitochondria; the source states no voxel size",
        licence="University of California: educational, research and non-profit use",
        origin="github.com/CRBS/cdeep3m, commit abf9958, mito_testsample",
    ),
    DataSet(
        name="isl_well_A4",
        file="isl_well_A4_x000-671.npz",
        arrays=("phase", "dapi", "map2", "nfh"),
        description="One well of cultured neurons: 13 planes of phase contrast, and DAPI, MAP2 and NFH fluorescence, 1024 × 672 pixels; "
        "the source states no pixel size",
        licence="Apache-2.0; cite Christiansen et al., Cell 173:792 (2018)",
        origin="github.com/google/in-silico-labeling, commit 5db882b",
    ),
)

CATALOGUE: dict[str, DataSet] = {entry.name: entry for entry in _ENTRIES}

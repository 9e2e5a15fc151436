"""What a pipeline is told: one frozen dataclass a step, whose defaults are those of conf/pipeline.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cellml.arguments import check_arguments
from cellml.errors import CellmlError
from cellml.evaluation.objects import ObjectChoice


def _positive(owner: str, **numbers: float) -> None:
    for name, value in numbers.items():
        if not value > 0:
            raise CellmlError(f"{owner}.{name}={value} must be above 0.")


@dataclass(frozen=True)
class ImageStep:
    """The image as it is segmented.

    region: [start, stop] in voxels by axis (z, y, x), None or left out for all of it; filter: of `cellml filter`; repair: a checkpoint
    that restores images, such as one of a missing wedge; repair_wedge: first and last tilt and step in degrees, which it is told; noise:
    how much of the measured noise each draw adds; wedge: first and last tilt in degrees of what the image was reconstructed from: each
    draw fills what is missing by chance, with the power that was measured elsewhere.
    """

    region: Mapping[str, Sequence[int | None] | None] | None = None
    filter: Mapping[str, Any] | None = None
    repair: str | None = None
    repair_wedge: Sequence[float] | None = None
    noise: float = 1.0
    wedge: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 10:
            raise CellmlError(f"image.noise={self.noise} must be a factor from 0 (none is added) to 10.")
        if self.wedge is not None and not (len(self.wedge) >= 2 and -90 <= self.wedge[0] < self.wedge[1] <= 90):
            raise CellmlError(f"image.wedge={list(self.wedge)} must be the first and the last tilt in degrees, such as [-60,60].")
        if self.filter is not None and self.repair is not None:
            raise CellmlError("image.filter and image.repair cannot both be given; filter the image with `cellml filter` first.")


@dataclass(frozen=True)
class SegmentationStep:
    """tta: orientations in which each network is asked, at most those that voxels and network allow; temperature: a number or the JSON of
    `cellml calibrate`, for classes that are drawn; tile: voxels (z, y, x) instead of the checkpoint's; device: auto, cpu or cuda.
    """

    tta: int = 8
    temperature: float | str | None = None
    tile: Sequence[int] | None = None
    device: str = "auto"


@dataclass(frozen=True)
class SampleStep:
    """images, segmentations: numbers of draws, all pairs of which are segmented; correlation_nm: over which the network's doubts are
    shared, estimated from its orientations where None; decisiveness: 0 to 1, how far a draw decides what is in doubt, from the members'
    variance where None; thresholds: of the decoder, dealt out to the draws, its own where None; seed: of everything.
    """

    images: int = 4
    segmentations: int = 4
    correlation_nm: float | None = None
    decisiveness: float | None = None
    thresholds: Sequence[float] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.images <= 100 and 1 <= self.segmentations <= 100 and self.images * self.segmentations >= 2):
            raise CellmlError(
                f"samples.images={self.images} and samples.segmentations={self.segmentations} must be 1 to 100 each, and two or more draws "
                "together: one draw has no spread."
            )
        if self.decisiveness is not None and not 0 <= self.decisiveness <= 1:
            raise CellmlError(f"samples.decisiveness={self.decisiveness} must lie between 0 and 1.")
        if self.correlation_nm is not None:
            _positive("samples", correlation_nm=self.correlation_nm)
        if self.thresholds is not None and not (self.thresholds and all(0 <= t <= 1 for t in self.thresholds)):
            raise CellmlError(f"samples.thresholds={list(self.thresholds)} must be numbers from 0 to 1, at least one, such as [0.3,0.6].")
        if self.seed < 0:
            raise CellmlError(f"samples.seed={self.seed} must be 0 or more.")


@dataclass(frozen=True)
class ObjectStep:
    """Which objects are followed. table: a JSON list of {name, point_nm: [z, y, x], places}; where None, objects of the segmentation of
    min_voxels to max_voxels, `most` of them, drawn with `seed`, each at its deepest point.
    """

    table: str | None = None
    min_voxels: int = 10_000
    max_voxels: int = 100_000
    most: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        ObjectChoice(self.min_voxels, self.max_voxels, self.most, self.seed)  # refuses sizes that hold nothing

    @property
    def choice(self) -> ObjectChoice:
        """The choice by size."""
        return ObjectChoice(self.min_voxels, self.max_voxels, self.most, self.seed)


@dataclass(frozen=True)
class MeshStep:
    """tetrahedra: wanted in a mesh, thin shapes get more; meshings: factors on the edge of the cubes, each an own mesh of every sample:
    what the answers differ by is the mesh's part of the variance.
    """

    tetrahedra: int = 8000
    meshings: Sequence[float] = (1.0, 1.4)

    def __post_init__(self) -> None:
        if not 100 <= self.tetrahedra <= 5_000_000:
            raise CellmlError(f"meshes.tetrahedra={self.tetrahedra} must be a number from 100 to 5 million.")
        if not self.meshings or min(self.meshings) < 0.5 or max(self.meshings) > 4:
            raise CellmlError(f"meshes.meshings={list(self.meshings)} must be factors from 0.5 to 4, at least one, such as [1.0,1.4].")


@dataclass(frozen=True)
class SolveStep:
    """model: name of a shipped model or a model file; observables: names of those that are asked, such as [first_passage_time]."""

    model: str = "diffusion"
    observables: Sequence[str] = ("first_passage_time",)


@dataclass(frozen=True)
class PosteriorStep:
    """What turns answers into a posterior.

    level: of intervals; draws: of the posterior; calibration: JSON of `cellml.uncertainty.spread`, measured on objects with known truth,
    none where None; shrinkage, shrinkage_spread: by which factor lengths of the specimen must be multiplied to be those of the living
    one, and the spread of its logarithm; D_spread: spread of the logarithm of the diffusion coefficient; shrinkage_source, D_source: why;
    seed: of draws.
    """

    level: float = 0.9
    draws: int = 4000
    calibration: str | None = None
    shrinkage: float = 1.0
    shrinkage_spread: float = 0.05
    shrinkage_source: str = field(
        default="an assumption: aldehyde fixation shrank mouse cortex by 30 % in volume, 11 % in length (Korogod et al. 2015, eLife "
        "4:e05793), largely at the cost of extracellular space; what neurites lose is not known better than by half of that"
    )
    D_spread: float = 0.2
    D_source: str = "an assumption: coefficients of one molecule reported for cytosol differ by tens of per cent"
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.5 <= self.level < 1:
            raise CellmlError(f"posterior.level={self.level} must be a share from 0.5 to below 1, such as 0.9.")
        if not 100 <= self.draws <= 1_000_000:
            raise CellmlError(f"posterior.draws={self.draws} must be from 100 to a million.")
        _positive("posterior", shrinkage=self.shrinkage)
        if min(self.shrinkage_spread, self.D_spread) < 0:
            raise CellmlError("posterior.shrinkage_spread and posterior.D_spread must be at least 0.")


@dataclass(frozen=True)
class Recipe:
    """What all steps are told."""

    image: ImageStep
    segmentation: SegmentationStep
    samples: SampleStep
    objects: ObjectStep
    meshes: MeshStep
    solve: SolveStep
    posterior: PosteriorStep

    @classmethod
    def of(cls, given: Mapping[str, Mapping[str, Any] | None]) -> Recipe:
        """From mappings of fields by step, defaults where there are none.

        Raises CellmlError for unknown fields and values of another kind.
        """
        kinds: dict[str, Any] = {
            "image": ImageStep,
            "segmentation": SegmentationStep,
            "samples": SampleStep,
            "objects": ObjectStep,
            "meshes": MeshStep,
            "solve": SolveStep,
            "posterior": PosteriorStep,
        }
        made: dict[str, Any] = {}
        for name, kind in kinds.items():
            fields = {key: value for key, value in (given.get(name) or {}).items() if key != "_target_"}
            check_arguments(kind.__init__, fields, "pipeline", prefix=f"{name}.")
            made[name] = kind(**fields)
        return cls(**made)

    def files(self) -> Iterator[tuple[str, str]]:
        """The files that it names, each with the key that names it."""
        named = {
            "image.repair": self.image.repair,
            "segmentation.temperature": self.segmentation.temperature,
            "objects.table": self.objects.table,
            "posterior.calibration": self.posterior.calibration,
        }
        yield from ((key, value) for key, value in named.items() if isinstance(value, str))

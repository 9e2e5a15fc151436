"""The verb `pipeline`: an image in, the posterior of a physical answer out, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError, FileError
from cellml.pipeline.recipe import Recipe
from cellml.pipeline.step import Done, file_hash, run_step

STEPS = ("01_image", "02_segmentation", "03_samples", "04_meshes", "05_answers", "06_posterior")
MANIFEST = "pipeline.json"


def run_pipeline(
    input: str,
    output: str,
    checkpoint: str | Sequence[str],
    image: Mapping[str, Any] | None = None,
    segmentation: Mapping[str, Any] | None = None,
    samples: Mapping[str, Any] | None = None,
    objects: Mapping[str, Any] | None = None,
    meshes: Mapping[str, Any] | None = None,
    solve: Mapping[str, Any] | None = None,
    posterior: Mapping[str, Any] | None = None,
    spacing_nm: Sequence[float] | None = None,
    until: str = "posterior",
    workers: int = 1,
    trust: Sequence[str] = (),
    experiment: str | None = None,
) -> dict[str, Any]:
    """Run all steps whose artefacts are not there yet for these inputs (`cellml.pipeline.step`), each into a folder below `output`.

    input: a volume, `FILE.npz:NAME`, `FILE.h5:/dataset` or a known data set's name; checkpoint: of a segmentation, or a list that makes
    an ensemble; image … posterior: fields of the dataclasses of `cellml.pipeline.recipe`; until: the last step that is done; workers:
    processes for meshes and answers; trust: module prefixes that checkpoints may build classes from; experiment: the recipe's name, where
    one was chosen (it changes nothing here). Returns the numbers of each step. Raises CellmlError, before anything is written, for files
    that are not there and questions that no step answers, and as the steps do; what was done is kept. Raises it too while another process
    works in `output`.
    """
    from cellml.io.alone import alone_in

    last = [name for name in STEPS if name.partition("_")[2] == until]
    if not last:
        raise CellmlError(f"until={until} is no step; use one of {', '.join(name.partition('_')[2] for name in STEPS)}.")
    if workers < 1:
        raise CellmlError(f"workers={workers} must be at least 1.")
    given = {"image": image, "segmentation": segmentation, "samples": samples, "objects": objects}
    told = Recipe.of({**given, "meshes": meshes, "solve": solve, "posterior": posterior})
    checkpoints = [checkpoint] if isinstance(checkpoint, str) else list(checkpoint)
    run = _Run(Path(output).expanduser(), input, checkpoints, told, spacing_nm, workers, list(trust))
    if last[0] == STEPS[-1]:
        run.require_posterior()
    with alone_in(run.output):
        return run.steps(last[0])


class _Run:
    """One call of the verb: the recipe, and the steps done so far. What is asked for in vain is said before any of them."""

    def __init__(
        self,
        output: Path,
        input: str,
        checkpoints: list[str],
        told: Recipe,
        spacing_nm: Sequence[float] | None,
        workers: int,
        trust: list[str],
    ) -> None:
        from cellml.data.references import resolve
        from cellml.pipeline.answers import asked_model
        from cellml.pipeline.objects import read_objects_table

        self.output, self.checkpoints, self.workers, self.trust, self.spacing = output, checkpoints, workers, trust, spacing_nm
        self.image, self.segmentation, self.samples, self.objects = told.image, told.segmentation, told.samples, told.objects
        self.meshes, self.solve, self.posterior = told.meshes, told.solve, told.posterior
        for key, file in (*(("checkpoint", one) for one in checkpoints), *told.files()):
            if not Path(file).is_file():
                raise FileError(f"{key}={file}: there is no such file.")
        if not checkpoints:
            raise CellmlError("checkpoint=[] names no network; give the checkpoint of a segmentation, or several.")
        self.input, self.warning = resolve(input, "image")
        self.model = asked_model(told.solve)
        if told.objects.table is not None:
            read_objects_table(told.objects.table)
        self.done: dict[str, Done] = {}

    def require_posterior(self) -> None:
        """Raise CellmlError for an observable of which the last step could make no posterior, before hours are spent on its answers."""
        from cellml.pipeline.posterior import known_of

        known_of(self.model, self.posterior)

    def steps(self, last: str) -> dict[str, Any]:
        """Do the steps up to `last`; the manifest of all is written after each."""
        for name in STEPS[: STEPS.index(last) + 1]:
            self.done[name] = getattr(self, f"_{name.partition('_')[2]}")(self.output / name)
            self._write()
        if self.warning:
            print(self.warning)
        numbers = {name: dict(done.numbers) for name, done in self.done.items()}
        if "06_posterior" in numbers:
            _tell_posterior(self.output / "06_posterior")
        return numbers

    def _image(self, folder: Path) -> Done:
        from cellml.pipeline.image import make_image

        before = [_hash_of(self.input), *([file_hash(Path(self.image.repair))] if self.image.repair else [])]
        settings = {k: v for k, v in asdict(self.image).items() if k not in ("noise", "wedge")} | {"array": _array_of(self.input)}
        settings["spacing_nm"] = None if self.spacing is None else list(self.spacing)
        make = partial(make_image, input=self.input, spacing_nm=self.spacing, step=self.image)
        return run_step(folder, settings, before, make, tell=print)

    def _segmentation(self, folder: Path) -> Done:
        from cellml.pipeline.segmentation import make_segmentation

        settings = {"segmentation": asdict(self.segmentation), "objects": asdict(self.objects), "seed": self.samples.seed}
        if self.samples.correlation_nm is not None:  # else this step does not depend on it
            settings["correlation_nm"] = self.samples.correlation_nm
        files = [*self.checkpoints, *([self.objects.table] if self.objects.table else []), *_file_of(self.segmentation.temperature)]
        before = [self.done["01_image"].key, *(file_hash(Path(file)) for file in files)]

        def make(folder: Path) -> Mapping[str, Any]:
            image = self.done["01_image"].folder
            return make_segmentation(
                folder,
                image,
                self.checkpoints,
                self.segmentation,
                self.objects,
                correlation_nm=self.samples.correlation_nm,
                seed=self.samples.seed,
                trust=self.trust,
            )

        return run_step(folder, settings, before, make, tell=print)

    def _samples(self, folder: Path) -> Done:
        from cellml.pipeline.samples import make_samples

        settings = {"samples": asdict(self.samples), "noise": self.image.noise, "wedge": self.image.wedge}
        image, said = self.done["01_image"], self.done["02_segmentation"].numbers

        def make(folder: Path) -> Mapping[str, Any]:
            steps = (self.image, self.segmentation, self.samples)
            return make_samples(folder, image.folder, image.numbers["noise"], self.checkpoints, said, steps, trust=self.trust)

        return run_step(folder, settings, [self.done["02_segmentation"].key], make, tell=print)

    def _meshes(self, folder: Path) -> Done:
        from cellml.pipeline.meshes import make_meshes

        segmentation, drawn = self.done["02_segmentation"].folder, self.done["03_samples"].folder
        make = partial(make_meshes, segmentation=segmentation, drawn=drawn, samples=self.samples, step=self.meshes, workers=self.workers)
        return run_step(folder, asdict(self.meshes), [self.done["03_samples"].key], make, tell=print)

    def _answers(self, folder: Path) -> Done:
        from cellml.pipeline.answers import make_answers

        segmentation, meshes = self.done["02_segmentation"].folder, self.done["04_meshes"].folder
        model = [] if self.model.path is None else [file_hash(self.model.path)]
        make = partial(make_answers, segmentation=segmentation, meshes=meshes, step=self.solve, workers=self.workers)
        return run_step(folder, asdict(self.solve), [self.done["04_meshes"].key, *model], make, tell=print)

    def _posterior(self, folder: Path) -> Done:
        from cellml.pipeline.posterior import FORMAT, make_posterior

        before = [self.done["05_answers"].key, *(file_hash(Path(file)) for file in _file_of(self.posterior.calibration))]
        make = partial(make_posterior, answers=self.done["05_answers"].folder, solve=self.solve, step=self.posterior)
        return run_step(folder, {**asdict(self.posterior), "format": FORMAT}, before, make, tell=print)

    def _write(self) -> None:
        from cellml.io import write_json
        from cellml.provenance import versions

        steps = [
            {"step": d.name, "key": d.key, "seconds": d.seconds, "cpu_s": d.cpu_s, "reused": d.reused, **d.numbers}
            for d in self.done.values()
        ]
        about = {"input": self.input, "checkpoint": self.checkpoints, "warning": self.warning, "versions": versions()}
        total = {name: round(sum(getattr(d, name) for d in self.done.values()), 2) for name in ("seconds", "cpu_s")}
        write_json(self.output / MANIFEST, {**about, **total, "steps": steps})


def _file_of(value: float | str | None) -> list[str]:
    return [value] if isinstance(value, str) else []


def _array_of(reference: str) -> str:
    from cellml.io.location import locate

    return str(reference)[len(str(locate(reference).path)) :]


def _hash_of(reference: str) -> str:
    from cellml.io.location import locate

    return file_hash(Path(locate(reference).path))


def _tell_posterior(folder: Path) -> None:
    """A line for each answer, and one for each note on some of them."""
    import json

    from cellml.pipeline.posterior import FILE

    found = json.loads((folder / FILE).read_text(encoding="utf-8"))["posteriors"]
    for p in found:
        said = f"{p['estimate']:.4g} [{p['low']:.4g}, {p['high']:.4g}] {p['unit']}" if p["status"] == "ok" else p["status"]
        print(f"object {p['object']}, {p['observable']}: {said}")
    for note in dict.fromkeys(p["note"] for p in found if p["note"]):
        names = dict.fromkeys(p["object"] for p in found if p["note"] == note)
        print(f"Note on {', '.join(names)}: {note}.")

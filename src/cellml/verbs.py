"""The subcommands of `cellml`: which function each calls, what it is for, and an example."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verb:
    """A subcommand. target: "module:function", called with the configuration as keyword arguments, or as one object if `whole`."""

    target: str
    summary: str
    example: str
    whole: bool = False


VERBS: dict[str, Verb] = {
    "plan": Verb(
        "cellml.plan.command:plan_file",
        "an experiment file from data, with its reasons",
        "cellml plan data.path=volume.tif data.labels=labels.tif output=my_experiment.yaml",
    ),
    "train": Verb("cellml.run:train", "train a model", "cellml train experiment=segmentation/fib25_demo", whole=True),
    "infer": Verb(
        "cellml.infer.command:infer_file",
        "predict with a checkpoint",
        "cellml infer checkpoint=model.ckpt input=volume.tif output=labels.tif",
    ),
    "blockwise": Verb(
        "cellml.blocks.command:blockwise",
        "predict, decode, score and mesh volumes larger than memory",
        "cellml blockwise checkpoint=model.ckpt input=volume.zarr output=labels.zarr decode=components",
    ),
    "calibrate": Verb(
        "cellml.uncertainty.calibrate:calibrate_file",
        "how honest are the probabilities",
        "cellml calibrate checkpoint=model.ckpt output=calibration.json",
    ),
    "sample": Verb(
        "cellml.uncertainty.sample:sample_file",
        "draw geometries from probabilities",
        "cellml sample input=labels_probabilities.tif output=shape.tif correlation_nm=50",
    ),
    "filter": Verb(
        "cellml.imaging.command:filter_file", "filter or repair an image", "cellml filter input=volume.tif output=filtered.tif filter=nad"
    ),
    "project": Verb(
        "cellml.tomography.project_command:project_file",
        "the tilt series that a microscope would record of a volume",
        "cellml project input=volume.mrc output=tilts.mrc range=[-60,60] step=2 snr=10",
    ),
    "align": Verb(
        "cellml.tomography.alignment.command:align_file",
        "projections of a tilt series fitted together, without fiducials",
        "cellml align input=tilts.st output=tilts.ali",
    ),
    "reconstruct": Verb(
        "cellml.tomography.command:reconstruct_file",
        "a tilt series to a volume",
        "cellml reconstruct input=tilts.mrc output=volume.mrc method=sirt",
    ),
    "information": Verb(
        "cellml.tomography.information_command:information_file",
        "what of a repaired volume was inferred",
        "cellml information input=repaired.mrc output=inferred.mrc wedge=[-60,60,2]",
    ),
    "mesh": Verb("cellml.meshing.command:mesh_file", "labels to tetrahedra", "cellml mesh input=labels.tif output=cell.vtu"),
    "simulate": Verb(
        "cellml.sim.command:simulate_file", "solve a model on a mesh", "cellml simulate mesh=cell.vtu model=diffusion output=solution"
    ),
    "populate": Verb(
        "cellml.populations.command:populate",
        "a model in every shape of a population, in parallel",
        "cellml populate source=spines model=spine_decay output=population workers=2",
    ),
    "associate": Verb(
        "cellml.populations.associate_command:associate_file",
        "which features of shapes go with what was simulated in them",
        "cellml associate table=population/table.csv output=association",
    ),
    "explain": Verb(
        "cellml.interpret.explain_command:explain_file",
        "what each subsystem of a visible network is worth",
        "cellml explain checkpoint=model.ckpt table=cells.csv output=subsystems.csv",
    ),
    "model": Verb(
        "cellml.sim.imports.command:import_model",
        "SBML or Antimony to a model file",
        "cellml model input=binding.ant output=binding.yaml assume_units=true",
    ),
    "estimate": Verb(
        "cellml.sim.estimation.command:estimate_file",
        "parameters from measurements",
        "cellml estimate mesh=cell.vtu model=binding.yaml measurements=measured.csv output=estimates",
    ),
    "export": Verb(
        "cellml.sharing.export_command:export_files",
        "a network to ONNX, torch.export or bioimage.io; a model on a mesh to FEniCSx, SMART, STEPS, MCell or VCell",
        "cellml export checkpoint=model.ckpt output=model.onnx",
    ),
    "card": Verb(
        "cellml.sharing.card_command:card_file",
        "a model card of a checkpoint: data, training, scores, limits, energy",
        "cellml card checkpoint=model.ckpt output=MODEL_CARD.md",
    ),
    "models": Verb("cellml.sharing.models_command:list_models", "the reference checkpoints, and how to use each", "cellml models"),
    "view": Verb(
        "cellml.viewing.command:view_files",
        "an image, labels, uncertainty and meshes in napari or in a browser",
        "cellml view input=volume.tif labels=labels.tif meshes=cell.vtu serve=true",
    ),
    "contours": Verb(
        "cellml.annotation.contours_command:contours_file",
        "contours traced in IMOD to labels, and back",
        "cellml contours input=traced.mod image=volume.mrc output=labels.tif",
    ),
    "annotate": Verb(
        "cellml.annotation.annotate_command:annotate_file",
        "scribbles and proofreading in napari",
        "cellml annotate input=volume.tif labels=labels.tif",
    ),
    "recipe": Verb(
        "cellml.annotation.recipe_command:recipe_file",
        "candidate objects by a classical recipe",
        "cellml recipe recipe=mitochondria_threshold input=volume.tif output=candidates.tif",
    ),
    "accept": Verb(
        "cellml.annotation.recipe_command:accept_file",
        "accepted candidates to training labels",
        "cellml accept candidates=candidates.tif output=training.tif shell_nm=100",
    ),
    "fuse": Verb(
        "cellml.annotation.fuse_command:fuse_files",
        "labels of several annotators to a consensus, and how well they agree",
        "cellml fuse inputs=[anna.tif,ben.tif,carla.tif] output=consensus.tif",
    ),
    "generate": Verb(
        "cellml.shapes.generation.command:generate_file",
        "new certified shapes from a trained model of shapes",
        "cellml generate checkpoint=model.ckpt count=20 output=spines",
    ),
    "morph": Verb(
        "cellml.shapes.paths.command:morph_file",
        "a path between two shapes, every frame a certified mesh",
        "cellml morph checkpoint=model.ckpt start=likely end=unlikely output=path",
    ),
    "fill": Verb(
        "cellml.shapes.organelles.command:fill_file",
        "a cell filled with organelles of learned kinds",
        "cellml fill input=cell.tif output=filled 'organelles={vesicles: {examples: vesicles.tif, count: 200}}'",
    ),
    "pipeline": Verb(
        "cellml.pipeline.command:run_pipeline",
        "an image to the posterior of a physical answer",
        "cellml pipeline input=volume.mrc checkpoint=model.ckpt output=runs/pipeline",
    ),
    "render": Verb(
        "cellml.shapes.synthetic.command:render_files",
        "synthetic tissue as images with labels, to train on",
        "cellml render output=blocks count=4",
    ),
    "score": Verb(
        "cellml.metrics.command:score_files", "compare a prediction with the truth", "cellml score prediction=labels.tif truth=truth.tif"
    ),
    "leaderboard": Verb(
        "cellml.evaluation.leaderboard_command:leaderboard_of",
        "models ranked by overlap and by their simulated answers",
        "cellml leaderboard runs=[runs/a,runs/b,runs/c]",
    ),
    "compare": Verb(
        "cellml.shapes.evaluation.command:compare_files",
        "generated shapes against real ones",
        "cellml compare generated=model.ckpt real=held_out/ train=trained_on/ output=compared.json",
    ),
    "sweep-report": Verb(
        "cellml.sweeps.report_command:sweep_report",
        "table and figure of a sweep's jobs",
        "cellml sweep-report input=runs/search",
    ),
    "report": Verb("cellml.report.command:write_report", "one HTML page of a run", "cellml report input=runs/demo output=report.html"),
    "check": Verb("cellml.data.command:check_file", "what is wrong with my data", "cellml check data.path=volume.tif"),
    "studies": Verb("cellml.report.studies:print_studies", "measured numbers against their targets", "cellml studies"),
    "demo": Verb("cellml.demo.command:run_demo", "all steps joined, on real brain tissue", "cellml demo output=runs/demo"),
}

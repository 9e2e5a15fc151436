"""Training, from a composed configuration to a checkpoint that predicts."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from cellml.acceleration import batch_norms_together, compile_network, gathered, lay_out
from cellml.errors import CellmlError
from cellml.fitting import fit_at_once, is_fitted_at_once, require_plain
from cellml.hydra_job import job_overrides, output_folder
from cellml.initialisation import initialise
from cellml.logged_history import keep_logged_rows
from cellml.preemption import another_start_if_warned, cluster_plugins
from cellml.resume import resume_point
from cellml.sweeps.own_folder import train_in_own_folder, was_finished, where_to_go_on
from cellml.termination import termination_as_interrupt

log = logging.getLogger(__name__)


def train(config: DictConfig) -> float | None:
    """Seed, data, task, plan, trainer, fit, choose the decoder on the validation blocks, write `model.ckpt`.

    Returns the value of `training.objective` for sweeps, or None where it was not logged. The run folder is Hydra's output folder. A job
    of a sweep that is begun again in its folder, after whatever ended it, goes on from its last checkpoint, and one that was finished
    returns its value at once; so does a run that SLURM started again, or whose own folder is named by `resume`.
    """
    import pytorch_lightning as pl

    folder = output_folder()
    with termination_as_interrupt(), another_start_if_warned():
        if getattr(pl.utilities.rank_zero_only, "rank", 0) != 0:
            return None if was_finished(config, folder) else _train_in(folder, config)
        return train_in_own_folder(folder, config, lambda: _train_in(folder, config))


def _train_in(folder: Path, config: DictConfig) -> float | None:
    """The steps of `train`, in a folder that is this run's own."""
    _require_complete(config)
    import pytorch_lightning as pl
    from hydra.utils import instantiate

    _silence()
    pl.seed_everything(config.seed, workers=True)
    _set_threads()
    data = instantiate(config.data, _convert_="all")
    data.setup()
    for warning in data.warnings:
        log.warning(warning)
    task = instantiate(config.task, _convert_="all")
    require_fit(task, data)
    for key, content in getattr(task, "inlined", dict)().items():  # what files held goes into the checkpoint in place of their names
        OmegaConf.update(config, key, content, merge=False)
    resume = resume_point(where_to_go_on(config, folder), config)
    if is_fitted_at_once(task):
        require_plain(config)
    else:
        if resume is None:
            initialise(task, config.training.initialise_from)
        task.transfer(config.training.freeze, config.training.layer_rates, config.training.rate_decay)
        lay_out(task, config.training.channels_last)
    settings = plan(config, task, data, resume)
    record = make_run_record(config, data, settings)
    trainer = build_trainer(config, folder, record, settings)
    if resume is not None and resume[0].is_relative_to(folder):
        keep_logged_rows(trainer.loggers, int(resume[1]["step"]))
    compile_network(task, config.training.compile)
    fit(trainer, task, data, None if resume is None else str(resume[0]))
    metrics = measured(trainer, {} if resume is None else resume[1].get("metrics", {}))
    write_model(trainer, gathered(task, trainer, config), data, folder, {**record, "metrics": metrics})
    _close_loggers(trainer)
    return metrics.get(config.training.objective)


def measured(trainer: Any, before: Mapping[str, float]) -> dict[str, float]:
    """The latest metrics; where a run that was trained to its end goes on, those of its checkpoint."""
    return {**before, **{name: float(value) for name, value in trainer.callback_metrics.items() if value.numel() == 1}}


def plan(config: DictConfig, task: Any, data: Any, resume: tuple[Path, dict[str, Any]] | None) -> Any:
    """The training plan of this configuration, or the one of the checkpoint that is resumed."""
    import torch

    from cellml.training import TrainingPlan, plan_training

    gpu = str(config.trainer.accelerator) in ("gpu", "cuda", "auto") and torch.cuda.is_available()
    if str(config.trainer.accelerator) in ("gpu", "cuda") and not gpu:
        raise CellmlError(
            "trainer=gpu was asked for, but torch sees no CUDA device here; use trainer=cpu, or install a CUDA build of torch."
        )
    if is_fitted_at_once(task):
        return TrainingPlan("32-true", max_steps=1, validate_every=1)
    return plan_training(
        task,
        data,
        precision=str(config.training.precision),
        max_steps=config.training.max_steps,
        budget_minutes=config.training.budget_minutes,
        validations=config.training.validations,
        resumed=None if resume is None else resume[1]["plan"],
        gpu=gpu,
        alone=config.trainer.devices == 1 and config.trainer.get("num_nodes", 1) == 1,
    )


def fit(trainer: Any, task: Any, data: Any, position: str | None) -> None:
    """Train, from a position if one is given. Raises KeyboardInterrupt after Ctrl-C, for which Lightning would exit with code 1, and
    Terminated after SIGTERM or a cluster's warning.
    """
    import signal

    from cellml.callbacks.interrupt import KeepPosition

    if is_fitted_at_once(task):
        fit_at_once(trainer, task, data)
        return
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(task, data, ckpt_path=position, weights_only=True)
    except SystemExit:
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, handler)  # Lightning leaves it deaf
        next(callback for callback in trainer.callbacks if isinstance(callback, KeepPosition)).stop()


def require_fit(task: Any, data: Any) -> None:
    """Raise CellmlError where the network and the data do not go together: channels, or a patch that the network cannot halve."""
    channels, wanted = data.contract["channels"], getattr(task.net, "in_channels", data.contract["channels"])
    if channels != wanted:
        raise CellmlError(f"The images have {channels} channel(s), but the network takes {wanted}; set task.net.in_channels={channels}.")
    multiple = getattr(task.net, "multiple", (1, 1, 1))
    if any(p % m for p, m in zip(data.patch, multiple, strict=True)):
        raise CellmlError(f"data.patch is {list(data.patch)} voxels (z, y, x), but the network needs multiples of {list(multiple)}.")
    classes = getattr(task.target, "classes", None)
    if classes is not None and hasattr(data, "require_classes"):
        data.require_classes(classes)
    _warn_of_other_spacing(task.net, data.contract["spacing_nm"])


def _warn_of_other_spacing(net: Any, spacing: list[float]) -> None:
    """Pixel features have widths in nm; with another voxel size they would silently be wider or narrower than asked for."""
    given = getattr(getattr(net, "features", None), "spacing", None)
    if given is not None and any(abs(a - b) > 0.02 * b for a, b in zip(given, spacing, strict=True)):
        log.warning(
            "The pixel features are made for voxels of %s nm (z, y, x), and the images have %s nm, so their widths are not those asked "
            "for; set task.net.features.spacing=[%s] (task.net.spacing for thresholds and watersheds).",
            list(given), spacing, ",".join(f"{s:g}" for s in spacing),
        )  # fmt: skip


def build_trainer(config: DictConfig, folder: Path, record: dict[str, Any], settings: Any) -> Any:
    """Lightning's Trainer with the configured callbacks and loggers, and the callbacks that every run has."""
    from hydra.utils import instantiate

    from cellml.callbacks.checkpoints import AtomicCheckpointIO
    from cellml.callbacks.contract import CheckpointContract
    from cellml.callbacks.cost import TrainingCost
    from cellml.callbacks.interrupt import KeepPosition
    from cellml.callbacks.missed_validation import MissedValidation
    from cellml.callbacks.progress import Progress
    from cellml.callbacks.seeded_steps import SeededSteps

    callbacks = [*instantiate(config.callbacks, _convert_="all").values()]
    callbacks = [c for c in callbacks if c is not None]
    loggers = [logger for logger in instantiate(config.logger, _convert_="all").values() if logger is not None]
    norms = batch_norms_together(config.trainer)
    plugins = [*norms.pop("plugins"), *instantiate(config.trainer.get("plugins") or [], _convert_="all"), *cluster_plugins()]
    every = settings.validate_every * int(config.trainer.get("accumulate_grad_batches") or 1)  # in batches
    return instantiate(
        config.trainer,
        _convert_="all",
        default_root_dir=str(folder),
        precision=settings.precision,
        max_steps=settings.max_steps,
        max_epochs=-1,
        val_check_interval=every,
        check_val_every_n_epoch=None,
        callbacks=[
            *callbacks,
            CheckpointContract(record),
            TrainingCost(),
            MissedValidation(every),
            SeededSteps(int(config.seed)),
            KeepPosition(folder / "checkpoints" / "last.ckpt"),
            *([Progress()] if config.trainer.get("enable_progress_bar", True) else []),
        ],
        logger=loggers,
        plugins=[*plugins, AtomicCheckpointIO()],
        **norms,
    )


def make_run_record(config: DictConfig, data: Any, settings: Any) -> dict[str, Any]:
    """What the checkpoint says of itself."""
    from cellml.checkpoint import make_record
    from cellml.sharing.data_facts import configured_facts

    text = OmegaConf.to_yaml(config, resolve=True)
    target = config.task.target
    return make_record(
        text,
        str(config.task._target_),
        data.contract,
        plan=settings.as_dict(),
        overrides=job_overrides(),
        labels=list(target.get("classes") or []),
        warnings=data.warnings,
        provenance=getattr(data, "provenance", {}),
        data=[facts.as_dict() for facts in configured_facts(OmegaConf.to_container(config.data, resolve=True))],  # type: ignore[arg-type]
        seed=int(config.seed),
    )


def write_model(trainer: Any, task: Any, data: Any, folder: Path, record: dict[str, Any]) -> None:
    """Take the best weights, choose the decoder's parameters on the validation blocks, and write `model.ckpt`."""
    from cellml import checkpoint
    from cellml.callbacks.cost import cost_of
    from cellml.tasks.decoder_choice import choose_decoder

    if not trainer.is_global_zero:
        return
    best = getattr(trainer.checkpoint_callback, "best_model_path", "")
    if best and Path(best).is_file():
        task.load_state_dict(checkpoint.read(best)["state_dict"])
    choice = choose_decoder(task, data, folder)
    config = OmegaConf.create(record["config"])
    if choice.config is not None:
        config.task.decoder = choice.config
    record = {
        **record,
        "config": OmegaConf.to_yaml(config, resolve=True),
        "metrics": {**record["metrics"], **choice.scores},
        "step": int(trainer.global_step),
        "training": cost_of(trainer).as_dict(),
    }
    checkpoint.write(folder / "model.ckpt", task.prediction_state(), record)
    log.info("Wrote %s", folder / "model.ckpt")


def _require_complete(config: DictConfig) -> None:
    missing = sorted(str(key) for key in OmegaConf.missing_keys(config))
    if missing:
        raise CellmlError(
            f"Missing: {', '.join(missing)}. Choose a recipe with experiment=…, or give each as an argument ({missing[0]}=VALUE)."
        )
    for name in ("max_steps", "budget_minutes", "validations"):
        value = config.training[name]
        if value is not None and (not isinstance(value, int | float) or value <= 0):
            raise CellmlError(f"training.{name}={value} must be a positive number.")
    if not config.resume and (config.training.max_steps is None) == (config.training.budget_minutes is None):
        raise CellmlError(
            "Say how long to train: training.max_steps=N or training.budget_minutes=M (one, the other null); "
            "or choose a recipe that does, experiment=…"
        )


def _silence() -> None:
    """Keep quiet about what is so by design: our sampler knows its position, patches are read in the process, and logs share the run's
    folder.
    """
    import warnings

    for noisy in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.seed"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for message in (
        ".*dataloader is not resumable.*",
        ".*smaller than the logging interval.*",
        ".*does not have many workers.*",
        "Experiment logs directory .* exists and is not empty.*",
        "Checkpoint directory .* exists and is not empty.*",
        ".*`srun` command is available.*",  # so it is on every login node
        ".*LeafSpec.*",
        ".*in eval mode at the start of training.*",  # frozen parts are
        ".*manual optimization and every_n_train_steps.*",  # the state after the step is what resuming needs
    ):
        warnings.filterwarnings("ignore", message=message)


def _set_threads() -> None:
    import torch

    if hasattr(os, "sched_getaffinity") and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(len(os.sched_getaffinity(0)))


def _close_loggers(trainer: Any) -> None:
    for logger in trainer.loggers:
        logger.finalize("success")
        if type(logger).__name__ == "WandbLogger":
            import wandb

            wandb.finish()

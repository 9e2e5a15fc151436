"""What Hydra knows of the job that is running: its folder, its overrides, and whether it is one of many."""

from __future__ import annotations

from pathlib import Path


def output_folder() -> Path:
    """The folder of this job."""
    from hydra.core.hydra_config import HydraConfig

    return Path(HydraConfig.get().runtime.output_dir)


def job_overrides() -> list[str]:
    """The overrides of this job's own configuration, without those of Hydra."""
    from hydra.core.hydra_config import HydraConfig

    return list(HydraConfig.get().overrides.task)


def in_sweep() -> bool:
    """Whether this is a job of a sweep (`--multirun`)."""
    from hydra.core.hydra_config import HydraConfig

    return "MULTIRUN" in str(HydraConfig.get().mode)

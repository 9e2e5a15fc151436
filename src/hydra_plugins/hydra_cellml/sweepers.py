"""The sweeper of the extra cellml[sweep] whose study is kept; Hydra reads this at every start, so it imports nothing heavy."""

from __future__ import annotations

from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class OptunaSweeper(Sweeper):
    """Optuna's study of many jobs, as `cellml.sweeps.study.KeptStudy` explains."""

    def __init__(self, **settings: Any) -> None:
        from cellml.errors import CellmlError

        try:
            from cellml.sweeps.study import KeptStudy
        except ImportError as error:
            raise CellmlError(f"hydra/sweeper=optuna needs the extra: pip install 'cellml[sweep]' ({error}).") from error
        self.study = KeptStudy(**settings)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take over the configuration."""
        self.study.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> Any:
        """Run what the study still lacks."""
        return self.study.sweep(arguments)

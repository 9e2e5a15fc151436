"""`hydra/sweeper=optuna` and `hydra/launcher=joblib` mean cellml's; Hydra reads this at every start, so it imports nothing heavy.

A file of conf/ cannot bear these names, since Hydra would check it against the plugins' own settings. So these settings take the place of
theirs once all plugins have been read, which is when search paths are asked for. No annotation is postponed here, for Hydra runs the
module before it is listed in sys.modules, where dataclasses would look them up.
"""

from dataclasses import dataclass
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.plugins.search_path_plugin import SearchPathPlugin

_NODES: dict[tuple[str, str], Any] = {}

try:
    from hydra_plugins.hydra_joblib_launcher.config import JobLibLauncherConf
except ImportError:  # the extra is not installed
    pass
else:

    @dataclass
    class JoblibConf(JobLibLauncherConf):
        """joblib's settings: n_jobs, jobs at a time, -1 for one a core."""

        _target_: str = "hydra_plugins.hydra_cellml.launchers.JoblibLauncher"
        n_jobs: int = 2

    _NODES["hydra/launcher", "joblib"] = JoblibConf

try:
    from hydra_plugins.hydra_optuna_sweeper.config import OptunaSweeperConf
except ImportError:  # the extra is not installed
    pass
else:

    @dataclass
    class OptunaConf(OptunaSweeperConf):
        """Optuna's settings: the study stands in the sweep's folder, n_trials counts those of earlier calls, and failures are marked."""

        _target_: str = "hydra_plugins.hydra_cellml.sweepers.OptunaSweeper"
        storage: Any | None = "sqlite:///${hydra.sweep.dir}/study.db"
        study_name: str | None = "sweep"
        max_failure_rate: float = 1.0

    _NODES["hydra/sweeper", "optuna"] = OptunaConf


class CellmlNames(SearchPathPlugin):
    """Adds no search path; puts cellml's settings in the place of the plugins'."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called after all plugins have been read and before anything is composed."""
        for (group, name), node in _NODES.items():
            ConfigStore.instance().store(group=group, name=name, node=node, provider="cellml")

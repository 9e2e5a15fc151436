"""Launchers of the extra cellml[sweep] whose jobs may die; Hydra reads this at every start, so it imports nothing heavy.

No annotation is postponed here, for Hydra runs the module before it is listed in sys.modules, where dataclasses would look them up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn

try:
    from hydra_plugins.hydra_submitit_launcher import config as submitit_config
    from hydra_plugins.hydra_submitit_launcher import submitit_launcher
except ImportError:  # the extra is not installed
    pass
else:

    @dataclass
    class LocalConf(submitit_config.LocalQueueConf):
        """submitit's settings, and what is done about jobs that die."""

        _target_: str = "hydra_plugins.hydra_cellml.launchers.LocalLauncher"
        array_parallelism: int = 256
        retries: int = 1
        poll_s: float = 1.0

    @dataclass
    class SlurmConf(submitit_config.SlurmQueueConf):
        """submitit's settings, and what is done about jobs that die."""

        _target_: str = "hydra_plugins.hydra_cellml.launchers.SlurmLauncher"
        retries: int = 1
        poll_s: float = 15.0

    class LocalLauncher(submitit_launcher.LocalLauncher):  # type: ignore[misc]
        """Jobs as processes of this machine."""

        def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
            """Run the jobs and return what became of each."""
            from cellml.sweeps.launching import launch

            return launch(self, job_overrides, initial_job_idx)

    class SlurmLauncher(submitit_launcher.SlurmLauncher):  # type: ignore[misc]
        """Jobs as one array of SLURM."""

        def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
            """Run the jobs and return what became of each."""
            from cellml.sweeps.launching import launch

            return launch(self, job_overrides, initial_job_idx)

    ConfigStore.instance().store(group="hydra/launcher", name="cellml_local", node=LocalConf, provider="cellml")
    ConfigStore.instance().store(group="hydra/launcher", name="cellml_slurm", node=SlurmConf, provider="cellml")


try:
    from hydra_plugins.hydra_joblib_launcher import joblib_launcher
except ImportError:  # the extra is not installed
    pass
else:

    class JoblibLauncher(joblib_launcher.JoblibLauncher):  # type: ignore[misc]
        """Jobs in a pool of processes."""

        def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
            """Run the jobs; where one takes the pool down, run each in a pool of its own, where those that were finished end at once."""
            from cellml.sweeps.launching import launch_apart

            return launch_apart(super().launch, job_overrides, initial_job_idx)

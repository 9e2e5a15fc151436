"""A real SLURM of one node, without systemd: munge, MariaDB, slurmdbd, slurmctld and slurmd as plain processes.

Debian's packages `slurm-wlm munge slurmdbd mariadb-server` are installed if they are missing. Accounting is needed, for submitit asks sacct
what became of a job that left no answer. `python tests/slurm/cluster.py` starts it, prints `sinfo`, and stops it again.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = ("slurm-wlm", "munge", "slurmdbd", "mariadb-server")
PROGRAMS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd", "sbatch", "sacct")


class NoClusterError(RuntimeError):
    """Why there can be no SLURM here."""


def install() -> None:
    """Install what is missing. Raises NoClusterError where that is not possible."""
    if os.geteuid() != 0:
        raise NoClusterError("SLURM's daemons need root")
    if all(_program(name) for name in PROGRAMS):
        return
    if shutil.which("apt-get") is None:
        raise NoClusterError("there is no apt-get to install SLURM with")
    given = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", *words], env=given, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise NoClusterError(f"apt-get {words[0]} failed: {done.stderr.strip()[-300:]}")


@contextmanager
def running(folder: Path, cpus: int = 2) -> Iterator[None]:
    """The daemons, with all their files in `folder`; whatever happens, they are stopped at the end.

    cpus: of the node as SLURM sees it. Raises NoClusterError where a daemon does not come up.
    """
    install()
    started: list[subprocess.Popen[bytes]] = []
    before = os.environ.get("SLURM_CONF")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _munge(folder, started)
        _database(folder, started)
        _slurm(folder, started, cpus)
        os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
        yield
    finally:
        subprocess.run(["scancel", "--user=root"], capture_output=True, timeout=60, check=False)
        for process in reversed(started):
            process.terminate()
        for process in reversed(started):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        if before is None:
            os.environ.pop("SLURM_CONF", None)
        else:
            os.environ["SLURM_CONF"] = before


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _start(folder: Path, started: list[subprocess.Popen[bytes]], name: str, *words: str, user: str | None = None) -> None:
    program = _program(name)
    assert program is not None
    with (folder / f"{name}.out").open("wb") as stream:
        started.append(subprocess.Popen([program, *words], stdout=stream, stderr=subprocess.STDOUT, user=user))


def _until(what: str, folder: Path, *words: str, seconds: float = 120, contains: str = "") -> None:
    """Wait until a command succeeds and prints what it should."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode == 0 and contains in done.stdout:
            return
        time.sleep(0.5)
    logs = "\n".join(f"{path.name}: {path.read_text(errors='replace')[-600:]}" for path in sorted(folder.glob("*.out")))
    raise NoClusterError(f"{what} did not come up within {seconds:g} s: {done.stdout} {done.stderr}\n{logs}")


def _munge(folder: Path, started: list[subprocess.Popen[bytes]]) -> None:
    """munged, as the user munge, who must own its key and its socket's folder."""
    key = Path("/etc/munge/munge.key")
    if not key.is_file():
        key.write_bytes(os.urandom(1024))
        shutil.chown(key, "munge", "munge")
        key.chmod(0o400)
    Path("/run/munge").mkdir(exist_ok=True)
    shutil.chown("/run/munge", "munge", "munge")
    Path("/run/munge").chmod(0o755)
    _start(folder, started, "munged", "--foreground", "--force", user="munge")
    _until("munged", folder, "munge", "--no-input")


def _database(folder: Path, started: list[subprocess.Popen[bytes]]) -> None:
    """MariaDB with files, socket and user of its own."""
    data, server_socket = folder / "database", folder / "database.sock"
    subprocess.run(
        ["mariadb-install-db", "--user=root", f"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db"],
        capture_output=True,
        timeout=120,
        check=True,
    )
    _start(
        folder, started, "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={server_socket}", "--port=33061",
        "--bind-address=127.0.0.1", f"--pid-file={folder}/database.pid", "--innodb-buffer-pool-size=64M",
    )  # fmt: skip
    client = ["mariadb", "--no-defaults", f"--socket={server_socket}", "--user=root"]
    _until("MariaDB", folder, *client, "--execute=select 1")
    grant = "create database if not exists slurm_acct_db; create user if not exists 'slurm'@'127.0.0.1' identified by 'slurm'; "
    grant += "create user if not exists 'slurm'@'localhost' identified by 'slurm'; "
    grant += "grant all on slurm_acct_db.* to 'slurm'@'127.0.0.1'; grant all on slurm_acct_db.* to 'slurm'@'localhost'"
    subprocess.run([*client, f"--execute={grant}"], check=True, timeout=60, capture_output=True)


def _slurm(folder: Path, started: list[subprocess.Popen[bytes]], cpus: int) -> None:
    """slurmdbd, slurmctld and slurmd, all as root on this host."""
    host = socket.gethostname().split(".")[0]
    memory = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20 * 0.9)
    for name in ("state", "spool"):
        (folder / name).mkdir(exist_ok=True)
    database = folder / "slurmdbd.conf"
    database.write_text(
        f"DbdHost={host}\nSlurmUser=root\nAuthType=auth/munge\nStorageType=accounting_storage/mysql\nStorageHost=127.0.0.1\nStoragePort=33061\n"
        f"StorageUser=slurm\nStoragePass=slurm\nStorageLoc=slurm_acct_db\nPidFile={folder}/slurmdbd.pid\nLogFile={folder}/slurmdbd.log\n"
    )
    database.chmod(0o600)
    (folder / "slurm.conf").write_text(
        f"ClusterName=test\nSlurmctldHost={host}\nSlurmUser=root\nSlurmdUser=root\nAuthType=auth/munge\nAuthInfo=cred_expire=10\n"
        "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n"
        f"AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost={host}\nJobAcctGatherType=jobacct_gather/linux\n"
        f"StateSaveLocation={folder}/state\nSlurmdSpoolDir={folder}/spool\nSlurmctldPidFile={folder}/ctld.pid\nSlurmdPidFile={folder}/slurmd.pid\n"
        f"SlurmctldLogFile={folder}/slurmctld.log\nSlurmdLogFile={folder}/slurmd.log\nReturnToService=2\nKillWait=20\nMinJobAge=300\n"
        "JobRequeue=1\nSchedulerType=sched/backfill\nMpiDefault=none\n"
        f"NodeName={host} CPUs={cpus} RealMemory={memory} State=UNKNOWN\n"
        f"PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO\n"
    )
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    # slurmdbd looks for its settings beside SLURM_CONF.
    _start(folder, started, "slurmdbd", "-D")
    _until("slurmdbd", folder, "sacctmgr", "--noheader", "show", "cluster")
    subprocess.run(["sacctmgr", "--immediate", "add", "cluster", "test"], capture_output=True, timeout=60, check=False)
    subprocess.run(["sacctmgr", "--immediate", "add", "account", "root", "cluster=test"], capture_output=True, timeout=60, check=False)
    _start(folder, started, "slurmctld", "-D", "-f", str(folder / "slurm.conf"))
    _start(folder, started, "slurmd", "-D", "-f", str(folder / "slurm.conf"))
    _until("SLURM", folder, "sinfo", "--noheader", "--format=%t", contains="idle")


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as name, running(Path(name)):
        print(subprocess.run(["sinfo"], capture_output=True, text=True, check=True).stdout)

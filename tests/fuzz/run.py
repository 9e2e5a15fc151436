"""Fuzz the readers: python tests/fuzz/run.py [readers=tiff,mrc] [seconds=600] [engine=atheris|random] [seed=0]

Each reader gets so many seconds, in a process of its own with 3 GB of memory to spare. A file that a reader neither reads nor refuses with a
documented error is kept in tests/fuzz/corpus/READER, where `make test` reads it ever after, and printed. Exit status 1 where there are any.
engine=atheris is led by coverage and needs the extra cellml[fuzz]; random, the default without it, damages the sound files blindly.
"""

from __future__ import annotations

import faulthandler
import hashlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from mutations import mutated  # noqa: E402
from target import Target  # noqa: E402
from targets import TARGETS  # noqa: E402
from trial import finding_of, make_seeds  # noqa: E402

CORPUS = HERE / "corpus"
_SPARE = 3 << 30
_PATIENCE_S = 120.0


def main(words: list[str]) -> int:
    """All readers after one another; a child that dies has found something, and another goes on from there."""
    given = dict(word.split("=", 1) for word in words)
    if "child" in given:
        return _child(TARGETS[given["child"]], Path(given["work"]), given["engine"], float(given["seconds"]), int(given["seed"]))
    engine = given.get("engine") or _best_engine()
    names, seconds, seed = given.get("readers", ",".join(TARGETS)).split(","), float(given.get("seconds", 600)), int(given.get("seed", 0))
    found = 0
    for name in names:
        before = _processor_s()
        count, findings = _fuzz(name, engine, seconds, seed)
        found += len(findings)
        told = (
            f"{name:14} {count:8} files, {len(findings)} findings ({engine}, {seconds:.0f} s, {_processor_s() - before:.0f} s of processor)"
        )
        print(told, *findings, sep="\n  ", flush=True)
    return int(found > 0)


def _processor_s() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _best_engine() -> str:
    try:
        import atheris  # noqa: F401
    except ImportError:
        return "random"
    return "atheris"


def _fuzz(name: str, engine: str, seconds: float, seed: int) -> tuple[int, list[str]]:
    findings: dict[str, str] = {}
    count, ends = 0, time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        make_seeds(TARGETS[name], work / "seeds")
        while (left := ends - time.monotonic()) > 1:
            words = [f"child={name}", f"work={work}", f"engine={engine}", f"seconds={left:.0f}", f"seed={seed}"]
            latest = work / "seeds" / f"latest{TARGETS[name].suffix}"
            done = _run(words, latest)
            count += int((work / "count").read_text() or 0) if (work / "count").exists() else 0
            seed += 1
            if done.returncode == 0:
                break
            said = (work / "said").read_text() if (work / "said").exists() else ""
            what = said or f"the process died ({done.returncode}): {done.stderr.strip()[-300:]}"
            (work / "said").unlink(missing_ok=True)
            if not latest.exists():
                raise SystemExit(f"{name}: no file was read; {what}")
            key = what.split("(")[0][:60]
            if key not in findings:
                findings[key] = f"{_keep(name, latest)}: {what}"
    return count, list(findings.values())


def _run(words: list[str], latest: Path) -> subprocess.CompletedProcess[str]:
    """A child; one that libraries keep busy with one file, beyond the reach of signals, is ended. latest: the file that is being read."""
    command = [sys.executable, __file__, *words]
    latest.unlink(missing_ok=True)
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, text=True) as child:
        while child.poll() is None:
            time.sleep(0.2)
            if latest.exists() and time.time() - latest.stat().st_mtime > _PATIENCE_S:
                child.kill()
                return subprocess.CompletedProcess(command, -9, "", "it hung")
        said.seek(0)
        return subprocess.CompletedProcess(command, child.returncode, "", said.read())


def _keep(name: str, path: Path) -> Path:
    data = path.read_bytes()
    kept = CORPUS / name / f"{hashlib.sha256(data).hexdigest()[:12]}{TARGETS[name].suffix}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(data)
    return kept.relative_to(HERE)


def _child(target: Target, work: Path, engine: str, seconds: float, seed: int) -> int:
    faulthandler.enable()
    seeds = [
        path for path in sorted((work / "seeds").iterdir()) if path.name.endswith(target.suffix) and not path.name.startswith("latest")
    ]
    latest, aside = (work / "seeds" / f"latest{what}{target.suffix}" for what in ("", "_next"))
    for path in seeds:  # imports what the reader needs, before memory is limited
        finding_of(target, path)
    size = int(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmSize"))) << 10
    resource.setrlimit(resource.RLIMIT_AS, (size + _SPARE, size + _SPARE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
    os.chdir(work)
    counter = work / "count"
    tried = 0

    def one(data: bytes) -> None:
        nonlocal tried
        tried += 1
        aside.write_bytes(data)  # renamed, so that a process that is ended at any moment leaves a whole file to keep
        aside.replace(latest)
        if tried % 50 == 1:
            counter.write_text(str(tried))
        said = finding_of(target, latest)
        if said:
            counter.write_text(str(tried))
            (work / "said").write_text(said)
            os._exit(77)

    if engine == "random":
        dice, ends = random.Random(seed), time.monotonic() + seconds
        contents = [path.read_bytes() for path in seeds]
        while time.monotonic() < ends:
            one(mutated(dice.choice(contents), dice))
        counter.write_text(str(tried))
        return 0
    import atheris

    (work / "grown").mkdir(exist_ok=True)
    for path in seeds:
        (work / "grown" / path.name).write_bytes(path.read_bytes())
    atheris.instrument_all()
    options = [f"-max_total_time={seconds:.0f}", f"-seed={seed + 1}", "-rss_limit_mb=0", "-timeout=120", "-max_len=20000", "-verbosity=0"]

    def chosen(data: bytes, limit: int, number: int) -> bytes:
        dice = random.Random(number)
        return mutated(data, dice)[:limit] if dice.random() < 0.5 and data else bytes(atheris.Mutate(data, limit))

    atheris.Setup(["fuzz", *options, str(work / "grown")], one, custom_mutator=chosen)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

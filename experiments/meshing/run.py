"""Mesh real and hostile objects by the hundred: `python experiments/meshing/run.py set=all shard=0/1 workers=2`, then `… run.py summary`.

Each object is one row of `<set>.csv`, appended when it is finished; what has a row is skipped, so an interrupted run goes on where it
was. shard=1/4 takes every fourth object, from the second; objects=5 stops after five of them; into=FOLDER puts the tables elsewhere.
"""

from __future__ import annotations

import csv
import fcntl
import io
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rows import COLUMNS, Item, Row, row_of
from sets import SETS, names
from summary import summarise

from cellml.errors import CellmlError

HERE = Path(__file__).parent


def table(folder: Path, set: str) -> Path:
    """The file with the rows of a set."""
    return folder / f"{set}.csv"


def finished(path: Path) -> frozenset[str]:
    """Names of the objects that have a row."""
    if not path.is_file():
        return frozenset()
    with path.open(encoding="utf-8", newline="") as file:
        return frozenset(row["object"] for row in csv.DictReader(file))


def append(path: Path, row: Row) -> None:
    """Add one row, whole or not at all, also where several processes write."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0, io.SEEK_END)
        if file.tell() == 0:
            writer.writeheader()
        writer.writerow({key: " ".join(str(value).split()) for key, value in row.items()})
        file.write(text.getvalue())


def run(items: Iterable[Item], folder: Path, workers: int, commit: str) -> None:
    """Mesh objects, `workers` at a time, and append a row for each as it is finished."""
    with ThreadPoolExecutor(workers) as pool:
        for waiting in as_completed([pool.submit(row_of, item, commit) for item in items]):
            row = waiting.result()
            append(table(folder, row["set"]), row)
            print(
                f"{row['set']:13} {row['object']:42.42} {row['outcome']:12} {row.get('cpu_s', ''):>8} s "
                f"{row.get('reason') or row.get('contradictions', '')}"[:200],
                flush=True,
            )


def main(words: list[str]) -> None:
    options = {"set": "all", "shard": "0/1", "workers": "2", "objects": "", "into": str(HERE)}
    options |= dict(word.split("=", 1) for word in words if word != "summary")
    folder = Path(options["into"])
    if "summary" in words:
        summarise(folder)
        return
    first, every = (int(n) for n in options["shard"].split("/"))
    chosen = list(SETS) if options["set"] == "all" else options["set"].split(",")
    unknown = [name for name in chosen if name not in SETS]
    if unknown:
        raise CellmlError(f"There is no set {unknown[0]!r}; there are {', '.join(SETS)}.")
    from cellml.provenance import commit

    items = [Item(set, name) for set in chosen for name in names(set)[first::every] if name not in finished(table(folder, set))]
    run(items[: int(options["objects"]) if options["objects"] else None], folder, int(options["workers"]), commit())


if __name__ == "__main__":
    main(sys.argv[1:])

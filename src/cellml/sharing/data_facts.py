"""What a checkpoint was trained on, where that came from, and under which licence, as far as anybody recorded it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

# Keys of data modules that name files or data sets.
_KEYS = ("path", "image", "images", "labels", "source", "structure", "inner", "tables", "mask")

# Data sets that recipes use as files, without an entry in the catalogue: (beginning of the name, what it is, licence, origin).
_FILES = (
    (
        "spines",
        "Surface meshes of dendritic spines, 31 confocal image stacks, stretched along z",
        "GPL-3.0 repository",
        "github.com/spbstu-applied-math/SpineTool.Software, commit 6b8ac18",
    ),
    (
        "urocell_labels",
        "FIB-SEM of urothelium, labels of organelles only",
        "CC BY-NC-SA 4.0",
        "github.com/MancaZerovnikMekuc/UroCell, commit 4bab22a",
    ),
)


@dataclass(frozen=True)
class DataFacts:
    """name: as the training named it; description, licence, origin: "" where nobody recorded them."""

    name: str
    description: str = ""
    licence: str = ""
    origin: str = ""

    def as_dict(self) -> dict[str, str]:
        """Plain values, for a checkpoint."""
        return asdict(self)


def data_facts(record: Mapping[str, Any]) -> list[DataFacts]:
    """The data of a checkpoint's record: what was recorded in training, or what its configuration and the catalogue say."""
    import yaml

    recorded = record.get("data")
    if isinstance(recorded, list):
        return [DataFacts(**{key: str(one.get(key, "")) for key in ("name", "description", "licence", "origin")}) for one in recorded]
    config = yaml.safe_load(record["config"])
    return configured_facts(config.get("data") or {})


def configured_facts(data: Mapping[str, Any]) -> list[DataFacts]:
    """The data sets and files that the configuration of a data module names, each once, and code where it draws its data."""
    if "procedural" in str(data.get("_target_", "")) or "synthetic" in str(data.get("_target_", "")):
        made = str(data["_target_"]).rpartition(".")[2]
        return [DataFacts(f"procedural ({made})", "Images and shapes drawn by code, no real tissue", "none needed", "cellml itself")]
    return [_known(name) for name in dict.fromkeys(_names(data))]


def _known(name: str) -> DataFacts:
    from cellml.data.catalogue import CATALOGUE

    if name in CATALOGUE:
        entry = CATALOGUE[name]
        return DataFacts(name, entry.description, entry.licence, entry.origin)
    last = name.replace("\\", "/").rpartition("/")[2]
    for beginning, description, licence, origin in _FILES:
        if last.startswith(beginning):
            return DataFacts(last, description, licence, origin)
    return DataFacts(last)


def _names(node: Any, key: str = "") -> Iterator[str]:
    """Texts under the keys that name files, without the array's name and the folder's path inside an archive."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _names(value, str(name))
    elif isinstance(node, str):
        if key in _KEYS and node:
            yield node.partition(":")[0]
    elif isinstance(node, Sequence):
        for value in node:
            yield from _names(value, key)

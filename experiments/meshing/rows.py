"""One object to one row: mesh it in a process of its own, measure the result, check what is claimed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from isolate import Ended, run_isolated
from judge import contradictions, gate_failure_is_true, undue_losses
from measure import Boundary, Measures, measure
from reference import Reference
from refusals import Case, verify
from sets import Source, load

from cellml.errors import CellmlError
from cellml.meshing import Gate, MeshResult

COLUMNS = (
    *("set", "object", "kind", "outcome", "reason", "reason_kind", "reason_verified", "contradictions", "voxels", "labels", "spacing"),
    *("cpu_s", "wall_s", "peak_mb", "tets", "dihedral_min", "dihedral_p1", "tets_below_10", "surface_angle_min", "surface_angle_max"),
    *("volume_error_max", "thin_volume_error_max", "distance_p99", "distance_back_p99", "lost", "components_before", "components"),
    *("euler_before", "euler", "closed_form_error", "repairs", "commit"),
)
TIMEOUT_S = 300.0  # asked of the mesher; more than its default, because a machine on which studies run is busy
TIMEOUTS_S = {"fib25": 600.0, "hostile": 120.0}  # of hostile volumes, that of a user
GRACE_S = 240.0  # after which a process that should have stopped is killed: a hang
FEWEST_VOXELS = 27  # connected through faces: smaller fragments may be given to their surroundings
LIMIT_MB = 6000.0

Row = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """An object of the study by name, so that it can be made again inside another process."""

    set: str
    object: str


def row_of(item: Item, commit: str) -> Row:
    """Mesh an object, whatever happens, and say what happened."""
    ended = run_isolated(_mesh, item, limit_s=TIMEOUTS_S.get(item.set, TIMEOUT_S) + GRACE_S, limit_mb=LIMIT_MB)
    row = {"set": item.set, "object": item.object, "commit": commit, "wall_s": round(ended.wall_s, 3), **_outcome(ended)}
    return {"peak_mb": round(ended.peak_mb, 1), **row}


def _outcome(ended: Ended) -> Row:
    if ended.how == "done":
        return ended.result
    return {"outcome": ended.how, "reason": ended.why, "reason_verified": False}


def _mesh(mark: Callable[[str], None], item: Item) -> Row:
    """What runs in the process of its own."""
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

    def cpu() -> float:
        return sum(used.ru_utime + used.ru_stime for used in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))

    source = load(item.set, item.object)
    timeout_s = TIMEOUTS_S.get(item.set, TIMEOUT_S)
    mark("begin")
    began, cpu_began = time.monotonic(), cpu()
    refusal, result = "", None
    try:
        result = source.mesh(timeout_s)
    except CellmlError as error:
        refusal = str(error)
    took = {"cpu_s": round(cpu() - cpu_began, 3), "wall_s": round(time.monotonic() - began, 3)}
    mark("end")
    row = _described(source) | took
    if result is None:
        verdict = verify(refusal, Case(source.labels, source.label, took["wall_s"], timeout_s))
        return row | {"outcome": "refused", "reason": refusal, "reason_kind": verdict.kind, "reason_verified": verdict.verified}
    return row | _judged(source, result)


def _described(source: Source) -> Row:
    """Size and frame of what is meshed."""
    labels = source.labels
    if labels is None:
        return {"kind": source.kind, "labels": 1}
    numbers = source.numbers()
    return {
        "kind": source.kind,
        "voxels": int(np.isin(labels.data, numbers).sum()),
        "labels": len(numbers),
        "spacing": "x".join(f"{s:g}" for s in labels.spacing),
    }


def _judged(source: Source, result: MeshResult) -> Row:
    """Our own measurements of a mesh, and what they say about its certificate."""
    gate, certificate = Gate(), result.certificate
    measures = measure(result.mesh, _by_region(source.references(), result))
    row = _numbers(measures) | {"repairs": "; ".join(certificate.repairs)}
    if source.closed_form_nm3 is not None:
        row["closed_form_error"] = round(float(result.mesh.volumes().sum()) / source.closed_form_nm3 - 1, 6)
    said = "; ".join(certificate.passes(gate))
    if said:
        return row | {"outcome": "failed_gate", "reason": said, "reason_verified": gate_failure_is_true(said, measures, gate, result.mesh)}
    debris = [] if source.labels is None else undue_losses(source.labels, measures, FEWEST_VOXELS)
    return row | {"outcome": "certified", "contradictions": "; ".join([*contradictions(measures, gate), *debris])}


def _by_region(references: dict[int, Reference], result: MeshResult) -> dict[int, Reference]:
    """References by the number of their region: labels beyond 2³¹ are renumbered and keep their number in the region's name."""
    renumbered = {
        int(name.removeprefix("label_")): n for n, name in result.mesh.region_names.items() if name.removeprefix("label_").isdigit()
    }
    return {renumbered.get(number, number): reference for number, reference in references.items()}


def _numbers(measures: Measures) -> Row:
    regions = list(measures.regions.values())
    thin = [abs(r.volume_error) for r in regions if r.thickness < 3]
    thick = [abs(r.volume_error) for r in regions if r.thickness >= 3]
    return {
        "tets": measures.tets,
        "dihedral_min": round(measures.dihedral_min, 3),
        "dihedral_p1": round(measures.dihedral_p1, 3),
        "tets_below_10": measures.tets_below_10,
        "surface_angle_min": round(measures.surface_angle_min, 3),
        "surface_angle_max": round(measures.surface_angle_max, 3),
        "volume_error_max": round(max(thick), 6) if thick else "",
        "thin_volume_error_max": round(max(thin), 6) if thin else "",
        "distance_p99": round(max(r.distance_p99 for r in regions), 4),
        "distance_back_p99": round(max(r.distance_back_p99 for r in regions), 4),
        "lost": len(measures.lost),
        **{name: _joined(regions, name) for name in ("components_before", "components", "euler_before", "euler")},
    }


def _joined(regions: list[Boundary], name: str) -> str:
    return " ".join(str(getattr(region, name)) for region in regions)

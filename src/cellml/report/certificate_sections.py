"""Certificates of meshes as tables: verdict, shapes, topology, distances, membranes, and what was repaired.

Certificates are read as they lie beside the meshes; what an older one does not state shows as a dash.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from cellml.report.comparison_tables import percent
from cellml.report.markup import Html, details, escape, number, table

Certificates = Sequence[tuple[str, str, Mapping[str, Any]]]  # object, geometry (truth, prediction or –), certificate

_MANY = 12  # rows, beyond which a table is folded


def certificate_tables(certificates: Certificates) -> Html:
    """All that certificates state, at least one: the verdict first, and everything as text in a block that folds open."""
    parts = [
        _verdicts(certificates),
        _gate_failures(certificates),
        _by_region(certificates, "Shapes of tetrahedra and boundaries", _SHAPES, _shape),
        _by_region(certificates, "Topology of each region", _TOPOLOGY, _topology),
        _by_region(certificates, "Volume and distance from the source", _DISTANCE, _distance),
        _membranes(certificates),
        _triple_lines(certificates),
        _repairs(certificates),
        _in_full(certificates),
    ]
    return Html("".join(parts))


def _verdicts(certificates: Certificates) -> Html:
    header = ["object", "geometry", "gate", "conforming", "inverted", "crossing facets", "parts", "dihedral from (°)"]
    header += ["surface angles (°)", "volume error", "p99 distance (voxels)", "CPU time (s)"]
    rows = []
    for name, role, c in certificates:
        errors = [abs(float(r["volume_error"])) for _, r in _regions(c) if r.get("volume_error") is not None]
        numbers = [c.get(key) for key in ("conforming", "inverted_tets", "crossing_facets", "components", "dihedral_min_deg")]
        angles = _span(c.get("surface_angle_min_deg"), c.get("surface_angle_max_deg"))
        volume = percent(max(errors)) if errors else None
        rows.append([name, role, _verdict(c), *numbers, angles, volume, c.get("distance_p99_voxels"), c.get("cpu_s")])
    return table(header, rows, text_columns=3)


def _verdict(certificate: Mapping[str, Any]) -> str:
    failures = certificate.get("gate_failures")
    if failures is None:
        return "–"
    return "passed" if not failures else f"failed ({len(failures)})"


def _gate_failures(certificates: Certificates) -> Html:
    said = [(name, role, reason) for name, role, c in certificates for reason in c.get("gate_failures") or ()]
    return _listed("Why a gate was failed", said)


def _repairs(certificates: Certificates) -> Html:
    said = [(name, role, repair) for name, role, c in certificates for repair in c.get("repairs") or ()]
    return _listed("What was repaired", said)


def _listed(title: str, said: Sequence[tuple[str, str, str]]) -> Html:
    if not said:
        return Html("")
    items = "".join(
        f"<li>{escape(' '.join(part for part in (name, role) if part != '–'))}: {escape(text)}</li>" for name, role, text in said
    )
    return _folded(title, Html(f"<ul>{items}</ul>"), len(said))


_SHAPES = [
    "tetrahedra",
    "dihedral min",
    "p1",
    "median",
    "max (°)",
    "below 10°",
    "radius ratio min",
    "median",
    "edges (nm)",
    "surface angles (°)",
]


def _shape(region: Mapping[str, Any]) -> list[Any] | None:
    quality, surface = region.get("quality"), region.get("surface") or {}
    if not quality:
        return None
    dihedral = [quality.get(f"dihedral_{which}_deg") for which in ("min", "p1", "median", "max")]
    ratio = [quality.get(f"radius_ratio_{which}") for which in ("min", "median")]
    edges = _span(quality.get("edge_min_nm"), quality.get("edge_max_nm"))
    angles = _span(surface.get("angle_min_deg"), surface.get("angle_max_deg"))
    return [quality.get("tets"), *dihedral, percent(quality.get("share_below_10_deg", 0.0)), *ratio, edges, angles]


_TOPOLOGY = ["closed", "oriented", "manifold", "components", "Euler number of the boundary"]


def _topology(region: Mapping[str, Any]) -> list[Any]:
    flags = [region.get(flag) for flag in ("closed", "oriented", "manifold")]
    components = _change(region.get("components_before"), region.get("components"))
    return [*flags, components, _change(region.get("euler_before"), region.get("euler"))]


def _change(before: Any, after: Any) -> str:
    return number(after) if before is None or before == after else f"{number(before)} → {number(after)}"


_DISTANCE = [
    "volume (µm³)",
    "of the source",
    "error",
    "mesh to source: mean",
    "p99",
    "largest (nm)",
    "source to mesh: mean",
    "p99",
    "largest (nm)",
]
_DISTANCE += ["p99 (voxels)"]


def _distance(region: Mapping[str, Any]) -> list[Any] | None:
    found, before = region.get("distance"), region.get("voxel_volume_nm3")
    if before is None:
        return None
    ways = [(found or {}).get(way) or {} for way in ("to_source", "to_mesh")]
    lengths = [way.get(f"{which}_nm") for way in ways for which in ("mean", "p99", "largest")]
    volumes = [float(region["volume_nm3"]) / 1e9, float(before) / 1e9]
    return [*volumes, percent(region.get("volume_error") or 0.0), *lengths, region.get("distance_p99_voxels")]


def _by_region(
    certificates: Certificates, title: str, columns: Sequence[str], cells: Callable[[Mapping[str, Any]], list[Any] | None]
) -> Html:
    rows = []
    for name, role, certificate in certificates:
        for region, values in _regions(certificate):
            if (line := cells(values)) is not None:
                rows.append([name, role, region, *line])
    if not rows:
        return Html("")
    return _folded(title, table(["object", "geometry", "region", *columns], rows, text_columns=3), len(rows))


def _membranes(certificates: Certificates) -> Html:
    rows = [
        [name, role, membrane, q.get("facets"), float(q.get("area_nm2", 0.0)) / 1e6, _span(q.get("angle_min_deg"), q.get("angle_max_deg"))]
        for name, role, c in certificates
        for membrane, q in dict(c.get("membranes") or {}).items()
    ]
    if not rows:
        return Html("")
    header = ["object", "geometry", "membrane", "triangles", "area (µm²)", "angles (°)"]
    return _folded("Named facets", table(header, rows, text_columns=3), len(rows))


def _triple_lines(certificates: Certificates) -> Html:
    rows = [
        [name, role, ", ".join(line["regions"]), line["edges"], line["length_nm"] / 1e3]
        for name, role, c in certificates
        for line in c.get("triple_lines") or ()
    ]
    others = sum(int(c.get("other_branching_edges") or 0) for _, _, c in certificates)
    if not rows and not others:
        return Html("")
    said = "nowhere else" if not others else f"at {others} other edges, which are defects"
    caption = f"Where three regions and more meet, the union of all membranes branches; it does so {said}."
    header = ["object", "geometry", "regions", "edges", "length (µm)"]
    return _folded("Triple lines", table(header, rows, text_columns=3, caption=caption), len(rows))


def _in_full(certificates: Certificates) -> Html:
    blocks = "".join(f"<h4>{escape(name)} {escape(role)}</h4><pre>{escape(_text(c))}</pre>" for name, role, c in certificates)
    return details("Certificates in full", Html(blocks))


def _text(certificate: Mapping[str, Any]) -> str:
    """Indented JSON with each list of numbers on one line."""
    return json.dumps(_shortened(certificate), indent=1, ensure_ascii=False)


def _shortened(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, list) and len(value) > 3 and all(isinstance(v, int | float) for v in value):
        return ", ".join(f"{v:g}" for v in value)
    return value


def _regions(certificate: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, r) for name, r in dict(certificate.get("regions") or {}).items() if isinstance(r, dict))


def _span(low: Any, high: Any) -> str:
    return "–" if low is None or high is None else f"{number(float(low), 3)}–{number(float(high), 3)}"


def _folded(title: str, body: Html, rows: int) -> Html:
    return details(f"{title} ({rows} rows)", body) if rows > _MANY else Html(f"<h3>{escape(title)}</h3>{body}")

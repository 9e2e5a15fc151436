"""A certificate as tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.box import Box
    from rich.table import Table

    from cellml.meshing.certificate import Certificate


def certificate_tables(certificate: Certificate) -> list[Table]:
    """Regions against their source, shapes of tetrahedra and facets, and the lines where three regions meet."""
    tables = [_regions(certificate), _shapes(certificate)]
    return tables + ([_lines(certificate)] if certificate.triple_lines else [])


def _plain() -> Box:
    from rich.box import SIMPLE

    return SIMPLE


def _regions(certificate: Certificate) -> Table:
    from rich.table import Table

    columns = ("region", "volume µm³", "error", "distance nm", "boundary", "parts", "Euler")
    title = f"{certificate.name}: {certificate.points} points, {certificate.tets} tetrahedra"
    caption = (
        "error: of the volume, against the source · distance: to the source, 99th percentile / largest · source values where they differ"
    )
    table = Table(
        *columns,
        title=title,
        caption=caption if certificate.volume_error is not None else None,
        box=_plain(),
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for name, region in certificate.regions.items():
        far = region.distance
        table.add_row(
            name,
            f"{region.volume_nm3 * 1e-9:.4g}",
            "–" if region.volume_error is None else f"{100 * region.volume_error:+.2f} %",
            "–" if far is None else f"{far.p99_nm:.3g} / {far.hausdorff_nm:.3g}",
            ", ".join(region.faults) or "closed manifold",
            _change(region.components_before, region.components),
            _change(region.euler_before, region.euler),
        )
    return table


def _change(before: int | None, after: int) -> str:
    return str(after) if before is None or before == after else f"{after} (source {before})"


def _shapes(certificate: Certificate) -> Table:
    from rich.table import Table

    columns = ("region", "tets", "dihedral °", "< 10°", "ratio", "edges nm", "surface °")
    caption = "smallest, 1st percentile and largest dihedral angle · share of tetrahedra with one below 10° · smallest radius ratio"
    table = Table(*columns, title="Shapes", caption=caption, box=_plain(), padding=(0, 1, 0, 0), pad_edge=False)
    rows = [(name, region.quality, region.surface) for name, region in certificate.regions.items()]
    if len(rows) > 1:
        rows.append(("all", certificate.quality, certificate.surface))
    for name, quality, surface in rows:
        table.add_row(
            name,
            str(quality.tets),
            f"{quality.dihedral_min_deg:.1f}, {quality.dihedral_p1_deg:.1f}, {quality.dihedral_max_deg:.0f}",
            f"{100 * quality.share_below_10_deg:.2g} %",
            f"{quality.radius_ratio_min:.2f}",
            f"{quality.edge_min_nm:.3g}–{quality.edge_max_nm:.3g}",
            f"{surface.angle_min_deg:.0f}–{surface.angle_max_deg:.0f}",
        )
    return table


def _lines(certificate: Certificate) -> Table:
    from rich.table import Table

    table = Table(
        "where these meet",
        "edges",
        "length µm",
        title="Lines of three regions and more",
        box=_plain(),
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for line in certificate.triple_lines:
        table.add_row(", ".join(line.regions), str(line.edges), f"{line.length_nm * 1e-3:.4g}")
    return table

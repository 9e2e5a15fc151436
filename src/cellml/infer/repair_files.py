"""Files in, a repaired volume out: a reconstruction, its halves, its tilt series, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def repair_files(
    task: Any,
    window: Any,
    files: Sequence[str],
    name: str,
    output: str,
    contract: Mapping[str, Any],
    *,
    tilts: str | None = None,
    angles: Any = None,
    wedge: Sequence[float] | None = None,
    thickness: int | None = None,
    consistency: bool = True,
    information: bool | str = True,
    spacing_nm: Sequence[float] | None = None,
    axes: str | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """Repair what was given to `cellml infer`, whose arguments these are: from the series alone, or a volume with or without its series.

    files: what `input` names, name: in words; contract: of the checkpoint. Returns seconds and voxels. Raises CellmlError where files,
    series and checkpoint disagree, as `recorded_series`, `repair_series` and `repair_volume` do.
    """
    from cellml.checkpoint import require_match
    from cellml.infer.information import map_target
    from cellml.infer.opened import open_input
    from cellml.infer.recorded import given_series
    from cellml.infer.repair import repair_volume
    from cellml.infer.repair_series import repair_series

    where = map_target(information, output, [*files, *([] if tilts is None else [tilts])], consistency=consistency)
    asked: dict[str, Any] = {"consistency": consistency, "information": where}
    series, alone = given_series(files, tilts, contract, name, angles=angles, spacing_nm=spacing_nm, wedge=wedge)
    if series is not None and alone:
        return repair_series(task, window, series, output, contract, thickness=thickness, device=device, **asked)
    with open_input(files, spacing_nm, axes) as image:
        require_match(contract, spacing_nm=image.spacing, channels=len(image.channels) or 1, name=name)
        return repair_volume(task, window, image, name, output, contract, wedge=wedge, series=series, **asked)

"""Two real tomograms of microtubules: what their wedge looks like, in sections and in the spectrum."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.io import read_volume
from cellml.metrics.wedge_correlation import apodised
from cellml.report.figure_style import figure_style, new_figure
from cellml.types import Volume

HERE = Path(__file__).parent
NAMES = {"cylindra_13pf_MT.tif": "13 protofilaments", "cylindra_14pf_MT.tif": "14 protofilaments"}
SPACING_NM = 1.052
PLANES = {"kz, kx": (0, 2), "kz, ky": (0, 1)}


def spectrum(volume: Volume, plane: tuple[int, int]) -> NDArray[np.float64]:
    """Mean power over the third axis, log₁₀, as an image over the plane with frequency 0 in the middle, ±1/2 cycles a voxel."""
    power = np.abs(np.fft.fftshift(np.fft.fftn(apodised(volume.data)))) ** 2
    third = ({0, 1, 2} - set(plane)).pop()
    return np.asarray(np.log10(power.mean(axis=third) + 1e-30))


def by_direction(image: NDArray[np.float64], bins: int = 90) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions (bins,) in degrees from the second axis, −90 to 90, and mean log₁₀ power between 1/10 and 2/5 cycles a voxel there."""
    first, second = (np.fft.fftshift(np.fft.fftfreq(n)) for n in image.shape)
    radius, angle = np.hypot(first[:, None], second), np.rad2deg(np.arctan(first[:, None] / np.where(second == 0, 1e-9, second)))
    band = (radius > 0.1) & (radius < 0.4)
    index = np.clip(((angle + 90) / 180 * bins).astype(int), 0, bins - 1)[band]
    count = np.bincount(index, minlength=bins)
    mean = np.bincount(index, weights=image[band], minlength=bins) / np.where(count > 0, count, np.nan)
    return -90 + 180 * (np.arange(bins) + 0.5) / bins, mean


def main() -> None:
    """microtubules.png, and the directions between which each tomogram has power."""
    folder = Path(os.environ.get("CELLML_DATA", ""))
    if not all((folder / name).is_file() for name in NAMES):
        print("no microtubules: the cylindra tomograms are not in the folder that CELLML_DATA names")
        return
    with figure_style():
        figure = new_figure(13, 6)
        for row, (file, title) in zip(figure.subplots(2, 5), NAMES.items(), strict=True):
            volume = read_volume(folder / file, spacing_nm=(SPACING_NM,) * 3)
            z, y, _ = volume.shape
            sections = ((f"{title}: z = {z // 2}", volume.data[z // 2], "x", "y"), (f"y = {y // 2}", volume.data[:, y // 2], "x", "z"))
            for axes, (name, section, across, down) in zip(row, sections, strict=False):
                extent = (0, section.shape[1] * SPACING_NM, section.shape[0] * SPACING_NM, 0)
                axes.imshow(section, cmap="gray", extent=extent)
                axes.set(title=name, xlabel=f"{across} (nm)", ylabel=f"{down} (nm)")
                axes.grid(False)
            for axes, (name, plane) in zip(row[2:], PLANES.items(), strict=False):
                image = spectrum(volume, plane)
                axes.imshow(
                    image, cmap="cividis", extent=(-0.5, 0.5, 0.5, -0.5), vmin=np.percentile(image, 2), vmax=np.percentile(image, 99.5)
                )
                axes.set(
                    title=f"log power, {name}",
                    xlabel=f"{name[4:]} (cycles per voxel)",
                    ylabel="kz (cycles per voxel)",
                    xticks=(-0.5, 0, 0.5),
                )
                axes.grid(False)
                angles, power = by_direction(image)
                row[4].plot(angles, power, label=name)
                strong = angles[power > np.nanmax(power) - 1]
                print(f"{file}, {name}: power within a factor of 10 of the most from {strong.min():.0f}° to {strong.max():.0f}°")
            row[4].set(title="Power by direction", xlabel="angle from kz = 0 (°)", ylabel="log₁₀ power")
            row[4].legend()
        figure.savefig(HERE / "microtubules.png", dpi=110)


if __name__ == "__main__":
    main()

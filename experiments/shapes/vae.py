"""Is a shape told better by a bent space than by PCA's flat one, with as many numbers, where its image stack was never seen?

    CELLML_DATA=… python experiments/shapes/vae.py

All spines as aligned vector-valued harmonics of degree 10, in five folds of stacks; `ResidualVae` learns PCA and residual from four and
reconstructs the fifth by its best codes, as PCA does by its own (the projection). A row of vae_rows.csv is a spine.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.data.labelled_mesh import folds_by_group
from cellml.metrics.bootstrap import Bootstrap
from cellml.nets.kernel_bend import KernelBend
from cellml.nets.residual_vae import ResidualVae
from cellml.report.rows import append_row, read_rows

HERE = Path(__file__).parent
DEGREE, FOLDS, ROUNDS = 10, 5, 3
LATENTS = (8, 16, 32)
COUNTS = (40, 80, 160)  # training shapes of the learning curve, at 16 numbers


def coefficients() -> tuple[Tensor, list[str], list[str]]:
    """Aligned coefficients of the spines in the frame of their base, (N, 3, 121) nm, their names and stacks."""
    from cellml.shapes.alignment import Alignment
    from cellml.shapes.correspondence import aligned_coefficients
    from cellml.shapes.reading import read_population

    population = read_population("spines:base")
    found = aligned_coefficients(population, DEGREE, Alignment(rotate="none"), skip=True)
    print(*found.report, *(f"{name} has no harmonics: {why}" for name, why in found.left_out), sep="\n")
    stack_of = dict(zip(population.names, population.groups, strict=True))
    values = torch.from_numpy(found.values.reshape(len(found.names), 3, -1)).float()
    return values, list(found.names), [stack_of[name] for name in found.names]


def bent(values: Tensor, latent: int) -> ResidualVae:
    """The autoencoder of these shapes, its residual solved for."""
    net = ResidualVae(DEGREE, 3, latent, 96, (64,), KernelBend())
    net.start(values)
    for _ in range(ROUNDS):
        net.solve(values, values.new_zeros(len(values), 0))
    return net.eval()


def rms(difference: Tensor) -> NDArray[np.float64]:
    """Root mean square over each surface, nm."""
    return (difference.flatten(1).square().sum(1) / (4 * np.pi)).sqrt().double().numpy()


@torch.no_grad()
def judged(net: ResidualVae, values: Tensor) -> dict[str, NDArray[np.float64]]:
    """Errors of PCA and of the bent space, and the length of the residual, nm, of each shape."""
    none = values.new_zeros(len(values), 0)
    codes = net.refined(values, none, 12)
    return {
        "pca_nm": rms(net.linear(net.projected(values)) - values),
        "bent_nm": rms(net.decode(codes, none) - values),
        "residual_nm": rms(net.bent(codes, none)),
        "size_nm": rms(values),
    }


def judge(table: Path) -> None:
    """Write rows that are missing, and the numbers of them all to `table`."""
    torch.set_num_threads(1)
    rows = table.with_name("vae_rows.csv")
    values, names, stacks = coefficients()
    folds = folds_by_group(stacks, FOLDS)
    done = {(r["latent"], r["count"], r["fold"]) for r in read_rows(rows)}
    for latent, count in [*((k, 0) for k in LATENTS), *((16, n) for n in COUNTS)]:
        for fold in range(FOLDS):
            train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            if count:
                train = np.random.default_rng([fold, count]).permutation(train)[:count]
            if (str(latent), str(count), str(fold)) in done:
                continue
            began = time.process_time()
            net = bent(values[train], latent)
            found = judged(net, values[test])
            seconds = round(time.process_time() - began, 1)
            for n, place in enumerate(test):
                row = {"latent": latent, "count": count, "fold": fold, "name": names[place], "stack": stacks[place]}
                append_row(rows, {**row, **{key: f"{float(v[n]):.2f}" for key, v in found.items()}, "seconds": seconds})
    table.unlink(missing_ok=True)
    for key, (value, unit) in numbers(read_rows(rows)).items():
        append_row(table, {"key": key, "value": f"{value:.5g}", "unit": unit})


def numbers(rows: list[dict[str, str]]) -> dict[str, tuple[float, str]]:
    """Ratios of the mean error over stacks (mean over a stack's spines first), with intervals from resampled stacks, paired."""
    found: dict[str, tuple[float, str]] = {}
    ratios = {}
    for latent, count in sorted({(int(r["latent"]), int(r["count"])) for r in rows}):
        mine = [r for r in rows if (int(r["latent"]), int(r["count"])) == (latent, count)]
        by_stack = stack_means(mine)
        pca, net = by_stack["pca_nm"], by_stack["bent_nm"]
        name = f"vae_{latent}" + (f"_of_{count}_shapes" if count else "")
        weights = Bootstrap(samples=5000).weights(len(pca))
        low, high = Bootstrap().interval((weights @ net) / (weights @ pca))
        less, more = Bootstrap().interval(weights @ (net - pca) / len(pca))
        ratio = float(net.mean() / pca.mean())
        found |= {f"{name}_over_pca": (ratio, "1"), f"{name}_over_pca_low": (low, "1"), f"{name}_over_pca_high": (high, "1")}
        found |= {f"{name}_pca_error": (float(pca.mean()), "nm"), f"{name}_error": (float(net.mean()), "nm")}
        found |= {f"{name}_difference_low": (less, "nm"), f"{name}_difference_high": (more, "nm")}
        found[f"{name}_residual"] = (float(by_stack["residual_nm"].mean()), "nm")
        if not count:
            ratios[latent] = ratio
    return {"vae_over_pca_best": (min(ratios.values()), "1"), "vae_over_pca_worst": (max(ratios.values()), "1"), **found}


def stack_means(rows: list[dict[str, str]]) -> dict[str, NDArray[np.float64]]:
    """Mean of each measured column over the spines of each stack, in the order of the stacks' names."""
    stacks = sorted({r["stack"] for r in rows})
    keys: Any = ("pca_nm", "bent_nm", "residual_nm")
    return {key: np.array([np.mean([float(r[key]) for r in rows if r["stack"] == stack]) for stack in stacks]) for key in keys}


if __name__ == "__main__":
    judge(HERE / "vae.csv")

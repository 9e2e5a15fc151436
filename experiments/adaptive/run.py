"""Does a learned error indicator refine better than Dörfler's marking with the residual estimator? `python experiments/adaptive/run.py`

Four steps, each kept in a folder so that a run that was cut off goes on where it stopped: examples with true errors from random problems
(runs/adaptive/example_*.npz), the network (network.pt here), curves of error against unknowns on problems that the training has not seen
(curves.csv here, a case and method at a time), and results.json with figure.png.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from figure import draw
from problems import Case, named_cases, random_case

from cellml.report.results import write_study_results
from cellml.sim.adaptive.learned import ErrorNetwork, Example, LearnedIndicator, example, fit
from cellml.sim.adaptive.loop import Known, Stop, adapt, by_residual
from cellml.sim.adaptive.marking import doerfler, everything
from cellml.sim.adaptive.reference import local_errors, quadratic_energy

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / "runs" / "adaptive"
COLUMNS = ("case", "method", "unknowns", "error", "exact_energy", "cpu_s")
METHODS = ("uniform", "residual", "learned", "oracle")
TRAINING = range(36)
VALIDATION = range(500, 504)
HELD_OUT = range(1000, 1010)
MOST = {"uniform": 4000, "residual": 2500, "learned": 2500, "oracle": 500}
REFERENCE = 8000


def make_example(seed: int, unknowns: int) -> Example:
    """A solution of a random problem after some adaptive turns, with its true errors; from the cache if it is there."""
    path = CACHE / f"example_{seed}_{unknowns}.npz"
    if not path.exists():
        case, theta = random_case(seed), float(np.random.default_rng(seed).uniform(0.3, 0.7))
        solved = adapt(case.mesh, case.problem, stop=Stop(unknowns=unknowns), marking=partial(doerfler, theta=theta)).solved
        made = example(solved, local_errors(solved))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, features=made.features, target=made.target, share=made.share)
    with np.load(path) as stored:
        return Example(stored["features"], stored["target"], stored["share"])


def spread(network: ErrorNetwork | None, examples: list[Example]) -> float:
    """Root of the share-weighted variance of log(e²/indicator²) over a mesh, mean over meshes; of the residual estimator if None."""
    values = []
    for one in examples:
        with torch.inference_mode():
            predicted = 0.0 if network is None else network(torch.from_numpy(one.features).float()).numpy()
        off = one.target - predicted
        values.append(np.sqrt(one.share @ (off - one.share @ off) ** 2))
    return float(np.mean(values))


def trained(examples: list[Example], seed: int) -> ErrorNetwork:
    """The network, from network.pt if it is there."""
    torch.manual_seed(seed)
    network, path = ErrorNetwork(), HERE / "network.pt"
    if path.exists():
        network.load_state_dict(torch.load(path, weights_only=True))
    else:
        fit(network, examples, epochs=60, seed=seed)
        torch.save(network.state_dict(), path)
    return network.eval()


def curve(case: Case, method: str, network: ErrorNetwork, exact: float) -> list[dict[str, object]]:
    """Rows of unknowns and energy error of one method. Values are prescribed as zero, so that e² = a(u, u) − a(u_h, u_h)."""
    indicators: dict[str, Callable] = {"learned": LearnedIndicator(network), "oracle": lambda solved, goal: local_errors(solved)}
    begin = time.process_time()
    result = adapt(
        case.mesh,
        case.problem,
        stop=Stop(unknowns=MOST[method]),
        indicator=indicators.get(method, by_residual),
        marking=everything if method == "uniform" else doerfler,
        known=Known(error=lambda solved: float(np.sqrt(max(exact - solved.energy, 0.0)))),
    )
    common = {"case": case.name, "method": method, "exact_energy": f"{exact:.10g}", "cpu_s": round(time.process_time() - begin, 2)}
    return [{**common, "unknowns": row.unknowns, "error": f"{row.error:.6g}"} for row in result.rows]


def exact_energy(case: Case) -> float:
    """a(u, u) by P2 on a mesh of REFERENCE unknowns, adapted by the residual estimator: its error is far below those compared."""
    return quadratic_energy(adapt(case.mesh, case.problem, stop=Stop(unknowns=REFERENCE)).solved)


def compare(cases: list[Case], network: ErrorNetwork) -> list[dict[str, str]]:
    """All rows, the missing ones computed and appended to curves.csv."""
    path = HERE / "curves.csv"
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n")
    for case in cases:
        with path.open() as stream:
            own = [row for row in csv.DictReader(stream) if row["case"] == case.name]
        missing = [method for method in METHODS if method not in {row["method"] for row in own}]
        exact = float(own[0]["exact_energy"]) if own else exact_energy(case) if missing else 0.0
        for method in missing:
            rows = curve(case, method, network, exact)
            with path.open("a") as stream:
                csv.DictWriter(stream, COLUMNS).writerows(rows)
            print(
                f"{case.name:16} {method:9} {rows[-1]['unknowns']:6} unknowns, error {rows[-1]['error']}, {rows[-1]['cpu_s']} s", flush=True
            )
    with path.open() as stream:
        return list(csv.DictReader(stream))


def error_at(rows: list[dict[str, str]], case: str, method: str, unknowns: float) -> float:
    """Error at a number of unknowns, linear between logarithms."""
    own = [row for row in rows if row["case"] == case and row["method"] == method]
    N, error = (np.log([float(row[name]) for row in own]) for name in ("unknowns", "error"))
    return float(np.exp(np.interp(np.log(unknowns), N, error)))


def ratios(rows: list[dict[str, str]], cases: list[Case], method: str, unknowns: float) -> np.ndarray:
    """Error of a method over that of the residual estimator at equal unknowns, one for each case."""
    return np.array([error_at(rows, c.name, method, unknowns) / error_at(rows, c.name, "residual", unknowns) for c in cases])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    begin = time.process_time()
    torch.set_num_threads(1)
    training = [make_example(s, n) for s in TRAINING for n in (120, 400)]
    validation = [make_example(s, n) for s in VALIDATION for n in (120, 400)]
    network = trained(training, seed)
    random, named = [random_case(s) for s in HELD_OUT], named_cases()
    rows = compare([*random, *named], network)
    values = {
        "spread_residual": (round(spread(None, validation), 3), "1"),
        "spread_learned": (round(spread(network, validation), 3), "1"),
        "network_parameters": (sum(p.numel() for p in network.parameters()), "count"),
    }
    for group, cases in (("random", random), ("named", named)):
        for method, unknowns in (("learned", 400), ("oracle", 400), ("learned", 2000), ("uniform", 2000)):
            ratio = ratios(rows, cases, method, unknowns)
            values[f"{method}_over_residual_{group}_at_{unknowns}"] = (round(float(np.exp(np.log(ratio).mean())), 3), "1")
        values[f"learned_better_share_{group}_at_2000"] = (round(float((ratios(rows, cases, "learned", 2000) < 1).mean()), 3), "1")
    draw(rows, [c.name for c in [*random, *named]], HERE / "figure.png")
    write_study_results(HERE, values, seed=seed, training_meshes=len(training), cpu_s=round(time.process_time() - begin))
    for key, (value, unit) in values.items():
        print(f"{key:40} {value:10.4g} {unit}")


if __name__ == "__main__":
    main()

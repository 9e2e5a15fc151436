"""What cellml needs for a mesh: `python cellml_child.py mesh.npz '{"steps": 20, …}'`. Prints one line of JSON."""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np


def main():
    from cellml.sim.engine.space import Space

    task = json.loads(sys.argv[2])
    with np.load(sys.argv[1]) as archive:
        points, tets, source = archive["points"], archive["tets"], archive["source"]
    answer, times = {"tets": len(tets)}, []
    for _ in range(task["assemblies"]):
        begin = time.process_time()
        space = Space(points, tets)
        mass, stiffness = space.mass, space.stiffness
        times.append(time.process_time() - begin)
    answer |= {"assembly_s": float(np.median(times)), "unknowns": mass.shape[0]}
    del space, mass, stiffness
    if task["steps"]:
        answer |= stepping(task, points, tets, source)
    answer["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(answer))


def stepping(task, points, tets, source):
    """Backward Euler from 1 on the source, 0 elsewhere, by the engine with its model file."""
    from cellml.sim.ends import Places
    from cellml.sim.engine.conditions import conditions
    from cellml.sim.engine.invariants import invariants
    from cellml.sim.engine.step import Stepper
    from cellml.sim.engine.system import build_system
    from cellml.sim.engine.trajectory import Plan, follow
    from cellml.sim.model_file import load_model
    from cellml.types import TetMesh

    mesh = TetMesh(points * 1e3, tets, np.ones(len(tets), np.int32), {1: "cell"})
    system = build_system(mesh, load_model(Path(__file__).parent / "diffusion.yaml"), Places())
    held = conditions(system)
    start = np.zeros(system.size)
    start[source] = 1.0
    values = system.model.values()
    _ = system.mass, system.space_of("c").stiffness
    begin = time.process_time()
    stepper = Stepper(system, held, values, task["solver"], invariants(system, held))
    stepper.prepared(start, 0.0, _euler(task["step"]))
    prepared = time.process_time()
    trajectory = follow(stepper, start, Plan(task["step"] * task["steps"], task["steps"], "backward_euler"))
    ended = time.process_time()
    np.save(task["into"], trajectory.final)
    amounts = [system.amounts(y)["c"] for y in (start, trajectory.final)]
    return {"prepare_s": prepared - begin, "stepping_s": ended - prepared, "drift": abs(amounts[1] / amounts[0] - 1.0)}


def _euler(step):
    from cellml.sim.engine.step import euler

    return euler(step)


if __name__ == "__main__":
    main()

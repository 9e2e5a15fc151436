"""Stand-ins for the interfaces of SMART and STEPS that record what a script asks of them and refuse what the real ones would refuse."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pint


@contextmanager
def modules(**named: ModuleType) -> Iterator[None]:
    """Put modules in sys.modules for a while; `a_b` stands for `a.b`."""
    added = {name.replace("__", "."): module for name, module in named.items()}
    before = {name: sys.modules.get(name) for name in added}
    sys.modules.update(added)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                del sys.modules[name]
            else:
                sys.modules[name] = old


def module(name: str, **content: Any) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(content)
    return made


class Smart:
    """SMART: compartments, species, parameters and reactions by name, and how the model was solved."""

    def __init__(self) -> None:
        self.unit = pint.UnitRegistry()
        self.unit.define("molecule = mol/6.02214076e23")
        self.places: dict[str, Any] = {}
        self.species: dict[str, Any] = {}
        self.parameters: dict[str, Any] = {}
        self.reactions: dict[str, Any] = {}
        self.solver: dict[str, Any] = {}
        self.mesh_file = ""

    def run(self, script: Path) -> Smart:
        fake = self

        class Parameter:
            def __init__(self, name: str, value: float, unit: Any, group: str = "", notes: str = "") -> None:
                assert type(value) is float
                self.quantity = fake.unit.Quantity(value, unit)
                fake.parameters[name] = self

            @classmethod
            def from_file(cls, name: str, file: str, unit: Any) -> Parameter:
                rows = [line.split(",") for line in Path(file).read_text().splitlines()]
                assert float(rows[0][0]) == 0.0 and all(len(row) == 2 for row in rows)
                return cls(name, float(rows[0][1]), unit)

        class Species:
            def __init__(self, name: str, initial: Any, unit: Any, D: float, D_unit: Any, place: str) -> None:
                assert isinstance(initial, float | str) and type(D) is float and D >= 0
                assert fake.unit.Quantity(1, D_unit).check("[length]^2/[time]") and place in fake.places
                self.initial, self.unit, self.D, self.place = initial, fake.unit.Quantity(1.0, unit), D, place
                self.u = {"u": SimpleNamespace(__mul__=None)}
                fake.species[name] = self

        class Compartment:
            def __init__(self, name: str, dimension: int, unit: Any, marker: int | list[int]) -> None:
                assert dimension in (2, 3) and fake.unit.Quantity(1, unit).check("[length]") and isinstance(marker, int | list)
                self.dimension, self.marker = dimension, marker
                fake.places[name] = self

        class Reaction:
            def __init__(self, name: str, lhs: list[str], rhs: list[str], **more: Any) -> None:
                assert set(more) == {"param_map", "species_map", "eqn_f_str", "explicit_restriction_to_domain"}
                assert {*lhs, *rhs} <= set(fake.species) and set(more["param_map"].values()) <= set(fake.parameters)
                assert set(more["species_map"].values()) <= set(fake.species) and more["explicit_restriction_to_domain"] in fake.places
                self.lhs, self.rhs, self.rate, self.place = lhs, rhs, more["eqn_f_str"], more["explicit_restriction_to_domain"]
                self.names = [*more["param_map"], *more["species_map"]]
                fake.reactions[name] = self

        class Model:
            def __init__(self, pc: Any, sc: Any, cc: Any, rc: Any, config: Any, parent: Any) -> None:
                self.sc, self.t, self.final_t = SimpleNamespace(keys=list(fake.species), items=[]), 0.0, config.solver["final_t"]
                self.dt, fake.solver = config.solver["initial_dt"], config.solver

            def initialize(self) -> None:
                assert fake.mesh_file

            def monolithic_solve(self) -> None:
                self.t += self.dt

        def parent_mesh(*, mesh_filename: str, mesh_filetype: str, name: str) -> None:
            assert Path(mesh_filename).is_file() and mesh_filetype == "hdf5" and name
            fake.mesh_file = mesh_filename

        settings = lambda: SimpleNamespace(solver={}, flags={})  # noqa: E731
        assembly = module(
            "smart.model_assembly",
            Compartment=Compartment, Parameter=Parameter, Reaction=Reaction, Species=Species, sbmodel_from_locals=lambda values: (1, 2, 3, 4),
        )  # fmt: skip
        smart = module(
            "smart",
            config=SimpleNamespace(Config=settings),
            mesh=SimpleNamespace(ParentMesh=parent_mesh),
            model=SimpleNamespace(Model=Model),
        )
        with modules(smart=smart, smart__model_assembly=assembly, smart__units=module("units", unit=self.unit), dolfin=module("dolfin")):
            exec(compile(script.read_text(), str(script), "exec"), {"__file__": str(script), "__name__": "__main__"})
        return self


class Steps:
    """STEPS: species, systems, reactions (with where each reactant is), rate constants, compartments, patches and counts."""

    def __init__(self, points: dict[str, Any]) -> None:
        self.shapes = points  # triangles of a patch: (area in m², volume in m³ of the tetrahedron behind)
        self.reactions: dict[str, tuple[list[str], list[str]]] = {}
        self.constants: dict[str, float] = {}
        self.of_triangles: dict[str, list[float]] = {}
        self.diffusion: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.patches: dict[str, tuple[Any, Any, Any]] = {}
        self.compartments: dict[str, Any] = {}
        self.end = 0.0
        self.points: list[tuple[float, float, float]] = []
        self.made: list[Any] = []

    def run(self, script: Path) -> Steps:
        fake = self
        text = script.read_text()

        class Side:
            def __init__(self, items: list[str]) -> None:
                self.items = items

            def __add__(self, other: Any) -> Side:
                return Side([*self.items, *other.items])

            def __rmul__(self, count: int) -> Side:
                return Side(self.items * count)

            def __gt__(self, arrow: Any) -> bool:
                arrow.left = self.items
                return True

        class Named(Side):
            def __init__(self, name: str = "?") -> None:
                self.name = name
                super().__init__([name])
                self.i, self.o, self.s = (Side([f"{name}.{k}"]) for k in "ios")

            @classmethod
            def Create(cls, *args: Any) -> Any:
                return cls()

        class Block:
            @classmethod
            def Create(cls) -> Block:
                return cls()

            def __enter__(self) -> Block:
                return self

            def __exit__(self, *_: Any) -> None:
                return None

        class Arrow:
            left: Any = None

            def __init__(self, name: str) -> None:
                self.name = name

            def __gt__(self, right: Any) -> bool:
                fake.reactions[self.name] = (self.left or [], [] if right is None else right.items)
                self.left = None
                return True

            def __lt__(self, left: Any) -> bool:  # None >r[…]>
                self.left = [] if left is None else left.items
                return True

            def __setattr__(self, key: str, value: Any) -> None:
                if key == "K":
                    assert isinstance(value, float) and self.name in fake.reactions, "K is set after the reaction"
                    fake.constants[self.name] = value
                object.__setattr__(self, key, value)

        class Manager(dict[str, Arrow]):
            def __missing__(self, key: str) -> Arrow:
                return self.setdefault(key, Arrow(key))

        class Group:
            def __init__(self, numbers: set[int]) -> None:
                self.numbers = numbers

            def __iter__(self) -> Iterator[Any]:
                for area, inside, _ in fake.shapes[min(self.numbers)]:
                    yield SimpleNamespace(Area=area, tetNeighbs=[SimpleNamespace(comp=home, Vol=inside) for home in fake.made])

            def __or__(self, other: Group) -> Group:
                return Group(self.numbers | other.numbers)

        class Groups:
            def __getitem__(self, key: Any) -> Any:
                if len(key) == 3:  # the tetrahedron at a point
                    fake.points.append(key)
                    return SimpleNamespace()
                assert key[0] == 0
                return Group({key[1]})

        class Mesh(Block):
            tets, tetGroups, triGroups = Groups(), Groups(), Groups()

        def load(path: str, scale: float) -> Mesh:
            assert Path(path).is_file() and scale == 1e-6
            return Mesh()

        class Compartment:
            @classmethod
            def Create(cls, group: Group, system: Any) -> Any:
                fake.made.append(SimpleNamespace(group=group, system=system))
                return fake.made[-1]

        class Patch:
            @classmethod
            def Create(cls, group: Group, inner: Any, outer: Any, system: Any) -> Any:
                shapes = fake.shapes[min(group.numbers)]
                tris = []
                for area, inside, outside in shapes:
                    tets = [SimpleNamespace(comp=inner, Vol=inside)] + ([SimpleNamespace(comp=outer, Vol=outside)] if outer else [])
                    tris.append(SimpleNamespace(Area=area, tetNeighbs=tets))
                return SimpleNamespace(group=group, inner=inner, outer=outer, tris=tris)

        class Path_:
            def __init__(self, words: tuple[str, ...] = ()) -> None:
                object.__setattr__(self, "words", words)

            def __getattr__(self, name: str) -> Path_:
                return Path_((*self.words, name))

            def __getitem__(self, key: str) -> Path_:
                return Path_((*self.words, key))

            def __lshift__(self, other: Path_) -> Path_:
                return self

            def __setattr__(self, name: str, value: Any) -> None:
                if name == "Count":
                    assert isinstance(value, int)
                    fake.counts[self.words[-1]] = value
                else:
                    assert name == "K" and self.words[-1] == "fwd"
                    fake.of_triangles.setdefault(self.words[-2], []).append(value)

            @property
            def time(self) -> Any:
                return [[0.0]]

            @property
            def data(self) -> Any:
                return [[[0]]]

        class SimPath(Path_):
            def __getattr__(self, name: str) -> Any:
                return fake.counts.get(self.words[-1], 0) if name == "Count" else SimPath((*self.words, name))

        class Simulation(SimPath):
            def __init__(self, solver: str, model: Any, mesh: Any, rng: Any) -> None:
                assert solver == "Tetexact"
                super().__init__()

            def TRI(self, tri: Any) -> Path_:
                return SimPath(("TRI",))

            def TET(self, tet: Any) -> Path_:
                return SimPath(("TET",))

            def toSave(self, *paths: Any, dt: float) -> None:
                assert dt > 0

            def newRun(self) -> None:
                fake.counts.clear()

            def run(self, end: float) -> None:
                fake.end = end

        def diffusion(species: Any, D: float) -> None:
            assert D > 0
            fake.diffusion[species.name] = D

        names: dict[str, Any] = {
            "Species": Named, "Model": Block, "VolumeSystem": Block, "SurfaceSystem": Block, "ReactionManager": Manager, "Diffusion": diffusion,
            "TetMesh": SimpleNamespace(LoadGmsh=load), "Compartment": Compartment, "Patch": Patch, "Simulation": Simulation,
            "ResultSelector": lambda sim: Path_(), "RNG": lambda *a: None,
        }  # fmt: skip
        star = module("steps.fake", **names, __all__=list(names))
        package = module("steps", interface=module("steps.interface"))
        inner = {f"steps__{name}": star for name in ("geom", "model", "rng", "saving", "sim")}
        # the real Create() takes names from the line of source; here they are put in
        import re

        text = re.sub(r"(\w+) = Species\.Create\(\)", r"\1 = Species('\1')", text)
        space: dict[str, Any] = {"__file__": str(script), "__name__": "__main__"}
        argv, sys.argv = sys.argv, ["run.py", "3"]
        try:
            with modules(steps=package, steps__interface=module("steps.interface"), **inner):
                exec(compile(text, str(script), "exec"), space)
        finally:
            sys.argv = argv
        self.compartments = {n: v.group.numbers for n, v in space.items() if n.startswith("at_") and hasattr(v, "system")}
        self.patches = {n: (v.group.numbers, v.inner, v.outer) for n, v in space.items() if n.startswith("at_") and hasattr(v, "tris")}
        return self

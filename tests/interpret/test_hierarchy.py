"""Hierarchies: what is read from files, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.interpret.hierarchy import hierarchy_of
from cellml.interpret.hierarchy_files import read_hierarchy

YAML = """
subsystems:
  spine: [geometry, transport, age]
  geometry: [neck, head]
  neck: [length, radius]
  head: [volume, radius]
  transport: [diffusion]
"""
# Three columns as in DrugCell: a term may stand below two others.
ONTOLOGY = "GO:1\tGO:2\tdefault\nGO:1\tGO:3\tdefault\nGO:2\tGO:4\tdefault\nGO:3\tGO:4\tdefault\nGO:4\tA1BG\tgene\nGO:3\tA2M\tgene\n"


def written(folder: Path, text: str, name: str = "h.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_yaml_gives_levels_root_and_descriptors(tmp_path: Path) -> None:
    h = read_hierarchy(written(tmp_path, YAML, "h.yaml"))
    assert h.levels == (("neck", "head", "transport"), ("geometry",), ("spine",))
    assert h.root == "spine" and h.descriptors == ("age", "length", "radius", "volume", "diffusion")
    assert h.below("geometry") == ("length", "radius", "volume") and h.below("spine") == h.descriptors


def test_mapping_of_a_hierarchy_reads_as_the_same_hierarchy(tmp_path: Path) -> None:
    h = read_hierarchy(written(tmp_path, YAML, "h.yaml"))
    assert read_hierarchy(h.as_mapping()) == h


def test_ontology_of_drugcell(tmp_path: Path) -> None:
    h = read_hierarchy(written(tmp_path, "# terms\n" + ONTOLOGY))
    assert h.levels == (("GO:4",), ("GO:2", "GO:3"), ("GO:1",)) and h.descriptors == ("A1BG", "A2M")


def test_two_columns_say_the_same(tmp_path: Path) -> None:
    two = "\n".join(" ".join(line.split()[:2]) for line in ONTOLOGY.splitlines())
    assert read_hierarchy(written(tmp_path, two, "two.txt")) == read_hierarchy(written(tmp_path, ONTOLOGY, "three.txt"))


def test_index_file_orders_the_descriptors(tmp_path: Path) -> None:
    index = written(tmp_path, "0\tA2M\n1\tA1BG\n", "gene2ind.txt")
    assert read_hierarchy(written(tmp_path, ONTOLOGY), index).descriptors == ("A2M", "A1BG")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONTOLOGY + "GO:4\tGO:1\tdefault\n", r"part of itself: GO:1 → GO:2 → GO:4 → GO:1"),
        ("GO:1\tGO:1\tdefault\n", r"part of itself: GO:1 → GO:1"),
        (ONTOLOGY + "GO:9\tA2M\tgene\n", r"2 subsystems are part of no other: 'GO:1', 'GO:9'"),
        (ONTOLOGY + "GO:3\tA2M\tgene\n", r"h\.txt:7: 'A2M' is given as part of 'GO:3' a second time, after .*h\.txt:6"),
        (ONTOLOGY + "GO:1\tGO:7\tdefault\n", r"h\.txt:7: 'GO:7' is named as a subsystem, but nothing says what it is made of"),
        (ONTOLOGY + "GO:1\tGO:4\tgene\n", r"h\.txt:7: 'GO:4' is a gene here and a term elsewhere"),
        (ONTOLOGY + "GO:1\tA3\tgenes\n", r"h\.txt:7: the third column is 'genes'"),
        (ONTOLOGY + "GO:1\tA3\n", r"h\.txt:7: 2 columns"),
        ("\n", r"declares no subsystem"),
    ],
)
def test_bad_ontologies_are_refused_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CellmlError, match=said):
        read_hierarchy(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (YAML + "descriptors: [age, length, radius, volume]", r"h\.yaml:7: 'diffusion' is neither a subsystem nor a declared descriptor"),
        (YAML + "descriptors: [age, length, radius, volume, difusion]", r"did you mean 'difusion'"),
        (YAML + "descriptors: [age, length, radius, volume, diffusion, width]", r"no subsystem uses 'width'"),
        (YAML + "descriptors: [age, length, radius, volume, diffusion, neck]", r"'neck' is a descriptor and a subsystem"),
        (YAML + "  neck: [length]", r"h\.yaml:8: .*second time"),
        (YAML + "  pumps: []", r"'pumps' is named as a subsystem, but nothing says"),
        (YAML.replace("[diffusion]", "diffusion"), r"`transport` is 'diffusion'; write the list"),
        ("systems: {a: [b]}", r"the key 'systems'"),
    ],
)
def test_bad_yaml_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CellmlError, match=said):
        read_hierarchy(written(tmp_path, text, "h.yaml"))


def test_missing_files_and_bad_indices_are_named(tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match="There is no hierarchy file"):
        read_hierarchy(tmp_path / "none.yaml")
    with pytest.raises(CellmlError, match=r"index\.txt:2: .*begin with 1"):
        read_hierarchy(written(tmp_path, ONTOLOGY), written(tmp_path, "0 A2M\n2 A1BG\n", "index.txt"))


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=20))
def test_what_is_accepted_has_one_root_above_all_and_no_cycle(pairs: set[tuple[int, int]]) -> None:
    try:
        h = hierarchy_of([(f"s{a}", f"s{b}") for a, b in sorted(pairs)], source="pairs")
    except CellmlError:
        return
    place = {name: n for n, name in enumerate(h.order)}
    assert all(place[part] < place[whole] for whole in h.order for part in h.children[whole] if part in place)
    assert h.below(h.root) == h.descriptors

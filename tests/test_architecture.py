"""The structure that docs/architecture.md draws: rooms in layers, no circles, and each room used through its public face."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from support.helpers import ROOT

PACKAGE = "ml_intern_helpers"


def _layers() -> tuple[set[str], ...]:
    """The rooms of each layer, from the top down, as the table of docs/architecture.md has them."""
    rows = re.findall(r"^\| \d+ \| (.*?) \|", (ROOT / "docs/architecture.md").read_text(), flags=re.M)
    return ({"entry_points", "__main__"}, *(set(re.findall(r"`(\w+)`", row)) for row in rows))


LAYERS = _layers()


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(PACKAGE, cache_dir=None)


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _imports(graph: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    for module in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(module)):
            yield module, imported


def test_every_room_has_its_layer(graph: grimp.ImportGraph) -> None:
    assert {_room(module) for module in graph.modules} - {""} == set().union(*LAYERS)


def test_a_room_imports_only_lower_layers(graph: grimp.ImportGraph) -> None:
    level = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}
    upward = [
        f"{module} imports {imported}"
        for module, imported in _imports(graph)
        if imported != PACKAGE and _room(module) != _room(imported) and level[_room(imported)] <= level[_room(module)]
    ]
    assert upward == []


def test_rooms_use_each_other_through_their_public_face(graph: grimp.ImportGraph) -> None:
    """The face of a room is the modules that stand directly in its folder; what lies in folders of its own is private."""
    inside = [
        f"{module} imports {imported}"
        for module, imported in _imports(graph)
        if _room(module) != _room(imported) and imported.count(".") > 2
    ]
    assert inside == []


def test_no_module_needs_itself() -> None:
    graph = grimp.build_graph(PACKAGE, cache_dir=None, exclude_type_checking_imports=True)
    try:
        TopologicalSorter({m: graph.find_modules_directly_imported_by(m) for m in graph.modules}).prepare()
    except CycleError as circle:
        pytest.fail(f"modules that import each other in a circle: {' -> '.join(circle.args[1])}")


def test_the_documents_name_modules_that_exist() -> None:
    """A walk through the code that leads to a file of yesterday helps nobody."""
    text = "".join((ROOT / name).read_text() for name in ("docs/architecture.md", "CONTRIBUTING.md"))
    named = set(re.findall(r"`(?:src/ml_intern_helpers/)?(\w+(?:/\w+)*/(?:\w+\.py)?)`", text)) & _below_rooms(text)
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / "src/ml_intern_helpers" / name).exists()] == []


def _below_rooms(text: str) -> set[str]:
    return {path for path in re.findall(r"(\w+(?:/\w+)*/(?:\w+\.py)?)`", text) if path.split("/")[0] in set().union(*LAYERS)}

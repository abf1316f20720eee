"""Modules beside the script that build something for it: `from common import build_trainer`. Their faults end the script as well.

One level, as everything about neighbours; only what the script uses of a module counts, and what importing it runs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from ml_intern_helpers.analysis.neighbours import neighbour
from ml_intern_helpers.analysis.options import Options
from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.indexes.libraries import PACKAGES
from ml_intern_helpers.preflight.facts import Facts, facts_of

#: More neighbours than these are a project, not a script with a helper.
_MOST = 8
_ABOUT = re.compile(rf"^\s*(?:from|import)\s+(?:{'|'.join(PACKAGES)})\b", re.MULTILINE)
_Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Near(NamedTuple):
    """A neighbour: its facts, judged against the releases of the script, and the line spans that the script makes run."""

    facts: Facts
    used: tuple[tuple[int, int], ...]

    def runs(self, line: int | None) -> bool:
        return line is not None and any(first <= line <= last for first, last in self.used)


def built_beside(facts: Facts, asked: Options) -> Iterator[Near]:
    """The neighbours that the script imports and that import one of the indexed packages."""
    names = _imported(facts)
    for module in list(names)[:_MOST]:
        there = neighbour(facts.script, module)
        if there is not None and _ABOUT.search(there.source.text):
            try:
                near = facts_of(there.source, facts.mode, asked=asked)._replace(offers=facts.offers)
            except Unavailable:  # too intricate to follow; the script itself is not
                continue
            near.script.offers = facts.offers.offers_name
            yield Near(near, tuple(_used(there.source.tree, names[module])))


def _imported(facts: Facts) -> dict[str, set[str] | None]:
    """Module -> the names that the script takes from it, None for any."""
    found: dict[str, set[str] | None] = {}
    for item in facts.imports:
        taken = {item.name} if item.name not in ("", "*") else None if item.name else _attributes(facts)
        before = found.get(item.module, set())
        found[item.module] = None if taken is None or before is None else before | taken
    return found


def _attributes(facts: Facts) -> set[str]:
    """`import common`: every attribute of that name anywhere in the script."""
    return {node.attr for node in facts.script.places if isinstance(node, ast.Attribute)}


def _used(tree: ast.Module, wanted: set[str] | None) -> Iterator[tuple[int, int]]:
    """The spans of the top-level statements that run: all but functions nobody reaches and what only runs as a script."""
    named = {node.name: node for node in tree.body if isinstance(node, _Named)}
    plain = [node for node in tree.body if not isinstance(node, _Named) and not _is_main(node)]
    waiting = [*plain, *(node for name, node in named.items() if wanted is None or name in wanted)]
    seen: set[ast.stmt] = set()
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            yield node.lineno, node.end_lineno or node.lineno
            waiting += [named[part.id] for part in ast.walk(node) if isinstance(part, ast.Name) and part.id in named]


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test))

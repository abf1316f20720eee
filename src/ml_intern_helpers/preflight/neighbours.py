"""Modules beside the script that build something for it: `from common import build_trainer`. Their errors end the script too.

Only one level of imports is followed, and only what the script uses of a module counts, and what importing the module runs.
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
from ml_intern_helpers.preflight.context import ScriptContext, read_context

#: More neighbours than these are a project, not a script with a helper.
_MOST = 8
_IMPORTS_INDEXED = re.compile(rf"^\s*(?:from|import)\s+(?:{'|'.join(PACKAGES)})\b", re.MULTILINE)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Neighbour(NamedTuple):
    """A module: its context, judged against the releases of the script, and the line spans that the script makes run."""

    context: ScriptContext
    used: tuple[tuple[int, int], ...]

    def runs(self, line: int | None) -> bool:
        return line is not None and any(first <= line <= last for first, last in self.used)


def imported_neighbours(context: ScriptContext, options: Options) -> Iterator[Neighbour]:
    """The modules beside the script that it imports and that import one of the indexed packages."""
    names = _imported_names(context)
    for module in list(names)[:_MOST]:
        there = neighbour(context.script, module)
        if there is not None and _IMPORTS_INDEXED.search(there.source.text):
            try:
                found = read_context(there.source, context.mode, options=options)._replace(offers=context.offers)
            except Unavailable:  # too intricate to follow; the script itself is not
                continue
            found.script.offers = context.offers.offers_name
            yield Neighbour(found, tuple(_used_spans(there.source.tree, names[module])))


def _imported_names(context: ScriptContext) -> dict[str, set[str] | None]:
    """Module -> the names that the script takes from it, None for any."""
    found: dict[str, set[str] | None] = {}
    for item in context.imports:
        if item.name == "*":
            found[item.module] = None
        elif found.get(item.module, set()) is not None:
            # `import common`: every attribute of any name in the script may be the module's.
            attributes = {node.attr for node in context.script.places if isinstance(node, ast.Attribute)}
            found[item.module] = (found.get(item.module) or set()) | ({item.name} if item.name else attributes)
    return found


def _used_spans(tree: ast.Module, wanted: set[str] | None) -> Iterator[tuple[int, int]]:
    """The spans of the top-level statements that run: all but functions nobody reaches and what only runs as a script."""
    named = {node.name: node for node in tree.body if isinstance(node, _Definition)}
    plain = [node for node in tree.body if not isinstance(node, _Definition) and not _is_main(node)]
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

"""Which names a module offers to `from module import name`, and where each is defined; by syntax alone.

Four ways of filling a namespace occur in these libraries: plain statements, star imports, a literal `_import_structure` (or
`_SUBMOD_ATTRS`) handed to a lazy module, and transformers' scan of `models/**` for `__all__`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from ml_intern_helpers.indexes.from_source.dynamic_names import fallback_names, served_names
from ml_intern_helpers.indexes.from_source.lazy_tables import lazy_table, replaces_itself, scanned_folders
from ml_intern_helpers.indexes.from_source.source_tree import SourceTree
from ml_intern_helpers.indexes.from_source.statements import assigned_names, flat_statements

_ALL = re.compile(r"^__all__\s*(?::[^=\n]+)?(?:\+)?=\s*(\[[^\]]*\]|\([^)]*\))", re.MULTILINE)


class Exports:
    """Names by module of one tree. `names(module)` maps each importable name to the `module:name` that defines it."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self.names = cache(self._names)
        self.own_names = cache(self._own_names)
        self.parsed = cache(self._parsed)
        self.declared = cache(lambda module: declared_all(tree.text(module)))

    def _parsed(self, module: str) -> ast.Module:
        try:
            return ast.parse(self.tree.text(module))
        except (SyntaxError, ValueError):
            return ast.Module(body=[], type_ignores=[])

    def _names(self, module: str) -> dict[str, str]:
        scanned = [name for folder in scanned_folders(self.tree.text(module), module) for name in self._scanned(folder).items()]
        found: dict[str, str] = {"__version__": f"{module}:__version__"} if module == self.tree.package else {}
        found.update({} if replaces_itself(self.tree.text(module)) else self.own_names(module))
        found.update(self._submodules(module))
        found.update(self._lazy(module))
        found.update(scanned)
        for name in served_names(self.parsed(module).body):
            found.setdefault(name, f"{module}:{name}")
        if module == "transformers":
            for name, target in list(fallback_names(self.tree, found)):
                found.setdefault(name, target)
        return found

    def _own_names(self, module: str) -> dict[str, str]:
        """What the statements of the module bind, for use inside it."""
        found: dict[str, str] = {}
        for statement in flat_statements(self.parsed(module).body):
            found.update(self._from_statement(module, statement))
        return found

    def _from_statement(self, module: str, statement: ast.stmt) -> Iterator[tuple[str, str]]:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name, f"{module}:{statement.name}"
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            for name in assigned_names(statement):
                yield name, f"{module}:{name}"
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                bound = alias.asname or alias.name.partition(".")[0]
                yield bound, alias.name if alias.asname else bound
        elif isinstance(statement, ast.ImportFrom):
            yield from self._from_import(module, statement)

    def _from_import(self, module: str, statement: ast.ImportFrom) -> Iterator[tuple[str, str]]:
        source = absolute(module, statement, module in self.tree.packages)
        for alias in statement.names:
            if alias.name == "*":
                yield from self._star(source)
            elif f"{source}.{alias.name}" in self.tree.modules:
                yield alias.asname or alias.name, f"{source}.{alias.name}"
            else:
                yield alias.asname or alias.name, f"{source}:{alias.name}"

    def _star(self, source: str) -> Iterator[tuple[str, str]]:
        if source not in self.tree.modules:
            return
        names = self.names(source)
        declared = self.declared(source)
        public = declared if declared is not None else [name for name in names if not name.startswith("_")]
        for name in public:
            yield name, names.get(name, f"{source}:{name}")

    def _submodules(self, module: str) -> dict[str, str]:
        """`from package import submodule` works without the package naming it."""
        if module not in self.tree.packages:
            return {}
        return {name.rpartition(".")[2]: name for name in self.tree.below.get(module, ())}

    def _lazy(self, module: str) -> dict[str, str]:
        found = {}
        for submodule, names in lazy_table(self.parsed(module)):
            for name in names:
                found[name] = f"{module}.{submodule}:{name}"
            if f"{module}.{submodule}" in self.tree.modules:
                found.setdefault(submodule.partition(".")[0], f"{module}.{submodule.partition('.')[0]}")
        return found

    def _scanned(self, folder: str) -> dict[str, str]:
        """What transformers' `define_import_structure` finds: the `__all__` of every module below `folder`.

        A regular expression, because parsing 2,000 model files takes 20 seconds and this takes one.
        """
        found: dict[str, str] = {}
        for module in self.tree.below.get(folder, ()):
            if module in self.tree.packages:
                found.update(self._scanned(module))
            else:
                found.update((name, f"{module}:{name}") for name in self.declared(module) or [])
        return found


def absolute(module: str, statement: ast.ImportFrom, is_package: bool) -> str:
    """The module that a `from … import` names, relative dots resolved."""
    if not statement.level:
        return statement.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - statement.level + (1 if is_package else 0)]
    return ".".join([*parts, statement.module] if statement.module else parts)


def declared_all(text: str) -> list[str] | None:
    """The names in `__all__`, or None when the module has none that is a literal."""
    at = text.find("\n__all__") if not text.startswith("__all__") else 0
    matches = _ALL.findall(text, at) if at >= 0 else []  # findall alone reads a whole model file for one line at its end
    if not matches:
        return None
    names: list[str] = []
    for literal in matches:
        try:
            names += [str(name) for name in ast.literal_eval(literal)]
        except (ValueError, SyntaxError):
            continue
    return names

"""The public surface of a release, small enough to compare dozens of them: importable names, and arguments by callable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ml_intern_helpers.indexes.from_source.describe import names_only
from ml_intern_helpers.indexes.from_source.tree_release import TreeRelease
from ml_intern_helpers.indexes.records import ClassRecord
from ml_intern_helpers.indexes.signatures import Library

_PRIVATE = re.compile(r"(^|\.)(_\w*|tests?|testing_utils|commands|cli|vendor)(\.|$)")


@dataclass(frozen=True)
class Surface:
    """What a script may rely on.

    Attributes:
        package, version: the release.
        names: module -> names that scripts import from it, its own and those a package offers on purpose.
        arguments: `package.Name` or `package.Name.method` -> the names a call may pass.
        methods: `package.Name` -> its public methods.
    """

    package: str
    version: str
    names: dict[str, frozenset[str]]
    arguments: dict[str, frozenset[str]]
    methods: dict[str, frozenset[str]]

    def has(self, dotted: str) -> bool:
        """Whether a module, name, method or argument of that path is there."""
        head, _, last = dotted.rpartition(".")
        return dotted in self.names or any(last in table.get(head, ()) for table in (self.names, self.arguments, self.methods))


def surface(release: TreeRelease, beside: Library) -> Surface:
    """The surface of `release`; `beside` holds it and the packages its classes inherit from."""
    modules = [module for module in release.tree.modules if not _PRIVATE.search(module) and not names_only(module)]
    found = Surface(release.package, release.version, {}, {}, {})
    for module in modules:
        found.names[module] = frozenset(_public(release, module))
    for dotted, origin in _callables(release, beside, found.names):
        signature = beside.signature(origin)
        if signature is not None:
            found.arguments[dotted] = signature.names
            _add_methods(found, beside, dotted, origin)
    return found


def _public(release: TreeRelease, module: str) -> Iterator[str]:
    """Names that come from this package; what a plain module only imports for its own use is not on offer."""
    for name, target in release.names(module).items():
        own = target.partition(":")[0] == module
        if not name.startswith("_") and (own or (module in release.tree.packages and target.startswith(release.package + "."))):
            yield name


def _callables(release: TreeRelease, beside: Library, names: dict[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    """(name, origin) of classes and functions that packages offer, each under its shortest name."""
    seen: set[str] = set()
    for module in sorted((module for module in names if module in release.tree.packages), key=lambda m: (m.count("."), m)):
        for name in sorted(names[module]):
            origin = beside.follow(f"{module}:{name}")
            if ":" in origin and origin not in seen and not names_only(origin.partition(":")[0]):
                seen.add(origin)
                yield f"{module}.{name}", origin


def _add_methods(found: Surface, beside: Library, dotted: str, origin: str) -> None:
    line = [record for owner, record in beside.line(origin) if owner.partition(".")[0] == found.package]
    methods = {name for record in line for name in record.methods}
    if isinstance(beside.record(origin), ClassRecord):
        found.methods[dotted] = frozenset(methods)
    for name in methods:
        signature = beside.method(origin, name)
        if signature is not None:
            found.arguments[f"{dotted}.{name}"] = signature.names

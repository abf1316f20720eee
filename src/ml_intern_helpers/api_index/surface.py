"""The public surface of a release, small enough to compare dozens of them: importable names, and arguments by callable."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ml_intern_helpers.api_index.signatures import Library
from ml_intern_helpers.api_index.tree_release import TreeRelease

#: Modules whose names scripts import; private ones and model code change without telling anybody.
_PRIVATE = re.compile(r"(^|\.)(_|tests?\b|testing_utils|dummy_|commands\b|cli\b|_?vendor)|^transformers\.models\.")


@dataclass(frozen=True)
class Surface:
    """What a script may rely on.

    Attributes:
        package, version: the release.
        names: module -> importable names, for the package itself and its public modules.
        arguments: `package.Name`, or `package.Name.method` for `from_pretrained`, -> argument names; open calls are left out.
    """

    package: str
    version: str
    names: dict[str, frozenset[str]]
    arguments: dict[str, frozenset[str]]


def surface(release: TreeRelease, beside: Library) -> Surface:
    """The surface of `release`; `beside` holds it and the packages its classes inherit from."""
    modules = [module for module in release.tree.modules if not _PRIVATE.search(module)]
    names = {module: frozenset(_public(release, module)) for module in modules}
    arguments = {}
    for name in names.get(release.package, ()):
        dotted = f"{release.package}.{name}"
        found = beside.signature(dotted)
        if found and not found.open and not re.match(r"transformers\.models\.(?!auto)", found.origin):
            arguments[dotted] = found.names
    return Surface(release.package, release.version, names, arguments)


def _public(release: TreeRelease, module: str) -> list[str]:
    return [name for name in release.names(module) if not name.startswith("_")]

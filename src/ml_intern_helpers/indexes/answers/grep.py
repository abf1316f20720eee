"""Public names and arguments that match a pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ml_intern_helpers.indexes.lookup import is_public
from ml_intern_helpers.indexes.signatures import Library
from ml_intern_helpers.indexes.stored.stored_release import StoredRelease

MOST_MATCHES = 40


def matches(library: Library, pattern: re.Pattern[str]) -> list[str]:
    """What packages offer, then arguments of that (under the class or function that declares them), then what lies deeper.

    Each thing once, under its shortest name.
    """
    stored = [release for release in library.releases.values() if isinstance(release, StoredRelease)]
    names = [name for release in stored for name in _names(library, release, pattern)]
    arguments = [name for release in stored for name in _arguments(library, release, pattern)]
    offered = [name for name in names if name.count(".") == 1] + [name for name in arguments if name.count(".") == 2]
    return list(dict.fromkeys([*offered, *names, *arguments]))


def _names(library: Library, release: StoredRelease, pattern: re.Pattern[str]) -> Iterator[str]:
    for module in sorted(filter(is_public, release.modules()), key=lambda module: (module.count("."), module)):
        for name in release.names(module):
            if pattern.search(name) and not name.startswith("_"):
                origin = library.follow(f"{module}:{name}")
                if library.release_of(origin) is release:
                    yield library.public_name(origin)


def _arguments(library: Library, release: StoredRelease, pattern: re.Pattern[str]) -> Iterator[str]:
    for origin, arguments in release.argument_names():
        found = [argument for argument in arguments if pattern.search(argument)]
        dotted = library.public_name(origin) if found else ""
        if found and is_public(dotted):
            yield from (f"{dotted}.{argument}" for argument in found)

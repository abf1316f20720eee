"""What somebody who wrote a name that does not exist may have meant."""

from __future__ import annotations

from ml_intern_helpers.indexes.signatures import Library

_MOST = 5


def similar_names(library: Library, query: str) -> list[str]:
    """Names that exist and look like `query`, nearest first; arguments when the part before the last dot exists."""
    head, _, last = query.rpartition(".")
    if head:
        signature = library.signature(head) if library.origin(head) else None
        pool = [argument.name for argument in signature.arguments] if signature else list(_members(library, head))
        return [f"{head}.{name}" for name in similar(last, pool)] or similar_bare(library, last)
    return similar_bare(library, last)


def similar_bare(library: Library, name: str) -> list[str]:
    """Public names of the packages that look like `name`."""
    pool = {other: package for package in reversed(library.releases) for other in library.releases[package].names(package)}
    return [f"{pool[other]}.{other}" for other in similar(name, list(pool))]


def similar(name: str, pool: list[str]) -> list[str]:
    """Up to five of `pool`: equal but for case and underscores, then those that share most of their letters."""
    plain = _plain(name)
    same = [other for other in pool if _plain(other) == plain and other != name]
    near = [other for other in pool if abs(len(other) - len(name)) <= max(3, len(name) // 3) and not other.startswith("_")]
    import difflib

    return list(dict.fromkeys([*same, *difflib.get_close_matches(name, near, n=_MOST, cutoff=0.72)]))[:_MOST]


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _members(library: Library, module: str) -> list[str]:
    release = library.release_of(module)
    return list(release.names(module)) if release else []

"""What somebody who wrote a name that does not exist may have meant."""

from __future__ import annotations

from ml_intern_helpers.indexes.signatures import Library

_MOST = 5


def similar_names(library: Library, query: str) -> list[str]:
    """Names that exist and look like `query`, nearest first; arguments when the part before the last dot exists."""
    head, _, last = query.rpartition(".")
    if head:
        signature, release = library.signature(head), library.release_of(head)
        members = list(release.names(head)) if release else []
        found = similar(last, [argument.name for argument in signature.arguments] if signature else members)
        if found:
            return [f"{head}.{name}" for name in found]
    # Otherwise a public name of one of the packages.
    pool = {other: package for package in reversed(library.releases) for other in library.releases[package].names(package)}
    return [f"{pool[other]}.{other}" for other in similar(last, list(pool))]


def similar(name: str, pool: list[str]) -> list[str]:
    """Up to five of `pool`: equal but for case and underscores, then those that share most of their letters."""
    plain = name.replace("_", "").lower()
    same = [other for other in pool if other.replace("_", "").lower() == plain and other != name]
    candidates = [other for other in pool if abs(len(other) - len(name)) <= max(3, len(name) // 3) and not other.startswith("_")]
    import difflib

    return list(dict.fromkeys([*same, *difflib.get_close_matches(name, candidates, n=_MOST, cutoff=0.72)]))[:_MOST]

"""What `api_lookup` answers, as JSON."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.indexes.lookup import Found, lookup, taken
from ml_intern_helpers.indexes.records import Argument
from ml_intern_helpers.indexes.removed import Gone, what_became
from ml_intern_helpers.indexes.signatures import Library, Signature
from ml_intern_helpers.indexes.suggest import similar_names


def versions(libraries: list[Library]) -> dict[str, list[str]]:
    """Package -> the releases that were asked."""
    found: dict[str, list[str]] = {}
    for library in libraries:
        for release in library.releases.values():
            if release.version not in found.setdefault(release.package, []):
                found[release.package].append(release.version)
    return found


def result(library: Library, query: str) -> dict[str, Any]:
    """The answer to one name: what it is (each thing it may be), or what became of it."""
    found = lookup(library, query)
    answer: dict[str, Any] = {
        "query": query,
        "asked": _asked(library, query),
        "found": bool(found),
        "unknown": None,
        "entries": [_entry(library, item) for item in found],
    }
    became = None if found else _became(library, query)
    answer["removed"] = None if became is None else _removed(became)
    answer["unknown"] = None if found or became else _unknown(library, query)
    answer["similar"] = [] if found or (became and became.replacement) else similar_names(library, query)
    return answer


def _unknown(library: Library, query: str) -> str | None:
    """Why nobody can say that a name does not exist, if so."""
    head, _, last = query.rpartition(".")
    for start in lookup(library, head) if head else ():
        if start.signature is not None and start.signature.open:
            return f"{start.name} takes **kwargs, and what becomes of {last} in there is not known"
        if start.kind == "name":
            return f"the arguments and methods of {start.name} are not indexed"
        release = library.release_of(start.origin)
        if start.kind == "module" and release is not None and release.may_hold(start.origin, last):
            return f"what {start.origin} imports for its own use is not indexed"
    return None


def _asked(library: Library, query: str) -> str:
    """The releases a negative answer speaks of."""
    release = library.release_of(query)
    asked = [release] if release else list(library.releases.values())
    return ", ".join(f"{release.package} {release.version}" for release in asked)


def _became(library: Library, query: str) -> Gone | None:
    """What became of a name; of a bare one, in the first package that had it."""
    if query.partition(".")[0] in library.releases:
        return what_became(library, query)
    starts = [item.name for item in lookup(library, query.partition(".")[0])] or list(library.releases)
    rest = query.partition(".")[2] if "." in query and starts != list(library.releases) else query
    tried = (what_became(library, f"{start}.{rest}") for start in starts)
    return next((became for became in tried if became), None)


def _removed(became: Gone) -> dict[str, Any]:
    gone = became.removal
    return {
        "name": became.name,
        "last": gone.last if gone else None,
        "gone": gone.gone if gone else None,
        "via": gone.via if gone else None,
        "via_last": gone.via_last if gone else None,
        "replacement": became.replacement,
        "hint": became.hint,
        "why": gone.why if gone else None,
        "sentence": became.sentence(),
    }


def _entry(library: Library, found: Found) -> dict[str, Any]:
    release = library.release_of(found.origin)
    module = found.origin.partition(":")[0]
    entry: dict[str, Any] = {
        "name": found.name,
        "kind": found.kind,
        "release": f"{release.package} {release.version}" if release else None,
        "module": module,
        "file": module.replace(".", "/") + ("/__init__.py" if release and release.is_package(module) else ".py"),
        "arguments": None,
        "open": None,
        "also_taken": [],
        "methods": [],
        "names": [],
    }
    if found.signature is not None:
        entry.update(_called(library, found, found.signature))
    if found.argument is not None:
        entry["arguments"] = [_argument(library, found.argument, found.owner)]
    if found.kind == "module" and release is not None:
        entry["names"] = sorted(name for name in release.names(module) if not name.startswith("_"))
    return entry


def _called(library: Library, found: Found, signature: Signature) -> dict[str, Any]:
    owners = library.owners(found.origin) if found.kind == "class" else {}
    rows = [_argument(library, item, owners.get(item.name, found.origin)) for item in signature.arguments]
    for row in rows:
        # What a private base declares is nobody else's: TRL's `_BaseConfig` changes three defaults of TrainingArguments.
        row["own"] = row["from"] == library.public_name(found.origin) or row["from"].rpartition(".")[2].startswith("_")
    known = sorted(taken(library, found.name, signature) - {item.name for item in signature.arguments})
    return {
        "arguments": sorted(rows, key=lambda row: not row["own"]),
        "open": signature.open,
        "also_taken": known,
        "methods": _methods(library, found.origin) if found.kind == "class" else [],
    }


def _argument(library: Library, item: Argument, owner: str) -> dict[str, Any]:
    return {
        "name": item.name,
        "required": item.default is None,
        "default": item.default,
        "type": item.type,
        "doc": item.doc,
        "keyword_only": item.keyword_only,
        "from": library.public_name(owner),
        "own": True,
    }


def _methods(library: Library, origin: str) -> list[str]:
    """Own methods first, then each ancestor's."""
    return list(dict.fromkeys(name for _, record in library.line(origin) for name in record.methods))

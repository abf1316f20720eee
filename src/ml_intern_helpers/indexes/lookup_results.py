"""Builds the results of `api_lookup` as JSON: the releases, what each name is or what replaced it, and pattern matches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, UsageError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.libraries import PACKAGES, installed, release, shipped
from ml_intern_helpers.indexes.lookup import Found, is_public, lookup, similar_names, taken
from ml_intern_helpers.indexes.records import Argument
from ml_intern_helpers.indexes.removed import Gone, what_became
from ml_intern_helpers.indexes.signatures import Library, Release
from ml_intern_helpers.indexes.stored_release import StoredRelease

_PIN = re.compile(r"\s*([A-Za-z][\w-]*)\s*==\s*(\S+?)\s*")
_MOST_LIBRARIES = 12


def libraries(pins: list[str], python: str | None, context: Context) -> list[Library]:
    """One library per combination of the requested releases; other packages are the interpreter's, or shipped ones."""
    asked: dict[str, list[str]] = {}
    for pin in pins:
        match = _PIN.fullmatch(pin)
        if not match:
            raise UsageError(f"--release {clean(pin, limit=80)!r} is not PACKAGE==VERSION", hint="--release trl==0.20.0")
        asked.setdefault(match[1].replace("-", "_").lower(), []).append(match[2])
    named: dict[str, list[Release]] = {}
    for package, versions in asked.items():
        for version in versions:
            context.progress(f"reading {package} {version} …")
            index = release(package, version, offline=context.offline, timeout_s=context.deadline_s or 180)
            named.setdefault(package, []).append(index)
    combinations = list(product(*named.values()))
    if len(combinations) > _MOST_LIBRARIES:
        raise UsageError(
            f"{len(combinations)} combinations of releases are too many", hint=f"name at most {_MOST_LIBRARIES} combinations"
        )
    rest = _unnamed([package for package in PACKAGES if package not in named], python, context)
    if "trl" in named and "transformers" not in named and not python:
        version = next(index.version for index in rest if index.package == "transformers")
        context.warn(f"inherited arguments are those of transformers {version}; name another with --release transformers==…")
    ordered = (sorted([*combination, *rest], key=lambda index: PACKAGES.index(index.package)) for combination in combinations)
    return [Library(*releases) for releases in ordered]


def _unnamed(packages: list[str], python: str | None, context: Context) -> list[Release]:
    if python is None:
        return [shipped(package) for package in packages]
    context.progress(f"reading what is installed beside {python} …")
    indexes: list[Release] = [index for package in packages if (index := installed(python, package)) is not None]
    if not indexes and len(packages) == len(PACKAGES):
        message = f"none of {', '.join(PACKAGES)} is installed beside {clean(python, limit=200)}"
        raise NotFound(message, hint="pass another interpreter with --python")
    return indexes


def result(library: Library, query: str) -> dict[str, Any]:
    """The result for one name: everything that it names, or else why it does not exist and what replaced it."""
    found = lookup(library, query)
    gone = None if found else _gone(library, query)
    asked = library.release_of(query)
    releases = [asked] if asked else [*library.releases.values()]
    return {
        "query": query,
        "asked": ", ".join(f"{searched.package} {searched.version}" for searched in releases),
        "found": bool(found),
        "unknown": None if found or gone else _why_unknown(library, query),
        "entries": [_entry(library, item) for item in found],
        "removed": None if gone is None else _removed(gone),
        "similar": [] if found or (gone and gone.replacement) else similar_names(library, query),
    }


def _why_unknown(library: Library, query: str) -> str | None:
    """Why it is unknown whether a name exists; None when it is known."""
    head, _, last = query.rpartition(".")
    for start in lookup(library, head) if head else ():
        if start.signature is not None and start.signature.open:
            return f"{start.name} takes **kwargs, and it is not known whether it uses {last}"
        if start.kind == "name":
            return f"the arguments and methods of {start.name} are not indexed"
        holder = library.release_of(start.origin)
        if start.kind == "module" and holder is not None and holder.may_hold(start.origin, last):
            return f"the names that {start.origin} imports for its own use are not indexed"
    return None


def _gone(library: Library, query: str) -> Gone | None:
    """What replaced a name; for a bare one, in the first package that had it."""
    first, _, rest = query.partition(".")
    if first in library.releases:
        return what_became(library, query)
    starts = [item.name for item in lookup(library, first)]
    names = [f"{start}.{rest or query}" for start in starts] or [f"{package}.{query}" for package in library.releases]
    return next((gone for name in names if (gone := what_became(library, name))), None)


def _removed(gone: Gone) -> dict[str, Any]:
    removal = gone.removal
    return {
        "name": gone.name,
        "last": removal.last if removal else None,
        "gone": removal.gone if removal else None,
        "via": removal.via if removal else None,
        "via_last": removal.via_last if removal else None,
        "replacement": gone.replacement,
        "hint": gone.hint,
        "why": removal.why if removal else None,
        "sentence": gone.sentence(),
    }


def _entry(library: Library, found: Found) -> dict[str, Any]:
    release, signature = library.release_of(found.origin), found.signature
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
    if found.argument is not None:
        entry["arguments"] = [_argument(library, found.argument, found.owner)]
    if found.kind == "module" and release is not None:
        entry["names"] = sorted(name for name in release.names(module) if not name.startswith("_"))
    if signature is not None:
        owners = library.owners(found.origin) if found.kind == "class" else {}
        rows = [_argument(library, item, owners.get(item.name, found.origin)) for item in signature.arguments]
        for row in rows:
            # Arguments of a private base count as own: TRL's `_BaseConfig` changes three defaults of TrainingArguments.
            row["own"] = row["from"] == library.public_name(found.origin) or row["from"].rpartition(".")[2].startswith("_")
        entry["arguments"] = sorted(rows, key=lambda row: not row["own"])
        entry["open"] = signature.open
        entry["also_taken"] = sorted(taken(library, found.name, signature) - {item.name for item in signature.arguments})
    if signature is not None and found.kind == "class":  # own methods first, then each ancestor's
        entry["methods"] = list(dict.fromkeys(name for _, record in library.line(found.origin) for name in record.methods))
    return entry


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


def matches(library: Library, pattern: re.Pattern[str]) -> list[str]:
    """The names that match: those of the packages and their arguments first, then those of deeper modules.

    Each match occurs once, under its shortest name; arguments under the class or function that declares them.
    """
    stored = [release for release in library.releases.values() if isinstance(release, StoredRelease)]
    names = [name for release in stored for name in _matching_names(library, release, pattern)]
    arguments: list[str] = []
    for stored_release in stored:
        for origin, declared in stored_release.argument_names():
            matching = [argument for argument in declared if pattern.search(argument)]
            if matching and is_public(dotted := library.public_name(origin)):
                arguments += (f"{dotted}.{argument}" for argument in matching)
    offered = [name for name in names if name.count(".") == 1] + [name for name in arguments if name.count(".") == 2]
    return list(dict.fromkeys([*offered, *names, *arguments]))


def _matching_names(library: Library, release: StoredRelease, pattern: re.Pattern[str]) -> Iterator[str]:
    for module in sorted(filter(is_public, release.modules()), key=lambda module: (module.count("."), module)):
        for name in release.names(module):
            if pattern.search(name) and not name.startswith("_"):
                origin = library.follow(f"{module}:{name}")
                if library.release_of(origin) is release:
                    yield library.public_name(origin)

"""Which releases a question is about: shipped ones, unless others are named or an interpreter has its own."""

from __future__ import annotations

import re
from itertools import product

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, UsageError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.libraries import PACKAGES, installed, release, shipped
from ml_intern_helpers.indexes.signatures import Library, Release

_PIN = re.compile(r"\s*([A-Za-z][\w-]*)\s*==\s*(\S+?)\s*")
_MOST_LIBRARIES = 12


def libraries(pins: list[str], python: str | None, context: Context) -> list[Library]:
    """One library for each combination of the releases asked for; what is not asked for is the interpreter's, or shipped."""
    asked: dict[str, list[str]] = {}
    for pin in pins:
        match = _PIN.fullmatch(pin)
        if not match:
            raise UsageError(f"--release {clean(pin, limit=80)!r} is not PACKAGE==VERSION", hint="--release trl==0.20.0")
        asked.setdefault(match[1].replace("-", "_").lower(), []).append(match[2])
    named = {package: [_fetched(package, version, context) for version in versions] for package, versions in asked.items()}
    if len(combinations := list(product(*named.values()))) > _MOST_LIBRARIES:
        raise UsageError(f"{len(combinations)} combinations of releases are too many", hint=f"ask for {_MOST_LIBRARIES} at most")
    rest = _rest([package for package in PACKAGES if package not in named], python, context)
    if "trl" in named and "transformers" not in named and not python:
        version = next(found.version for found in rest if found.package == "transformers")
        context.warn(f"inherited arguments are those of transformers {version}; name another with --release transformers==…")
    return [Library(*_in_order([*combination, *rest])) for combination in combinations]


def _fetched(package: str, version: str, context: Context) -> Release:
    context.progress(f"reading {package} {version} …")
    return release(package, version, offline=context.offline, timeout_s=context.deadline_s or 180)


def _rest(packages: list[str], python: str | None, context: Context) -> list[Release]:
    if python is None:
        return [shipped(package) for package in packages]
    context.progress(f"reading what is installed beside {python} …")
    found = [there for package in packages if (there := installed(python, package)) is not None]
    if not found and len(packages) == len(PACKAGES):
        raise NotFound(
            f"none of {', '.join(PACKAGES)} is installed beside {clean(python, limit=200)}", hint="name another --python"
        )
    return list(found)


def _in_order(releases: list[Release]) -> list[Release]:
    return sorted(releases, key=lambda found: PACKAGES.index(found.package))

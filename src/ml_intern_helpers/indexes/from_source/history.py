"""Derives which names were removed or renamed, in which release, and what replaces them, by comparing consecutive releases.

The compared surface of a release is what a script may use: importable names, and arguments by callable.
`scripts/build_api_history` runs this over dozens of releases; `removed` reads the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from ml_intern_helpers.indexes.from_source.tree_release import TreeRelease, names_only
from ml_intern_helpers.indexes.removed import Removal
from ml_intern_helpers.indexes.signatures import ClassRecord, Library

#: Names that many modules define for themselves: finding one elsewhere is not a move.
_EVERYWHERE = frozenset({"logger", "main", "T"})
_PRIVATE = re.compile(r"(^|\.)(_\w*|tests?|testing_utils|commands|cli|vendor)(\.|$)")
_INSTEAD = (
    re.compile(
        r"`(?P<old>\w+)`[^`.]{0,80}(?:is|was|are) (?:now )?deprecated[^`]{0,160}?"
        r"[Uu]se (?:the )?(?:new )?`(?:--)?(?P<new>[\w.=]+)`"
    ),
    re.compile(r"`(?P<old>\w+)`[^`.]{0,60}(?:is|was|has been) (?:renamed|replaced|moved)[^`]{0,60}`(?P<new>[\w.=]+)`"),
    re.compile(
        r"`(?P<old>\w+)`[^`]{0,40}deprecated[^`]{0,120}(?:in favou?r of|[Pp]lease use|instead use) (?:the )?`(?P<new>[\w.=]+)`"
    ),
    re.compile(r"deprecate_kwarg\( ?[\"'](?P<old>\w+)[\"'],[^)]{0,80}?new_name=[\"'](?P<new>\w+)[\"']"),
)
_JOINED = re.compile(r"[\"']\s*\n\s*[frFR]{0,2}[\"']")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Surface:
    """The part of a release that a script may use.

    Attributes:
        package, version: the release.
        names: module -> the names to import from it: its own, and those that a package re-exports from its modules.
        arguments: `package.Name` or `package.Name.method` -> the names that a call may pass.
        methods: `package.Name` -> its public methods.
    """

    package: str
    version: str
    names: dict[str, frozenset[str]]
    arguments: dict[str, frozenset[str]]
    methods: dict[str, frozenset[str]]

    def has(self, dotted: str) -> bool:
        """Whether a module, name, method or argument with that path exists."""
        head, _, last = dotted.rpartition(".")
        return dotted in self.names or any(last in table.get(head, ()) for table in (self.names, self.arguments, self.methods))


def removals(surfaces: Iterable[Surface], announced: dict[str, set[str]]) -> dict[str, Removal]:
    """Compare consecutive releases; a name that comes back later does not count as removed.

    Args:
        surfaces: the surfaces of one package, oldest first.
        announced: name -> the replacements that the library's own texts name in any of the releases.
    """
    line = list(surfaces)
    newest = line[-1]
    by_name: dict[str, Removal] = {}
    for older, newer in pairwise(line):
        for name, replacement in _gone(older, newer):
            by_name[name] = Removal(name, older.version, newer.version, replacement, "moved" if replacement else None)
    by_name = {name: removal for name, removal in by_name.items() if not newest.has(name)}
    return {name: _settled(removal, by_name, newest, line, announced) for name, removal in sorted(by_name.items())}


def _gone(older: Surface, newer: Surface) -> Iterator[tuple[str, str | None]]:
    """(removed name, new path of the same name or None); the names of a removed module are not listed one by one."""
    for module, names in older.names.items():
        kept = newer.names.get(module)
        if kept is None:
            yield module, _moved_module(module, older, newer)
            names = names if module.count(".") == 1 else frozenset()
        for name in names - (kept or frozenset()):
            if f"{module}.{name}" not in older.names:  # a submodule is listed as a removed module
                yield f"{module}.{name}", _moved(name, newer)
    for tables in ((older.arguments, newer.arguments), (older.methods, newer.methods)):
        for call, names in tables[0].items():
            for name in names - tables[1].get(call, names):
                yield f"{call}.{name}", None


def _moved(name: str, newer: Surface) -> str | None:
    """The shortest path to the same name in another public module of the newer release, or None."""
    homes = [module for module, names in newer.names.items() if name in names and name not in _EVERYWHERE]
    return min((f"{module}.{name}" for module in homes), key=lambda path: (path.count("."), path), default=None)


def _moved_module(module: str, older: Surface, newer: Surface) -> str | None:
    """The only module of that name with most of this one's names; None where several have them (`bnb` of each adapter)."""
    last, names = module.rpartition(".")[2], older.names[module]
    homes = [
        other
        for other, offered in newer.names.items()
        if other.rpartition(".")[2] == last and len(names & offered) * 2 > len(names)
    ]
    return homes[0] if len(homes) == 1 else None


def _settled(
    removal: Removal, removed: dict[str, Removal], newest: Surface, line: list[Surface], announced: dict[str, set[str]]
) -> Removal:
    """The removal with a replacement that exists in the newest release, or with none."""
    head, _, last = removal.name.rpartition(".")
    in_call = any(head in surface.arguments or head in surface.methods for surface in line)
    for new in sorted(announced.get(last, ())):
        # The replacement is an argument of the same call, or else a name beside the old one or in the package.
        places = [f"{head}.{new}"] if in_call else [f"{head}.{new}", new, f"{newest.package}.{new}"]
        path = next((path for path in places if newest.has(path)), removal.name)
        if path != removal.name:
            return removal._replace(replacement=path, why="announced")
    if in_call:
        return _renamed(removal, head, last, newest, line)
    if removal.replacement is None or newest.has(removal.replacement):
        return removal
    again = removed.get(removal.replacement) or removed.get(removal.replacement.rpartition(".")[0])
    before = next(surface for surface in line if surface.version == removal.last)
    later = _moved_module(removal.name, before, newest) if removal.name in before.names else _moved(last, newest)
    via = removal._replace(replacement=later, why="moved" if later else None, via=removal.replacement)
    return via._replace(via_last=again.last if again else None)


def _renamed(removal: Removal, head: str, last: str, newest: Surface, line: list[Surface]) -> Removal:
    """The removal with its likely new name: a similar argument that appeared in the same release."""
    before, after = (next(s for s in line if s.version == version) for version in (removal.last, removal.gone))
    if last not in before.arguments.get(head, ()):
        return removal
    new = after.arguments.get(head, frozenset()) - before.arguments.get(head, frozenset())
    import difflib  # slow to import, and needed only when releases are compared

    close = difflib.get_close_matches(last, new & newest.arguments.get(head, frozenset()), n=1, cutoff=0.78)
    return removal._replace(replacement=f"{head}.{close[0]}", why="renamed") if close else removal


def surface(release: TreeRelease, beside: Library) -> Surface:
    """The surface of `release`; `beside` holds it and the packages its classes inherit from."""
    package, packages = release.package, release.tree.packages
    built = Surface(package, release.version, {}, {}, {})
    for module in release.tree.modules:
        if not _PRIVATE.search(module) and not names_only(module):
            # Names that a plain module imports for its own use do not count.
            built.names[module] = frozenset(
                name
                for name, target in release.names(module).items()
                if not name.startswith("_")
                and (target.partition(":")[0] == module or (module in packages and target.startswith(f"{package}.")))
            )
    for dotted, origin in _callables(release, beside, built.names):
        signature = beside.signature(origin)
        if signature is None:
            continue
        built.arguments[dotted] = signature.names
        line = [record for owner, record in beside.line(origin) if owner.partition(".")[0] == package]
        methods = frozenset(name for record in line for name in record.methods)
        if isinstance(beside.record(origin), ClassRecord):
            built.methods[dotted] = methods
        for name in methods:
            method = beside.method(origin, name)
            if method is not None:
                built.arguments[f"{dotted}.{name}"] = method.names
    return built


def _callables(release: TreeRelease, beside: Library, names: dict[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    """(name, origin) of each class and function that the packages offer, under its shortest name."""
    seen: set[str] = set()
    for module in sorted((module for module in names if module in release.tree.packages), key=lambda m: (m.count("."), m)):
        for name in sorted(names[module]):
            origin = beside.follow(f"{module}:{name}")
            if ":" in origin and origin not in seen and not names_only(origin.partition(":")[0]):
                seen.add(origin)
                yield f"{module}.{name}", origin


def announcements(text: str) -> Iterator[tuple[str, str]]:
    """(old, new) pairs of names from a module's text, after adjacent string literals are joined."""
    if "deprecat" not in text and "renamed" not in text:
        return
    flat = _SPACE.sub(" ", _JOINED.sub("", text))
    for pattern in _INSTEAD:
        for match in pattern.finditer(flat):
            new = match["new"].partition("=")[0].rstrip(".")
            if match["old"] != new and "if you" not in match[0].lower():  # "if you want …, use …" names no replacement
                yield match["old"], new

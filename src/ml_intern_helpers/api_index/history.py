"""What was removed or renamed, in which release, and what replaces it: derived by comparing surfaces, release after release."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise

from ml_intern_helpers.api_index.surface import Surface


@dataclass(frozen=True)
class Removal:
    """One thing that a release took away.

    Attributes:
        name: `trl.setup_chat_format`, or `trl.SFTConfig.max_seq_length` for an argument.
        last: the last release that had it (of those compared).
        gone: the first release that has it no more.
        replacement: what to write instead, when the comparison or the older release's own text tells.
        why: how the replacement is known: `moved`, `announced` (by the library), `renamed` (same release, like name), or None.
    """

    name: str
    last: str
    gone: str
    replacement: str | None = None
    why: str | None = None

    def to_json(self) -> dict[str, str | None]:
        return asdict(self)


def removals(surfaces: Iterable[Surface], announced: dict[str, str]) -> list[Removal]:
    """Compare neighbours, oldest first. What comes back later is not a removal.

    Args:
        surfaces: of one package, oldest first.
        announced: name -> replacement, collected from the older releases' deprecation texts.
    """
    line = list(surfaces)
    newest = line[-1]
    found: dict[str, Removal] = {}
    for older, newer in pairwise(line):
        for name, replacement, why in _gone(older, newer):
            if name in announced:
                replacement, why = announced[name], "announced"
            found[name] = Removal(name, older.version, newer.version, replacement, why)
    return [removal for name, removal in sorted(found.items()) if not _exists(newest, name)]


def _exists(surface: Surface, name: str) -> bool:
    head, _, last = name.rpartition(".")
    return last in surface.names.get(head, ()) or last in surface.arguments.get(head, ())


def _gone(older: Surface, newer: Surface) -> Iterator[tuple[str, str | None, str | None]]:
    for module, names in older.names.items():
        kept = newer.names.get(module)
        if kept is None:
            yield module, None, None
            continue
        for name in names - kept:
            moved = _moved(name, newer) if module == older.package else None
            yield f"{module}.{name}", moved, "moved" if moved else None
    for call, arguments in older.arguments.items():
        kept = newer.arguments.get(call)
        if kept is not None:
            for name in arguments - kept:
                renamed = _renamed(name, kept - arguments)
                yield f"{call}.{name}", renamed, "renamed" if renamed else None


def _moved(name: str, newer: Surface) -> str | None:
    """The same name in another public module of the newer release: the shortest path wins."""
    homes = [module for module, names in newer.names.items() if name in names]
    return min((f"{module}.{name}" for module in homes), key=lambda path: (path.count("."), path), default=None)


def _renamed(name: str, new: frozenset[str]) -> str | None:
    """An argument that appeared in the same release and looks like the old one: likely its new name, said as likely."""
    close = difflib.get_close_matches(name, new, n=1, cutoff=0.75)
    if close:
        return close[0]
    parts = set(name.split("_"))
    alike = [other for other in new if len(parts & set(other.split("_"))) >= 2]
    return alike[0] if len(alike) == 1 else None


_INSTEAD = (
    re.compile(r"`(?P<old>\w+)`[^`.]{0,60}(?:is|was|are) deprecated[^`]{0,160}?[Uu]se (?:the )?`(?P<new>[\w.=]+)`"),
    re.compile(r"`(?P<old>\w+)`[^`.]{0,60}(?:is|was) (?:renamed|replaced)[^`]{0,60}`(?P<new>[\w.=]+)`"),
    re.compile(r"`(?P<old>\w+)`[^`]{0,40}deprecated[^`]{0,120}(?:in favor of|[Pp]lease use) `(?P<new>[\w.=]+)`"),
)


def announcements(text: str) -> Iterator[tuple[str, str]]:
    """(old, new) pairs from a module's warnings and docstrings, adjacent string literals joined first."""
    joined = re.sub(r'["\']\s*\n\s*f?["\']', "", text)
    flat = re.sub(r"\s+", " ", joined)
    for pattern in _INSTEAD:
        for match in pattern.finditer(flat):
            if match["old"] != match["new"]:
                yield match["old"], match["new"]

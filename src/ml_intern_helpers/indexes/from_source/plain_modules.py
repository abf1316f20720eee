"""What a module binds, read line by line: parsing transformers' 2,000 model files takes ten times as long."""

from __future__ import annotations

import re
from collections.abc import Iterator

_DEFINED = re.compile(r"(?:class|def|async def)\s+(\w+)")
_ASSIGNED = re.compile(r"([A-Za-z_][\w, ]*?)\s*(?::[^=]+)?=(?!=)")
_INDENTED = re.compile(r"^    (?:class|def|async def) (\w+)(?!\(\s*(?:self|cls)\b)", re.MULTILINE)
_SERVED = re.compile(r"^__getattr__ = deprecate_attr\((.*?)\)$", re.MULTILINE | re.DOTALL)
_KEY = re.compile(r"[\"'](\w+)[\"']: \(")
_IMPORT = re.compile(r"\s*(?:from\s+[\w.]+\s+)?import\s+(.*)")


def bound_names(text: str) -> set[str]:
    """What the statements at the left margin define."""
    found: set[str] = set()
    for line in text.splitlines():
        if line[:1].isalpha() or line[:1] == "_":
            defined = _DEFINED.match(line)
            assigned = None if defined else _ASSIGNED.match(line)
            found.update([defined[1]] if defined else (assigned[1].split(",") if assigned else ()))
    return {name for name in map(str.strip, found) if name.isidentifier()}


def indented_names(text: str) -> set[str]:
    """Classes and functions one step in that are no methods: those under an `if` or `try` of the module, and some too many."""
    return set(_INDENTED.findall(text))


def imported_names(text: str) -> set[str]:
    """What import statements bind, also inside functions."""
    found: set[str] = set()
    for clause in _clauses(text.splitlines()):
        for item in clause.split(","):
            found.add(item.rpartition(" as ")[2].strip().partition(".")[0])
    return {name for name in found if name.isidentifier()}


def served_until(text: str) -> set[str]:
    """`__getattr__ = deprecate_attr(__name__, rename={"Old": (New, "5.29.0")})`: the names that this serves."""
    return {name for table in _SERVED.findall(text) for name in _KEY.findall(table)}


def _clauses(lines: list[str]) -> Iterator[str]:
    """What stands behind each `import`, brackets and comments gone."""
    waiting = iter(lines)
    for line in waiting:
        match = _IMPORT.match(line) if "import" in line else None
        if match is None:
            continue
        clause = match[1].partition("#")[0]
        while clause.lstrip().startswith("(") and ")" not in clause:
            following = next(waiting, ")")
            clause += following.partition("#")[0]
        yield clause.strip().strip("()")

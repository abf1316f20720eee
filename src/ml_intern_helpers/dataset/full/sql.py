"""Strangers' names inside SQL: quoted, in one place."""

from __future__ import annotations

from collections.abc import Iterable

#: Every character that Python's `str.strip` takes for white space, as the inside of an RE2 class.
_SPACES = r"\s\x{0b}\x{1c}-\x{1f}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
#: Between the parts of a row, and inside a turn; no text for people holds them.
PART, FIELD = "chr(30)", "chr(31)"


def name(column: str) -> str:
    """A column's name as an identifier."""
    return '"' + column.replace('"', '""') + '"'


def text(value: object) -> str:
    """A string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def texts(values: Iterable[object]) -> str:
    """Literals with commas, for a list or `IN`."""
    return ", ".join(map(text, values))


def says_something(expression: str) -> str:
    """Whether a text holds anything but white space; stops at the first character that is none."""
    return f"regexp_matches({expression}, {text('[^' + _SPACES + ']')})"


def any_of(conditions: Iterable[str]) -> str:
    """True where one of `conditions` is; null counts as false."""
    parts = [f"coalesce({condition}, false)" for condition in conditions]
    return "(" + " OR ".join(parts) + ")" if parts else "false"


def stepwise(*conditions: str) -> str:
    """True where all of `conditions` are, each asked only where those before it hold; `AND` would ask them all of every row."""
    *first, last = conditions
    for condition in reversed(first):
        last = f"CASE WHEN {condition} THEN {last} ELSE false END"
    return last

"""Reads single values from untrusted JSON: a value of the wrong type counts as absent, and text is cleaned."""

from __future__ import annotations

import re
from typing import Any

from ml_intern_helpers.core.text import clean

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def text(value: object, limit: int | None = None) -> str | None:
    """Cleaned text on one line; None when there is none."""
    return (clean(value, limit=limit) or None) if isinstance(value, str) else None


def count(value: object) -> int | None:
    """A whole number of 0 or more; None for anything else (`null` is not 0)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value < 2**53 else None


def flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def date(value: object) -> str | None:
    """The day of an ISO time stamp, `2025-05-14`."""
    match = _DATE.match(value) if isinstance(value, str) else None
    return match[0] if match else None


def mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict[str, Any]]:
    """The objects of a list; other items are left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(value: object, limit: int | None = None) -> tuple[str, ...]:
    """The non-empty strings of a list, cleaned."""
    cleaned = [text(item, limit) for item in value] if isinstance(value, list) else []
    return tuple(item for item in cleaned if item)


def names(value: object, key: str = "name") -> tuple[str, ...]:
    """`[{"name": "Ada"}, …]` -> names, cleaned."""
    return texts([item.get(key) for item in mappings(value)], limit=100)

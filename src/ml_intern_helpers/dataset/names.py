"""Column names as words: `Chosen Response` and `chosenResponse` are `chosen_response`."""

from __future__ import annotations

import re
from collections.abc import Iterable


def plain_name(name: str) -> str:
    """The name in lower case with underscores."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")


def first_named(columns: Iterable[str], wanted: Iterable[str]) -> str | None:
    """The column whose whole name is one of `wanted`, the best of these first."""
    by_name = {plain_name(name): name for name in reversed(list(columns))}
    return next((by_name[name] for name in wanted if name in by_name), None)

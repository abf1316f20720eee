"""SET315: columns that say the same in every row. As prompt or answer they teach one sentence; elsewhere they say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.texts import SPOKEN
from ml_intern_helpers.dataset.definitions.limits import LEAST_ROWS

#: One system prompt, one set of tools or one label for all rows is a choice (or told by SET304), not a fault.
_MAY_BE_CONSTANT = ("system", "tools", "images", "label", "context")


def check(facts: Facts) -> Iterator[Finding]:
    """A warning per column that plays a part; one line for all the others."""
    if len(facts.rows) < LEAST_ROWS:
        return
    played = {column: part for part, column in facts.parts.by_role.items()}
    names = [column.name for column in facts.columns if constant([row.get(column.name) for row in facts.rows])]
    names = [name for name in names if played.get(name) not in _MAY_BE_CONSTANT]
    for name in (name for name in names if played.get(name) in SPOKEN and facts.rows[0][name] is not None):
        message = f"{clean(name, limit=60)!r} is the same in every row"
        yield finding(facts, "SET315", "warning", message, range(len(facts.rows)), example=_shown(facts.rows[0][name]))
    rest = [name for name in names if played.get(name) not in SPOKEN or facts.rows[0][name] is None]
    if rest:
        shown = ", ".join(f"{clean(name, limit=40)!r} ({clean(_shown(facts.rows[0][name]), limit=40)})" for name in rest[:8])
        more = f" and {len(rest) - 8} more" if len(rest) > 8 else ""
        yield finding(facts, "SET315", "info", f"columns with one value in every row: {shown}{more}", range(len(facts.rows)))


def constant(cells: list[Any]) -> bool:
    """Whether all cells are equal; cells that were not read (pictures) are no news."""
    return all(cell == cells[0] and type(cell) is type(cells[0]) for cell in cells) and not isinstance(cells[0], (bytes, dict))


def _shown(cell: Any) -> str:
    return "null" if cell is None else str(cell)

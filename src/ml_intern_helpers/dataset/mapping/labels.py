"""Code that turns a column of good and bad into true and false."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.labels import desirable
from ml_intern_helpers.dataset.mapping.code import quoted, row


def label_expression(parts: ColumnRoles, rows: list[dict[str, Any]]) -> str | None:
    """Code that is true for a desirable row, or None when the values do not say which those are."""
    column = parts.get("label")
    good = desirable(item.get(column) for item in rows) if column else None
    if column is None or good is None:
        return None
    if all(isinstance(value, bool) for value in good):
        return row(column)
    if all(isinstance(value, (int, float)) for value in good):
        return f"{row(column)} > 0"
    words = [value for value, yes in good.items() if yes]
    wanted = quoted(words[0]) if len(words) == 1 else f"({', '.join(map(quoted, sorted(words)))})"
    return f"{row(column)} {'==' if len(words) == 1 else 'in'} {wanted}" if words else None

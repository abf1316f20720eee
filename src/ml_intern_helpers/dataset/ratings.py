"""Numbers that rate an answer: which of them mean a good one is the user's to say, and pairs are to be made across rows."""

from __future__ import annotations

import json
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles, first_named
from ml_intern_helpers.dataset.shapes.shape import Rows, shown

NAMES = (
    "rating", "score", "overall_score", "reward", "reward_score", "quality_score", "quality", "stars", "helpfulness", "overall",
    "grade", "upvotes", "votes", "label",
)  # fmt: skip


def rating(parts: ColumnRoles, rows: Rows) -> str | None:
    """The column of numbers that rates the answers; None without one, or where the sample holds a single value."""
    numbers = [name for name, kind in parts.kinds.items() if kind in ("int", "float")]
    column = first_named(numbers, NAMES)
    return column if column and len({value for row in rows if isinstance(value := row.get(column), (int, float))}) > 2 else None


def threshold(column: str) -> str:
    """What KTO takes to be told."""
    return (
        f"{shown(column)} rates the answers, and from which value on one is desirable is yours to say: "
        f"dataset.map(lambda row: {{\"label\": row[{column!r}] >= …}}) beside 'prompt' and 'completion', and inspect the result"
    )


def pairs_across_rows(parts: ColumnRoles, rows: Rows) -> str | None:
    """What to do where the same prompt has several rated answers, each in a row of its own; None elsewhere."""
    column = rating(parts, rows)
    if column is None or not parts.has("prompt", "completion"):
        return None
    ratings: dict[str, set[Any]] = {}
    for row in rows:
        ratings.setdefault(_key(row.get(parts.by_role["prompt"])), set()).add(json.dumps(row.get(column), default=str))
    several = sum(1 for values in ratings.values() if len(values) > 1)
    if 2 * several < len(ratings):
        return None
    return (
        f"each row holds one answer, and {shown(column)} rates it: group the rows by {shown(parts.by_role['prompt'])}, take the "
        "best as 'chosen' and the worst as 'rejected', and inspect the result; no mapping of single rows can"
    )


def _key(prompt: object) -> str:
    return json.dumps(prompt, sort_keys=True, default=str)

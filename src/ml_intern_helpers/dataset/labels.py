"""Interprets labels and ratings of answers: which values mean a desirable answer, and how ratings can be used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles, first_named
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.shapes.shape import Rows

#: Labels of desirable answers, each with its opposite.
OPPOSITES = {
    "true": "false",
    "yes": "no",
    "good": "bad",
    "desirable": "undesirable",
    "positive": "negative",
    "chosen": "rejected",
    "like": "dislike",
    "liked": "disliked",
    "thumbs_up": "thumbs_down",
    "up": "down",
    "👍": "👎",
    "upvote": "downvote",
    "helpful": "unhelpful",
    "correct": "incorrect",
    "accept": "reject",
    "accepted": "rejected",
    "1": "0",
}
#: Names of columns that hold ratings.
_RATINGS = (
    "rating", "score", "overall_score", "reward", "reward_score", "quality_score", "quality", "stars", "helpfulness", "overall",
    "grade", "upvotes", "votes", "label",
)  # fmt: skip
#: Skin tones of emoji, and the variation selector for emoji.
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f]")


def desirable(labels: Iterable[Any]) -> dict[Any, bool] | None:
    """Label -> whether it means a desirable answer; None if that is unclear (as for a rating from 1 to 5)."""
    values = {label for label in labels if isinstance(label, (bool, int, float, str))}
    if not values:
        return None
    numbers = {value for value in values if isinstance(value, (bool, int, float))}
    if numbers == values:
        return {value: value > 0 for value in numbers} if numbers <= {0, 1} or numbers <= {-1, 1} else None
    words = {value: _plain(value) for value in values}
    for good, bad in OPPOSITES.items():
        if set(words.values()) <= {good, bad}:
            return {value: word == good for value, word in words.items()}
    return None


def is_desirable(meanings: dict[Any, bool], value: object) -> bool | None:
    """The meaning of a label in `meanings`, the result of `desirable`; None if `value` is no label (a list among numbers)."""
    return meanings.get(value) if isinstance(value, (bool, int, float, str)) else None


@dataclass(frozen=True)
class LabelCounts:
    """The labels of all rows, as a full scan has counted them.

    Attributes:
        column: the column that holds the labels.
        counts: label as text -> number of rows.
        desirable, undesirable: number of rows with a label of this meaning.
    """

    column: str
    counts: dict[str, int]
    desirable: int
    undesirable: int

    @property
    def total(self) -> int:
        return self.desirable + self.undesirable


def counted_labels(column: str, counts: dict[str, int], values: Iterable[Any]) -> LabelCounts | None:
    """The counted labels with their meaning, from `values`, the labels of the sample; None if the meaning of one is unclear."""
    meanings = desirable(values)
    by_text = (
        {str(value).lower(): is_good for value, is_good in meanings.items()} if meanings else {}
    )  # CSV spells true in many ways
    good_rows = sum(rows for label, rows in counts.items() if by_text.get(label.lower()) is True)
    bad_rows = sum(rows for label, rows in counts.items() if by_text.get(label.lower()) is False)
    return LabelCounts(column, counts, good_rows, bad_rows) if by_text and good_rows + bad_rows == sum(counts.values()) else None


def rating(roles: ColumnRoles, rows: Rows) -> str | None:
    """The column of numbers that rates the answers; None without one, or if it has at most two different values."""
    numbers = [name for name, kind in roles.kinds.items() if kind in ("int", "float")]
    column = first_named(numbers, _RATINGS)
    return column if column and len({value for row in rows if isinstance(value := row.get(column), (int, float))}) > 2 else None


def threshold(column: str) -> str:
    """A message that asks the user for the threshold that KTO needs to use a rating."""
    return (
        f"{shown_name(column)} rates the answers; decide from which value on an answer is desirable: "
        f"dataset.map(lambda row: {{\"label\": row[{column!r}] >= …}}) beside 'prompt' and 'completion', and inspect the result"
    )


def pairs_across_rows(roles: ColumnRoles, rows: Rows) -> str | None:
    """What to do if most prompts have several rated answers in rows of their own; None otherwise."""
    column = rating(roles, rows)
    if column is None or not roles.has("prompt", "completion"):
        return None
    ratings: dict[str, set[Any]] = {}
    for row in rows:
        ratings.setdefault(_key(row.get(roles.by_role["prompt"])), set()).add(json.dumps(row.get(column), default=str))
    prompts_with_several = sum(1 for values in ratings.values() if len(values) > 1)
    if 2 * prompts_with_several < len(ratings):
        return None
    return (
        f"each row holds one answer, and {shown_name(column)} rates it: group the rows by {shown_name(roles.by_role['prompt'])}, "
        "take the best as 'chosen' and the worst as 'rejected', and inspect the result; a mapping of single rows cannot do this"
    )


def _key(prompt: object) -> str:
    return json.dumps(prompt, sort_keys=True, default=str)


def _plain(value: object) -> str:
    return _SKIN.sub("", str(value)).strip().strip(":").lower().replace(" ", "_").replace("-", "_")

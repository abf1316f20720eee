"""Columns that say good or bad, each in its own way, read as true and false."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

#: Words for a desirable answer, each with its opposite.
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

#: Colours of hands, and the sign that asks for a picture.
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f]")


def desirable(labels: Iterable[Any]) -> dict[Any, bool] | None:
    """Label -> whether it means a desirable answer; None when the labels do not say so themselves (a rating from 1 to 5)."""
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


def said(good: dict[Any, bool], value: object) -> bool | None:
    """What `good`, made by `desirable`, says of one label; None for what is no label (a list among numbers)."""
    return good.get(value) if isinstance(value, (bool, int, float, str)) else None


def _plain(value: object) -> str:
    return _SKIN.sub("", str(value)).strip().strip(":").lower().replace(" ", "_").replace("-", "_")

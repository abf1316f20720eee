"""Looks for patterns in the rows' texts; a search for plain words first, since most rows hold nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ml_intern_helpers.dataset.checks.context import Facts
from ml_intern_helpers.dataset.checks.texts import Piece
from ml_intern_helpers.dataset.definitions.pattern import Pattern


class Seen(NamedTuple):
    """A pattern that is in the rows: where, and the first match with the text it stands in."""

    pattern: Pattern
    at: list[int]
    match: str
    text: str


def scan(facts: Facts, patterns: Iterable[Pattern], wanted: Callable[[Piece], bool] | None = None) -> Iterator[Seen]:
    """Each of `patterns` that some row holds in a text that is `wanted` (in any text when None)."""
    for pattern in patterns:
        if not pattern.may_be_among(facts.word_list):
            continue
        texts = facts.lowered if pattern.any_case else facts.whole
        maybe = [at for at, text in enumerate(texts) if pattern.may_be_in(text)]
        found = [(at, hit) for at in maybe if (hit := _hit(facts, pattern, at, wanted))]
        if found:
            yield Seen(pattern, [at for at, _ in found], *found[0][1])


def _hit(facts: Facts, pattern: Pattern, at: int, wanted: Callable[[Piece], bool] | None) -> tuple[str, str] | None:
    """The first match in the row at `at`, and the text it is in."""
    for piece in facts.texts[at]:
        if wanted is None or wanted(piece):
            match = next(pattern.matches(piece.text), None)
            if match:
                return match[0], piece.text
    return None


def around(text: str, match: str, reach: int = 40) -> str:
    """`match` with some of the text on both sides."""
    start = max(text.find(match), 0)
    return text[max(start - reach, 0) : start + len(match) + reach]

"""SET313: rows of this split that another split holds, too. A model that is tested on what it has seen looks better than it
is."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.texts import Piece, pieces

#: A question of fewer words may be asked twice by chance (`hello`, `continue`).
_LEAST_WORDS = 8
_LEFT_OUT = ("tools", "images", "system", "label")


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per other split that was read and shares rows, or questions, with this one."""
    for split, rows in facts.others.items():
        texts = [pieces(row, facts.parts) for row in rows]
        known, asked = {row_key(found) for found in texts}, {question_key(found) for found in texts} - {None}
        same = [at for at, found in enumerate(facts.texts) if row_key(found) in known]
        alike = [at for at, found in enumerate(facts.texts) if question_key(found) in asked and row_key(found) not in known]
        yield from _told(facts, split, same, "rows", len(rows))
        yield from _told(facts, split, alike, "questions (with other answers)", len(rows))


def _told(facts: Facts, split: str, at: list[int], what: str, read: int) -> Iterator[Finding]:
    if at:
        names = f"{clean(facts.look.split, limit=60)!r} and {clean(split, limit=60)!r}"
        message = f"splits {names} share {what}; {read:,} rows of {clean(split, limit=60)!r} were read"
        fix = "drop them from the training split: a score on the other split would count what was learnt by heart"
        yield finding(facts, "SET313", "warning", message, at, fix=fix)


def row_key(found: list[Piece]) -> tuple[str, ...]:
    """The row's words, whatever their case and white space."""
    texts = [piece for piece in found if piece.part is not None and piece.part not in _LEFT_OUT] or found
    return tuple(" ".join(piece.text.casefold().split()) for piece in texts)


def question_key(found: list[Piece]) -> str | None:
    """What a row asks, where that is long enough to be asked once only; None otherwise."""
    asked = [piece.text for piece in found if piece.part == "prompt" or (piece.part == "messages" and piece.role == "user")]
    words = asked[0].casefold().split() if asked else []
    return " ".join(words) if len(words) >= _LEAST_WORDS else None

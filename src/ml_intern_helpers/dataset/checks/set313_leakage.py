"""Rows of this split that another split holds, too, or that ask the same question.

A model that is tested on what it has seen looks better than it is. Drop the shared rows from the training split.

Bad:
    # train.jsonl
    {"prompt": "Which metal conducts best?", "completion": "Silver."}
    {"prompt": "Which metal is liquid?", "completion": "Mercury."}
    # test.jsonl
    {"prompt": "Which metal is liquid?", "completion": "Mercury."}

Good:
    # train.jsonl
    {"prompt": "Which metal conducts best?", "completion": "Silver."}
    # test.jsonl
    {"prompt": "Which metal is liquid?", "completion": "Mercury."}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts, Piece, Row, finding, finding_over_all, pieces
from ml_intern_helpers.dataset.sample import Sample

CODE, TOPIC = "SET313", "copies"
SEVERITY: Severity = "warning"
FIX = "drop them from the training split: a score on the other split would count what was learnt by heart"
#: A question of fewer words may be asked twice by chance (`hello`, `continue`).
QUESTION_WORDS = 8
ROWS, QUESTIONS = "rows", "questions (with other answers)"
_LEFT_OUT = ("tools", "images", "system", "label")


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per other split that was read and shares rows, or questions, with this one."""
    for split, rows in facts.others.items():
        texts = [pieces(row, facts.roles) for row in rows]
        known, asked = {_row_key(found) for found in texts}, {_question_key(found) for found in texts} - {None}
        same = [at for at, found in enumerate(facts.texts) if _row_key(found) in known]
        alike = [at for at, found in enumerate(facts.texts) if _question_key(found) in asked and _row_key(found) not in known]
        for at, what in ((same, ROWS), (alike, QUESTIONS)):
            if at:
                message = _message(facts.sample, split, what, f"{len(rows):,}")
                yield finding(facts, CODE, SEVERITY, message, at, fix=FIX)


def over_all_rows(sample: Sample, split: str, what: str, counted: Row, rows: int, there: int) -> Finding:
    """The finding of a full scan: `counted` of `rows` rows are among the `there` rows of `split`."""
    message = _message(sample, split, what, f"all {there:,}")
    return finding_over_all(sample.dataset, CODE, SEVERITY, message, counted, rows, FIX)


def _message(sample: Sample, split: str, what: str, read: str) -> str:
    here, there = (repr(clean(name, limit=60)) for name in (sample.split, split))
    return f"splits {here} and {there} share {what}; {read} rows of {there} were read"


def _row_key(found: list[Piece]) -> tuple[str, ...]:
    """The row's words, whatever their case and white space."""
    texts = [piece for piece in found if piece.role is not None and piece.role not in _LEFT_OUT] or found
    return tuple(" ".join(piece.text.casefold().split()) for piece in texts)


def _question_key(found: list[Piece]) -> str | None:
    """What a row asks, where that is long enough to be asked once only; None otherwise."""
    asked = [piece.text for piece in found if piece.role == "prompt" or (piece.role == "messages" and piece.speaker == "user")]
    words = asked[0].casefold().split() if asked else []
    return " ".join(words) if len(words) >= QUESTION_WORDS else None

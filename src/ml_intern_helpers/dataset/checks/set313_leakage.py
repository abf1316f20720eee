"""Rows or questions of this split that are also in another split.

A model that is tested on rows it was trained on looks better than it is. Drop the shared rows from the training split.

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
FIX = "drop them from the training split: otherwise a score on the other split rewards memorised answers"
#: Questions with fewer words may be repeated by chance (`hello`, `continue`).
QUESTION_WORDS = 8
ROWS, QUESTIONS = "rows", "questions (with other answers)"
_LEFT_OUT = ("tools", "images", "system", "label")


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per other split that was read and shares rows with this one, and one if it shares questions."""
    for split, rows in facts.others.items():
        other_rows = [pieces(row, facts.roles) for row in rows]
        row_keys = {_row_key(row) for row in other_rows}
        questions = {_question_key(row) for row in other_rows} - {None}
        same_rows = [at for at, row in enumerate(facts.texts) if _row_key(row) in row_keys]
        same_questions = [
            at for at, row in enumerate(facts.texts) if _question_key(row) in questions and _row_key(row) not in row_keys
        ]
        for positions, kind in ((same_rows, ROWS), (same_questions, QUESTIONS)):
            if positions:
                message = _message(facts.sample, split, kind, f"{len(rows):,}")
                yield finding(facts, CODE, SEVERITY, message, positions, fix=FIX)


def over_all_rows(sample: Sample, split: str, what: str, counted: Row, rows: int, there: int) -> Finding:
    """The finding of a full scan: `counted` of `rows` rows are among the `there` rows of `split`."""
    message = _message(sample, split, what, f"all {there:,}")
    return finding_over_all(sample.dataset, CODE, SEVERITY, message, counted, rows, FIX)


def _message(sample: Sample, split: str, what: str, read: str) -> str:
    here, there = (repr(clean(name, limit=60)) for name in (sample.split, split))
    return f"splits {here} and {there} share {what}; {read} rows of {there} were read"


def _row_key(row: list[Piece]) -> tuple[str, ...]:
    """The row's texts, ignoring case and white space."""
    texts = [piece for piece in row if piece.role is not None and piece.role not in _LEFT_OUT] or row
    return tuple(" ".join(piece.text.casefold().split()) for piece in texts)


def _question_key(row: list[Piece]) -> str | None:
    """The row's first question, if it is too long to be repeated by chance; None otherwise."""
    questions = [piece.text for piece in row if piece.role == "prompt" or (piece.role == "messages" and piece.speaker == "user")]
    words = questions[0].casefold().split() if questions else []
    return " ".join(words) if len(words) >= QUESTION_WORDS else None

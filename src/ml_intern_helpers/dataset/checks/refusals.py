"""SET318: answers that refuse, or talk about being a language model. A few per hundred are enough to make it a habit."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.texts import Piece, is_answer
from ml_intern_helpers.dataset.definitions.boilerplate import REFUSAL_CHARACTERS, REFUSALS
from ml_intern_helpers.dataset.definitions.limits import REFUSAL_SHARE
from ml_intern_helpers.dataset.definitions.pattern import first


def check(facts: Facts) -> Iterator[Finding]:
    """One finding for both kinds together; a row counts once."""
    found = {at: said for at in range(len(facts.rows)) if (said := refusal(facts.texts[at]))}
    at = list(found)
    if not at:
        return
    severity: Severity = "warning" if len(at) >= REFUSAL_SHARE * len(facts.rows) else "info"
    message = "answers that refuse, or talk about being a language model"
    fix = "drop them unless the model is meant to learn to refuse"
    yield finding(facts, "SET318", severity, message, at, example=found[at[0]], fix=fix)


def refusal(pieces: list[Piece]) -> str | None:
    """The beginning of the first of a row's answers that opens so, or None."""
    heads = (piece.text[:REFUSAL_CHARACTERS] for piece in pieces if is_answer(piece))
    return next((head for head in heads if first(REFUSALS, head)), None)

"""Answers that refuse, or that talk about being a language model.

A few per cent are enough to make it a habit of the model: from 2 % of the rows on this is a warning. Drop them unless the model
should learn to refuse.

Bad:
    {"prompt": "How do I bake bread?", "completion": "I'm sorry, but I cannot assist with that request."}

Good:
    {"prompt": "How do I bake bread?", "completion": "Mix flour, water, salt and yeast, and let it rise."}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, Piece, finding
from ml_intern_helpers.dataset.checks.patterns import Pattern, first
from ml_intern_helpers.dataset.checks.text_search import Search

CODE, TOPIC = "SET318", "text"
SEVERITY: Severity = "warning"
#: From this share of the rows on the finding is a warning, below it an info.
_HABIT_SHARE = 0.02
_MESSAGE = "answers that refuse, or talk about being a language model"
_FIX = "drop them unless the model should learn to refuse"
#: Refusals are searched only at the beginning of an answer; further on, the words are usually a quotation or part of a story.
REFUSAL_CHARACTERS = 240

_CANNOT = (
    r"(?:cannot|can ?not|can['’]t|won['’]t|(?:am|['’]m) (?:unable|not able) to|am not capable of|don['’]t have the ability to)"
)
_DO = (
    r"(?:assist\b|help (?:you|with|in|anyone)\b|help[.,!]|provid|fulfil|comply|generat|engag|support (?:that|this|any|such)|brows"
    r"|participat|promot|access (?:the internet|real|external|current|personal)|do that"
    r"|(?:answer|creat|writ|discuss|complet|continu|perform|shar|produc|recommend|offer|giv)\w* (?:that|this|such|your|you|any"
    r"|content|instructions|information|explicit|harmful|medical|legal|financial|advice|a response))"
)

REFUSALS: tuple[Pattern, ...] = (
    Pattern(
        "a refusal",
        r"(?i)^\s{0,8}(?:(?:(?:i['’]m|i am) (?:very |really |so )?sorry|sorry|i apologi[sz]e|my apologies|unfortunately)"
        r"[^.!?]{0,60}?[,.:]? (?:but |as an ai[^.]{0,40} |however,? )?)?"
        rf"i ?{_CANNOT} {_DO}",
        (
            "cannot",
            "can not",
            "can't",
            "can’t",
            "won't",
            "won’t",
            "unable",
            "not able",
            "not capable",
            "have the ability",
        ),
    ),
    Pattern(
        "a chat model talking about itself",
        r"(?i)\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
        r"(?:[ -](?:language )?(?:model|assistant|program|system))?[^.]{0,40}?,? i(?:\b| ?['’]m)"
        r"|\bi(?:['’]m| am) (?:just |only )?an? (?:ai|artificial intelligence|(?:large )?language) ?"
        r"(?:language )?(?:model|assistant|program)\b",
        ("as an ai", "as an art", "as a la", "'m a", "’m a", "i am a", "'m just a", "’m just a", "am just a", "m only a"),
    ),
)
SEARCH = Search(CODE, REFUSALS, _MESSAGE + ": {}", _FIX, answers=True)


def severity(count: int, of: int) -> Severity:
    return SEVERITY if count >= _HABIT_SHARE * of else "info"


def check(facts: Facts) -> Iterator[Finding]:
    """One finding for both kinds together; a row counts once."""
    refusals = {at: head for at, row in enumerate(facts.texts) if (head := _refusal(row))}
    if refusals:
        level = severity(len(refusals), len(facts.rows))
        yield finding(facts, CODE, level, _MESSAGE, refusals, example=next(iter(refusals.values())), fix=_FIX)


def _refusal(row: list[Piece]) -> str | None:
    """The beginning of the first answer of a row that starts with a refusal, or None."""
    heads = (piece.text[:REFUSAL_CHARACTERS] for piece in row if piece.is_answer)
    return next((head for head in heads if first(REFUSALS, head)), None)

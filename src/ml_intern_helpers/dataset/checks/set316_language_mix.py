"""A few rows in another language or script than all others.

It is reported only if one language has at least 85 % of the rows whose language is known, so that multilingual datasets cause no
finding. Drop these rows unless they are intended.

Bad:
    {"text": "Story {n}: this is the story of the river that runs from the hills to the sea, and of the town."}  × 25
    {"text": "Geschichte {n}: das ist die Geschichte der Stadt, die an dem Fluss lag und nicht mehr mit dem Land war."}  × 2

Good:
    {"text": "Story {n}: this is the story of the river that runs from the hills to the sea, and of the town."}  × 25
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import LEAST_ROWS, Facts, Piece, finding
from ml_intern_helpers.dataset.checks.languages import language

CODE, TOPIC = "SET316", "text"
SEVERITY: Severity = "info"
#: A language with at least this share of the rows is taken for the intended one.
_MAIN_SHARE = 0.85


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that counts the rows in other languages."""
    languages = [_language_of(row) for row in facts.texts]
    counts = Counter(name for name in languages if name)
    known = sum(counts.values())
    if known < LEAST_ROWS or len(counts) < 2:
        return
    (main, most), *others = counts.most_common()
    at = [position for position, name in enumerate(languages) if name not in (None, main)]
    if most < _MAIN_SHARE * known or len(at) < 2:
        return
    named = ", ".join(f"{name} {count}" for name, count in others[:5])
    rows = "the rows" if facts.complete else "the sampled rows"
    message = f"{rows} are in {main}, and some in another language or script: {named}"
    yield finding(facts, CODE, SEVERITY, message, at, example=facts.joined[at[0]], fix="drop them unless they are intended")


def _language_of(row: list[Piece]) -> str | None:
    """The language of a row, from the beginning of each text with a role, so that question and answer count; None if unknown
    (code, formulas, short texts)."""
    texts = [piece.text[:700] for piece in row if piece.role is not None and piece.role != "system"]
    return language("\n".join(texts or [piece.text[:700] for piece in row]))

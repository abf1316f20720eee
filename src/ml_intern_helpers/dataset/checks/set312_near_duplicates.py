"""Rows that nearly repeat an earlier one: a word changed, another case, more white space.

They weigh as copies do, and as copies they leak into a held-out part. Two texts are near when they have at least 80 % of all
runs of five words in common; short texts must be the same words. Near copies are looked for in the sample alone. Keep one of
each before a held-out part is split off.

Bad:
    {"text": "Copper conducts heat and current well, and is soft enough to be drawn into a thin wire by hand."}
    {"text": "COPPER conducts heat and current well,  and is soft enough to be drawn into a thin wire by hand."}

Good:
    {"text": "Copper conducts heat and current well, and is soft enough to be drawn into a thin wire by hand."}
    {"text": "Iron is hard, rusts in the rain, and was worked by smiths long before anybody knew what it is made of."}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.filter_code import FilterStep
from ml_intern_helpers.dataset.checks.shingles import NEAR_SHARE, near_copies

CODE, TOPIC = "SET312", "copies"
SEVERITY: Severity = "warning"
#: What is left after its filter is the whole dataset, however many rows go.
COPIES = True
_LEFT_OUT = ("tools", "images", "system")
#: Places of near copies that are written into a filter, at most.
_MOST_PLACES = 200


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that counts the near copies. A sample shows fewer than there are."""
    pairs = _near_pairs(facts)
    if not pairs:
        return
    row, first = (facts.sample.numbers[position] for position in pairs[0])
    many = f"{len(pairs)} rows nearly repeat an earlier one" if len(pairs) > 1 else "one row nearly repeats an earlier one"
    message = f"{many} (row {row} is nearly row {first}: at least {NEAR_SHARE:.0%} of all runs of words are in both)"
    message += "" if facts.complete else "; looked for in the sample alone: the whole split holds at least these"
    fix = "keep one of each before a held-out part is split off"
    yield finding(facts, CODE, SEVERITY, message, [row for row, _ in pairs], fix=fix)


def filters(facts: Facts, code: str) -> list[FilterStep]:
    """By place, where every row was read; of a sample, the places in the dataset are not known."""
    places = [row for row, _ in _near_pairs(facts)] if facts.complete else []
    if not 0 < len(places) <= _MOST_PLACES:
        return []
    return [FilterStep(code, f"index not in {{{', '.join(map(str, places))}}}", indexed=True)]


def _near_pairs(facts: Facts) -> list[tuple[int, int]]:
    """(position of a near copy, position of the earlier row): none word for word the same (that is SET307), and none with
    another label on the same words."""
    label = facts.roles.get("label")
    texts, words = [], []
    for row, numbers in zip(facts.texts, facts.words, strict=True):
        kept = [at for at, piece in enumerate(row) if piece.role and piece.role not in _LEFT_OUT] or range(len(row))
        texts.append([row[at].text for at in kept])
        words.append([numbers[at] for at in kept])
    return [
        (row, first)
        for row, first in near_copies(words)
        if texts[row] != texts[first] and (label is None or facts.rows[row].get(label) == facts.rows[first].get(label))
    ]

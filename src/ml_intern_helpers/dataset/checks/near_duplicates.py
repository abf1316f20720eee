"""SET312: rows that nearly repeat an earlier one (a word changed, another case). They weigh as copies do, and as copies they leak
into a held-out part."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.near import near_copies
from ml_intern_helpers.dataset.definitions.limits import NEAR_SHARE

_LEFT_OUT = ("tools", "images", "system")


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that counts the near copies. A sample shows fewer than there are."""
    pairs = near_pairs(facts)
    if not pairs:
        return
    row, first = (facts.look.numbers[position] for position in pairs[0])
    many = f"{len(pairs)} rows nearly repeat an earlier one" if len(pairs) > 1 else "one row nearly repeats an earlier one"
    message = f"{many} (row {row} is nearly row {first}: at least {NEAR_SHARE:.0%} of all runs of words are in both)"
    message += "" if facts.look.extent.complete else "; looked for in the sample alone: the whole split holds at least these"
    fix = "keep one of each before a held-out part is split off"
    yield finding(facts, "SET312", "warning", message, [row for row, _ in pairs], fix=fix)


def near_pairs(facts: Facts) -> list[tuple[int, int]]:
    """(position of a near copy, position of the earlier row)."""
    return [pair for pair in near_copies(_compared(facts)) if _differ(facts, *pair)]


def _compared(facts: Facts) -> list[list[tuple[int, ...]]]:
    """The texts that make a row what it is: of the columns that play a part, of all when none does."""
    found = []
    for texts, words in zip(facts.texts, facts.words, strict=True):
        played = [said for piece, said in zip(texts, words, strict=True) if piece.part and piece.part not in _LEFT_OUT]
        found.append(played or words)
    return found


def _differ(facts: Facts, row: int, first: int) -> bool:
    """No copy word for word (that is SET307), and no other verdict on the same words."""
    label = facts.parts.get("label")
    one, two = facts.rows[row], facts.rows[first]
    return _texts(facts, row) != _texts(facts, first) and (label is None or one.get(label) == two.get(label))


def _texts(facts: Facts, position: int) -> list[str]:
    played = [piece.text for piece in facts.texts[position] if piece.part and piece.part not in _LEFT_OUT]
    return played or [piece.text for piece in facts.texts[position]]

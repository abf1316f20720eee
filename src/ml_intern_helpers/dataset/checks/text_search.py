"""Searches the rows' texts for patterns, in Python on the sample and in SQL on all rows; most rows hold none of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ml_intern_helpers.dataset.checks.context import Facts, Piece
from ml_intern_helpers.dataset.checks.filter_code import FilterStep
from ml_intern_helpers.dataset.checks.patterns import Pattern
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumn, any_of, letter, literal, stepwise

#: Characters of a match that a full scan shows; of secrets and personal data it shows none.
SHOWN = 80
#: A function that the engine calls with all matches of an expression: whether one of them is confirmed.
Confirm = Callable[[list[str]], bool]


@dataclass(frozen=True)
class Search:
    """The patterns that one check looks for.

    Attributes:
        code: the check's.
        patterns: what is looked for.
        message: what a finding of the full scan says, with the pattern's name in the place of {}.
        fix: what to do.
        answers: look only at what the assistant says.
        private: matches are never shown.
    """

    code: str
    patterns: tuple[Pattern, ...]
    message: str
    fix: str
    answers: bool = False
    private: bool = False


class Hit(NamedTuple):
    """A pattern that is in the rows: at which positions, and the first match with the text it stands in."""

    pattern: Pattern
    at: list[int]
    match: str
    text: str

    def excerpt(self, reach: int = 30) -> str:
        """The match with some of the text on both sides."""
        start = max(self.text.find(self.match), 0)
        return self.text[max(start - reach, 0) : start + len(self.match) + reach]


def hits(facts: Facts, patterns: Iterable[Pattern]) -> Iterator[Hit]:
    """Each of `patterns` that some row of the sample holds."""
    for pattern in patterns:
        if not pattern.may_be_among(facts.word_list):
            continue
        texts = facts.lowered if pattern.any_case else facts.joined
        possible = [at for at, text in enumerate(texts) if pattern.may_be_in(text)]
        found = [(at, match) for at in possible if (match := _first_match(facts.texts[at], pattern))]
        if found:
            yield Hit(pattern, [at for at, _ in found], *found[0][1])


def _first_match(row: list[Piece], pattern: Pattern) -> tuple[str, str] | None:
    for piece in row:
        match = next(pattern.matches(piece.text), None)
        if match:
            return match[0], piece.text
    return None


def doors(searches: Iterable[Search], columns: Iterable[SqlColumn]) -> list[str]:
    """SQL over `whole`, one for each search: whether a row can hold any of it. One pass over the text for all plain words of a
    search costs as much as looking for two of them one by one."""
    columns = list(columns)
    return [_door(search.patterns) if _texts(columns, answers=search.answers) else "false" for search in searches]


def search_flags(searches: Iterable[Search], columns: Iterable[SqlColumn], confirms: dict[str, Confirm]) -> Iterator[Flag]:
    """A flag per pattern. `confirms` takes name -> function for what an expression cannot say; the engine makes them callable.

    The conditions use `whole`, all texts of the row as one, and the answers `d0`, `d1` … of `doors`.
    """
    columns = list(columns)
    for place, search in enumerate(searches):
        texts = _texts(columns, answers=search.answers)
        for number, pattern in enumerate(search.patterns) if texts else ():
            confirm = None
            if pattern.confirm:
                confirm = f"confirm_{search.code}_{number}".lower()
                confirms[confirm] = _any_confirmed(pattern.confirm)
            held = any_of(_holds(pattern, text, confirm) for text in texts)
            example = None if search.private else f"left(regexp_extract(whole, {literal(pattern.regex)}), {SHOWN})"
            condition = stepwise(f"d{place}", _door([pattern]), held)
            yield Flag(search.code, condition, search.message.format(pattern.name), search.fix, example)


def _door(patterns: Sequence[Pattern]) -> str:
    """Whether a text holds a plain word that every match of `patterns` has; the expression itself where there are none."""
    alternatives = []
    for pattern in patterns:
        needles = "|".join(map(re.escape, pattern.needles)) or pattern.regex
        alternatives.append(f"(?i:{needles})" if pattern.any_case and pattern.needles else f"(?:{needles})")
    return f"regexp_matches(whole, {literal('|'.join(alternatives))})"


def _holds(pattern: Pattern, texts: str, confirm: str | None) -> str:
    """Whether one of `texts`, SQL of a list, holds a confirmed match."""
    regex = literal(pattern.regex)
    steps = [f"regexp_matches(t, {regex})"]
    steps += [f"NOT regexp_matches(t, {literal(pattern.unless)})"] if pattern.unless else []
    steps += [f"{confirm}(regexp_extract_all(t, {regex}))"] if confirm else []
    return f"len(list_filter({texts}, lambda t: {stepwise(*steps)})) > 0"


def _texts(columns: Iterable[SqlColumn], *, answers: bool) -> list[str]:
    """SQL of the texts to look at, a list for each column."""
    found = []
    for column in columns:
        if column.role == "label" or (answers and column.role in ("rejected", "prompt")):
            continue
        if column.chat:
            turns = f"list_filter({column.value}, lambda x: {letter('x.who')} = 'a')" if answers else column.value
            found.append(f"list_transform({turns}, lambda x: concat(x.what, x.calls))")
        elif not answers or column.role in ("completion", "chosen"):
            found.append(f"[{column.value}]")
    return found


def _any_confirmed(confirm: Callable[[str], bool]) -> Confirm:
    def any_confirmed(matches: list[str]) -> bool:
        return any(map(confirm, matches))

    return any_confirmed


_TEXTS = """def texts(value):
    if isinstance(value, str):
        return value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return "\\n".join(map(texts, items))"""


def without(code: str, name: str, regexes: list[str]) -> list[FilterStep]:
    """A filter that drops rows with a match of any of `regexes` in their texts; `name` is what its code calls them."""
    if not regexes:
        return []
    parts = [f"(?i:{regex.removeprefix('(?i)')})" if regex.startswith("(?i)") else regex for regex in regexes]
    definition = f"{name} = re.compile({'|'.join(parts)!a}, re.ASCII)"
    return [FilterStep(code, f"not {name}.search(texts(row))", ("import re", _TEXTS, definition))]

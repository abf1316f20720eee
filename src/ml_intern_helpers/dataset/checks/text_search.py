"""Searches the rows' texts for patterns: in Python in the sample, in SQL in all rows, with cheap tests first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ml_intern_helpers.dataset.checks.context import Facts, Piece
from ml_intern_helpers.dataset.checks.filter_code import FilterStep
from ml_intern_helpers.dataset.checks.patterns import Pattern
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumn, any_of, letter, literal, stepwise

#: Most characters of a match that a full scan shows; secrets and personal data are never shown.
SHOWN = 80
#: A function that DuckDB calls with all matches of an expression in a text; true if one of them is confirmed.
Confirm = Callable[[list[str]], bool]


@dataclass(frozen=True)
class Search:
    """The patterns that one check looks for.

    Attributes:
        code: the check's code.
        patterns: the patterns to look for.
        message: the message of a full scan's finding, with {} for the pattern's name.
        fix: what to do about the rows.
        answers: search only the assistant's answers.
        private: never show matches.
    """

    code: str
    patterns: tuple[Pattern, ...]
    message: str
    fix: str
    answers: bool = False
    private: bool = False


class Hit(NamedTuple):
    """A pattern found in the rows: the positions of the rows, and the first match with the text around it."""

    pattern: Pattern
    at: list[int]
    match: str
    text: str

    def excerpt(self, reach: int = 30) -> str:
        """The match with up to `reach` characters on both sides."""
        start = max(self.text.find(self.match), 0)
        return self.text[max(start - reach, 0) : start + len(self.match) + reach]


def hits(facts: Facts, patterns: Iterable[Pattern]) -> Iterator[Hit]:
    """A hit for each of `patterns` that some row of the sample contains."""
    for pattern in patterns:
        if not pattern.may_be_among(facts.word_list):
            continue
        texts = facts.lowered if pattern.any_case else facts.joined
        candidates = [at for at, text in enumerate(texts) if pattern.may_be_in(text)]
        matches = [(at, match) for at in candidates if (match := _first_match(facts.texts[at], pattern))]
        if matches:
            yield Hit(pattern, [at for at, _ in matches], *matches[0][1])


def _first_match(row: list[Piece], pattern: Pattern) -> tuple[str, str] | None:
    for piece in row:
        match = next(pattern.matches(piece.text), None)
        if match:
            return match[0], piece.text
    return None


def doors(searches: Iterable[Search], columns: Iterable[SqlColumn]) -> list[str]:
    """SQL over `whole`, one condition per search: whether a row may contain any of its patterns.

    Testing all plain words of a search at once costs no more than testing two of them one by one.
    """
    columns = list(columns)
    return [_quick_test(search.patterns) if _text_lists(columns, answers=search.answers) else "false" for search in searches]


def search_flags(searches: Iterable[Search], columns: Iterable[SqlColumn], confirms: dict[str, Confirm]) -> Iterator[Flag]:
    """A flag per pattern. Functions that confirm matches are added to `confirms` by name, for the engine to register.

    The conditions use `whole`, all texts of the row as one, and `d0`, `d1` …, the values of the conditions of `doors`.
    """
    columns = list(columns)
    for place, search in enumerate(searches):
        texts = _text_lists(columns, answers=search.answers)
        for number, pattern in enumerate(search.patterns) if texts else ():
            confirm = None
            if pattern.confirm:
                confirm = f"confirm_{search.code}_{number}".lower()
                confirms[confirm] = _any_confirmed(pattern.confirm)
            matched = any_of(_has_match(pattern, text, confirm) for text in texts)
            example = None if search.private else f"left(regexp_extract(whole, {literal(pattern.regex)}), {SHOWN})"
            condition = stepwise(f"d{place}", _quick_test([pattern]), matched)
            yield Flag(search.code, condition, search.message.format(pattern.name), search.fix, example)


def _quick_test(patterns: Sequence[Pattern]) -> str:
    """SQL: whether `whole` contains a needle of `patterns`; for a pattern without needles its expression is used."""
    alternatives = []
    for pattern in patterns:
        needles = "|".join(map(re.escape, pattern.needles)) or pattern.regex
        alternatives.append(f"(?i:{needles})" if pattern.any_case and pattern.needles else f"(?:{needles})")
    return f"regexp_matches(whole, {literal('|'.join(alternatives))})"


def _has_match(pattern: Pattern, texts: str, confirm: str | None) -> str:
    """SQL: whether one of `texts`, which is SQL of a list, contains a confirmed match."""
    regex = literal(pattern.regex)
    steps = [f"regexp_matches(t, {regex})"]
    steps += [f"NOT regexp_matches(t, {literal(pattern.unless)})"] if pattern.unless else []
    steps += [f"{confirm}(regexp_extract_all(t, {regex}))"] if confirm else []
    return f"len(list_filter({texts}, lambda t: {stepwise(*steps)})) > 0"


def _text_lists(columns: Iterable[SqlColumn], *, answers: bool) -> list[str]:
    """SQL of the texts to search, one list per column."""
    lists = []
    for column in columns:
        if column.role == "label" or (answers and column.role in ("rejected", "prompt")):
            continue
        if column.chat:
            turns = f"list_filter({column.value}, lambda x: {letter('x.who')} = 'a')" if answers else column.value
            lists.append(f"list_transform({turns}, lambda x: concat(x.what, x.calls))")
        elif not answers or column.role in ("completion", "chosen"):
            lists.append(f"[{column.value}]")
    return lists


def _any_confirmed(confirm: Callable[[str], bool]) -> Confirm:
    def any_confirmed(matches: list[str]) -> bool:
        return any(map(confirm, matches))

    return any_confirmed


_TEXTS_FUNCTION = """def texts(value):
    if isinstance(value, str):
        return value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return "\\n".join(map(texts, items))"""


def without(code: str, name: str, regexes: list[str]) -> list[FilterStep]:
    """A filter that drops rows with a match of any of `regexes`; its code holds them in the variable `name`."""
    if not regexes:
        return []
    parts = [f"(?i:{regex.removeprefix('(?i)')})" if regex.startswith("(?i)") else regex for regex in regexes]
    definition = f"{name} = re.compile({'|'.join(parts)!a}, re.ASCII)"
    return [FilterStep(code, f"not {name}.search(texts(row))", ("import re", _TEXTS_FUNCTION, definition))]

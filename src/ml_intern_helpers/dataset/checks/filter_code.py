"""Defines the filters that remove the rows a check has found (conditions on `row` as Python code), and helps to write them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ml_intern_helpers.dataset.checks.context import Facts, turns
from ml_intern_helpers.dataset.column_roles import CHAT
from ml_intern_helpers.dataset.columns import TURN_KEYS
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES, keep_rows, quoted, turn_format


@dataclass(frozen=True)
class FilterStep:
    """One filter.

    Attributes:
        code: the code of the findings whose rows it removes.
        condition: an expression on `row` (with `indexed`, on the row's position `index`) that is true for rows to keep.
        definitions: blocks of code that the condition needs; each is written once, before all filters.
        indexed: the condition uses positions, which are valid only before any other filter has run.
        remembers: the condition depends on earlier rows, so the filter runs after all others.
    """

    code: str
    condition: str
    definitions: tuple[str, ...] = ()
    indexed: bool = False
    remembers: bool = False

    @property
    def stage(self) -> int:
        """Filters of a lower stage run first."""
        return 0 if self.indexed else 2 if self.remembers else 1

    def statement(self) -> str:
        if self.indexed:
            return f"dataset = dataset.filter(lambda row, index: {self.condition}, with_indices=True)"
        return keep_rows(self.condition)


def all_of(code: str, conditions: Iterable[str], *definitions: str) -> list[FilterStep]:
    """One filter that keeps rows meeting all of `conditions`; an empty list without conditions."""
    unique = list(dict.fromkeys(conditions))
    return [FilterStep(code, " and ".join(unique), definitions)] if unique else []


def chat_columns(facts: Facts, roles: Iterable[str]) -> list[str]:
    """The columns with one of `roles` whose cells are conversations, without repetition."""
    chat_roles = [role for role in roles if facts.roles.has(role) and facts.roles.kind(role) in CHAT]
    return list(dict.fromkeys(facts.roles.by_role[role] for role in chat_roles))


def turn_keys_of(facts: Facts, column: str) -> tuple[str, str]:
    """The keys that hold speaker and content of the turns in `column`."""
    keys = turn_format(facts.rows, [column]).keys
    return keys if keys in TURN_KEYS else TURN_KEYS[0]


def speakers_in(facts: Facts, column: str) -> set[str]:
    """The names of speakers in the turns of `column`."""
    speaker_key = turn_keys_of(facts, column)[0]
    speakers = {turn.get(speaker_key) for row in facts.rows for turn in turns(row.get(column))}
    return {name for name in speakers if isinstance(name, str)}


def names_of(facts: Facts, column: str, *speakers: str) -> str:
    """Code of a tuple with the names that the rows use for `speakers`."""
    names = [name for name in speakers_in(facts, column) if SPEAKER_NAMES.get(name.lower(), name.lower()) in speakers]
    listed = sorted(names or speakers[:1])
    return "(" + ", ".join(map(quoted, listed)) + ("," if len(listed) == 1 else "") + ")"

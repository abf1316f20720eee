"""The filter that removes the rows a check has found: a condition on `row` in Python code, and helpers to write conditions."""

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
        condition: an expression on `row` that is true for rows to keep; on `index`, the row's position, where it is `indexed`.
        definitions: code that the condition needs, each block ending up once in front of all filters.
        indexed: the condition is about positions, which are valid only before any other filter has run.
        remembers: the condition depends on earlier rows; it runs after all others.
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
    """One filter for rows that meet all of `conditions`; none without a condition."""
    held = list(dict.fromkeys(conditions))
    return [FilterStep(code, " and ".join(held), definitions)] if held else []


def chat_columns(facts: Facts, roles: Iterable[str]) -> list[str]:
    """The columns with one of `roles` whose cells are conversations, each once."""
    held = [role for role in roles if facts.roles.has(role) and facts.roles.kind(role) in CHAT]
    return list(dict.fromkeys(facts.roles.by_role[role] for role in held))


def turn_keys_of(facts: Facts, column: str) -> tuple[str, str]:
    """The keys for speaker and words that the turns in `column` have."""
    found = turn_format(facts.rows, [column]).keys
    return found if found in TURN_KEYS else TURN_KEYS[0]


def speakers_in(facts: Facts, column: str) -> set[str]:
    """What the turns in `column` call who speaks."""
    who = turn_keys_of(facts, column)[0]
    found = {turn.get(who) for row in facts.rows for turn in turns(row.get(column))}
    return {name for name in found if isinstance(name, str)}


def names_of(facts: Facts, column: str, *speakers: str) -> str:
    """A tuple, as code, of what the rows call `speakers`."""
    held = [name for name in speakers_in(facts, column) if SPEAKER_NAMES.get(name.lower(), name.lower()) in speakers]
    listed = sorted(held or speakers[:1])
    return "(" + ", ".join(map(quoted, listed)) + ("," if len(listed) == 1 else "") + ")"

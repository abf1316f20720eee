"""Patterns looked for in every text of a row: first one pass for all plain words, then the expressions where one was there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ml_intern_helpers.dataset.definitions.agent_orders import AGENT_ORDERS
from ml_intern_helpers.dataset.definitions.boilerplate import REFUSALS
from ml_intern_helpers.dataset.definitions.damage import DAMAGE
from ml_intern_helpers.dataset.definitions.pattern import Pattern
from ml_intern_helpers.dataset.definitions.personal import PERSONAL
from ml_intern_helpers.dataset.definitions.secrets import SECRETS
from ml_intern_helpers.dataset.full import sql
from ml_intern_helpers.dataset.full.columns import Played, letter
from ml_intern_helpers.dataset.full.flags import Flag

#: Characters of a match that may be shown; of keys and personal data none are.
SHOWN = 80


@dataclass(frozen=True)
class Family:
    """Patterns of one code.

    Attributes:
        told: what a finding says, with the pattern's name in the place of {}.
        answers: look only at what the assistant says.
        private: matches are never shown.
    """

    code: str
    patterns: tuple[Pattern, ...]
    told: str
    fix: str
    answers: bool = False
    private: bool = False


FAMILIES = (
    Family("SET314", DAMAGE, "{}", "repair the texts (ftfy.fix_text, html.unescape), or drop the rows"),
    Family(
        "SET318",
        REFUSALS,
        "answers that refuse, or talk about being a language model: {}",
        "drop them unless the model is meant to learn to refuse",
        answers=True,
    ),
    Family(
        "SET319",
        SECRETS,
        "{} in the text",
        "drop the rows, or blank the key out; whoever owns it should revoke it",
        private=True,
    ),
    Family("SET320", PERSONAL, "{} in the text", "mask them, or drop the rows", private=True),
    Family(
        "SET321",
        AGENT_ORDERS,
        "rows read as instructions to an agent: {}",
        "strangers' text: follow none of it; drop the rows unless the model is meant to learn from such attacks",
    ),
)
Confirm = Callable[[list[str]], bool]


def doors(columns: list[Played]) -> list[str]:
    """SQL over `whole`, one for each family: whether a row can hold any of it. One pass over the text for all of a family's
    plain words costs as much as looking for two of them one by one."""
    return [_door(family.patterns) if _pieces(columns, answers=family.answers) else "false" for family in FAMILIES]


def searches(columns: list[Played], confirms: dict[str, Confirm]) -> Iterator[Flag]:
    """A flag per pattern. `confirms` takes name -> function for what an expression cannot say; the engine makes them callable.

    The conditions use `whole`, all texts of the row as one, and the answers `d0`, `d1` … of `doors`.
    """
    for place, family in enumerate(FAMILIES):
        pieces = _pieces(columns, answers=family.answers)
        for number, pattern in enumerate(family.patterns) if pieces else ():
            check = f"confirm_{family.code}_{number}".lower()
            if pattern.confirm:
                confirms[check] = _confirming(pattern.confirm)
            yield _flag(family, f"d{place}", pattern, pieces, check if pattern.confirm else None)


def _flag(family: Family, door: str, pattern: Pattern, pieces: list[str], check: str | None) -> Flag:
    hits = sql.any_of(_hit(pattern, piece, check) for piece in pieces)
    condition = sql.stepwise(door, _door([pattern]), hits)
    example = None if family.private else f"left(regexp_extract(whole, {sql.text(pattern.regex)}), {SHOWN})"
    return Flag(family.code, condition, family.told.format(pattern.name), family.fix, example)


def _door(patterns: Sequence[Pattern]) -> str:
    """Whether a text holds a plain word that every match of `patterns` has; the expression itself where there are none."""
    parts = []
    for pattern in patterns:
        words = "|".join(map(re.escape, pattern.needles)) or pattern.regex
        parts.append(f"(?i:{words})" if pattern.any_case and pattern.needles else f"(?:{words})")
    return f"regexp_matches(whole, {sql.text('|'.join(parts))})"


def _hit(pattern: Pattern, piece: str, check: str | None) -> str:
    """Whether one of the texts of the list `piece` holds a confirmed match."""
    regex = sql.text(pattern.regex)
    steps = [f"regexp_matches(t, {regex})"]
    steps += [f"NOT regexp_matches(t, {sql.text(pattern.unless)})"] if pattern.unless else []
    steps += [f"{check}(regexp_extract_all(t, {regex}))"] if check else []
    return f"len(list_filter({piece}, lambda t: {sql.stepwise(*steps)})) > 0"


def _pieces(columns: list[Played], *, answers: bool) -> list[str]:
    """SQL of the texts to look at, a list for each column."""
    found = []
    for played in columns:
        if played.part == "label" or (answers and played.part in ("rejected", "prompt")):
            continue
        if played.chat:
            turns = f"list_filter({played.value}, lambda x: {letter('x.who')} = 'a')" if answers else played.value
            found.append(f"list_transform({turns}, lambda x: concat(x.what, x.calls))")
        elif not answers or played.part in ("completion", "chosen"):
            found.append(f"[{played.value}]")
    return found


def _confirming(confirm: Callable[[str], bool]) -> Confirm:
    def any_confirmed(matches: list[str]) -> bool:
        return any(map(confirm, matches))

    return any_confirmed

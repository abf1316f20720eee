"""The filter for each kind of fault that single rows have: a condition on `row`, and the definitions it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import CALLS, Facts
from ml_intern_helpers.dataset.checks.duplicates import compared
from ml_intern_helpers.dataset.checks.empty_turns import hollow
from ml_intern_helpers.dataset.checks.near_duplicates import near_pairs
from ml_intern_helpers.dataset.checks.no_question import unasked
from ml_intern_helpers.dataset.checks.nulls import needed, null_rows
from ml_intern_helpers.dataset.columns import TURN_KEYS
from ml_intern_helpers.dataset.decision.step import Step
from ml_intern_helpers.dataset.decision.text_steps import no_keys, undamaged
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES, names, quoted, record, row
from ml_intern_helpers.dataset.mapping.conversations import listener

_CHATS = ("messages", "sharegpt")
#: Places of near copies that are written into a filter, at most.
_MOST_PLACES = 200
#: Role -> its kind in the order of turns.
_KINDS = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
    "ipython": "tool",
}


def steps(facts: Facts, codes: Iterable[str]) -> list[Step]:
    """Filters for those of `codes` that dropping rows can answer, in the order in which they must run."""
    wanted = set(codes)
    return [step for code, make in _BUILDERS.items() if code in wanted for step in make(facts, code)]


def _not_null(facts: Facts, code: str) -> list[Step]:
    held = [name for name, at in null_rows(facts).items() if len(at) < len(facts.rows)]
    held += [name for name in _needed_elsewhere(facts) if name not in held]
    return [Step(code, " and ".join(f"{row(name)} is not None" for name in held))] if held else []


def _needed_elsewhere(facts: Facts) -> list[str]:
    """Columns whose nulls a full scan has found in rows that are not at hand."""
    nulls = facts.of_all.nulls if facts.of_all else {}
    return [name for part in needed(facts.parts.by_role) if (name := facts.parts.get(part)) and clean(name, limit=200) in nulls]


def _not_empty(facts: Facts, code: str) -> list[Step]:
    held = [name for name in _chats(facts) if any(item.get(name) == [] for item in facts.rows)]
    return [Step(code, " and ".join(f"len({row(name)}) > 0" for name in held))] if held else []


def _said(facts: Facts, code: str) -> list[Step]:
    elsewhere = facts.of_all is not None and facts.of_all.rows_with(code)
    conditions = []
    for part, column, cells in facts.answers():
        if not elsewhere and not any(hollow(cell) and not unasked(cell, part) for cell in cells):
            continue
        if facts.parts.kind(part) == "string":
            conditions.append(f"{row(column)}.strip()")
        elif facts.parts.kind(part) in _CHATS:
            said = f'str(turn.get({quoted(_keys(facts, column)[1])}) or "").strip()'
            called = [f" or turn.get({quoted(name)})" for name in CALLS[: 1 + _called_in_the_old_way(cells)]]
            conditions.append(f"all({said}{''.join(called)} for turn in {row(column)})")
    return [Step(code, " and ".join(dict.fromkeys(conditions)))] if conditions else []


def _called_in_the_old_way(cells: list[object]) -> bool:
    return any(turn.get(CALLS[1]) for cell in cells for turn in _turns(cell))


def _asked(facts: Facts, code: str) -> list[Step]:
    part = "prompt" if facts.parts.has("prompt") else "messages"
    column = facts.parts.get(part)
    if column is None:
        return []
    if facts.parts.kind(part) == "string":
        return [Step(code, f"{row(column)}.strip()")]
    mute = _called(facts, column, "assistant", "system", "developer")
    return [Step(code, f"any(turn[{quoted(_keys(facts, column)[0])}] not in {mute} for turn in {row(column)})")]


def _answered(facts: Facts, code: str) -> list[Step]:
    conditions = []
    for part in ("messages", "completion", "chosen", "rejected"):
        column = facts.parts.get(part)
        if column and facts.parts.kind(part) in _CHATS and not (part == "messages" and facts.method == "grpo"):
            who = quoted(_keys(facts, column)[0])
            conditions.append(f"{row(column)}[-1][{who}] in {_called(facts, column, 'assistant')}")
    return [Step(code, " and ".join(conditions))] if conditions else []


def _in_order(facts: Facts, code: str) -> list[Step]:
    found = []
    for part in ("messages", "prompt", "chosen", "rejected"):
        column = facts.parts.get(part)
        if column and facts.parts.kind(part) in _CHATS:
            found.append(column)
    if not found:
        return []
    definition = f"""ROLES = {_roles(facts, found)}
def in_order(turns):
    said = [ROLES.get(turn[{quoted(_keys(facts, found[0])[0])}]) for turn in turns]
    if "system" in said[1:]:
        return False
    said = said[1:] if said[:1] == ["system"] else said
    if "user" in said and said[0] in ("assistant", "tool"):
        return False
    return not any(one == two != "tool" or (one, two) == ("user", "tool") for one, two in zip(said, said[1:]))"""
    condition = " and ".join(f"in_order({row(name)})" for name in dict.fromkeys(found))
    return [Step(code, condition, (definition,))]


def _roles(facts: Facts, columns: list[str]) -> str:
    """A table, as code, from what the rows call speakers to the kinds that order is about."""
    said = {name for column in columns for name in _speakers(facts, column)}
    kinds = {name: _KINDS.get(SPEAKER_NAMES.get(name.lower(), name.lower())) for name in sorted(said)[:30]}
    return record({name: quoted(kind) for name, kind in kinds.items() if kind})


def _unlike(facts: Facts, code: str) -> list[Step]:
    if not facts.parts.has("chosen", "rejected"):
        return []
    return [Step(code, f"{row(facts.parts.by_role['chosen'])} != {row(facts.parts.by_role['rejected'])}")]


def _first(facts: Facts, code: str) -> list[Step]:
    cells = f"[row[name] for name in {names(compared(facts))}]"
    definition = f"""seen = set()
def is_new(row):  # remembers what it has seen: run it once, in one process
    key = json.dumps({cells}, sort_keys=True, default=str)
    return not (key in seen or seen.add(key))"""
    return [Step(code, "is_new(row)", ("import json", definition))]


def _no_near_copies(facts: Facts, code: str) -> list[Step]:
    """Their places, where every row was looked at; of a sample, the places in the dataset are not known."""
    if not facts.look.extent.complete:
        return []
    places = [row for row, _ in near_pairs(facts)]
    if not 0 < len(places) <= _MOST_PLACES:
        return []
    return [Step(code, f"index not in {{{', '.join(map(str, places))}}}", indexed=True)]


_BUILDERS: dict[str, Callable[[Facts, str], list[Step]]] = {
    "SET312": _no_near_copies,
    "SET214": _not_null,
    "SET308": _not_null,
    "SET215": _not_empty,
    "SET216": _said,
    "SET301": _said,
    "SET311": _asked,
    "SET302": _answered,
    "SET309": _in_order,
    "SET310": _in_order,
    "SET303": _unlike,
    "SET314": undamaged,
    "SET319": no_keys,
    "SET307": _first,
}


def _played(facts: Facts) -> list[str]:
    parts = ("messages", "dialogue", "prompt", "completion", "chosen", "rejected", "text", "label")
    return list(dict.fromkeys(facts.parts.by_role[part] for part in parts if facts.parts.has(part)))


def _chats(facts: Facts) -> list[str]:
    return [name for name in _played(facts) if facts.parts.kinds[name] in _CHATS]


def _keys(facts: Facts, column: str) -> tuple[str, str]:
    found = listener(facts.rows, [column]).keys
    return found if found in TURN_KEYS else TURN_KEYS[0]


def _called(facts: Facts, column: str, *roles: str) -> str:
    """A tuple, as code, of what the rows call the speakers `roles`."""
    held = [name for name in _speakers(facts, column) if SPEAKER_NAMES.get(name.lower(), name.lower()) in roles]
    listed = sorted(held or roles[:1])
    return "(" + ", ".join(map(quoted, listed)) + ("," if len(listed) == 1 else "") + ")"


def _speakers(facts: Facts, column: str) -> set[str]:
    """What the turns in `column` call who speaks."""
    who = _keys(facts, column)[0]
    said = {turn.get(who) for item in facts.rows for turn in _turns(item.get(column))}
    return {name for name in said if isinstance(name, str)}


def _turns(cell: Any) -> list[dict[str, Any]]:
    return [turn for turn in cell if isinstance(turn, dict)] if isinstance(cell, list) else []

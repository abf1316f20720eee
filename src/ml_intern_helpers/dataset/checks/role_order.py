"""SET309 and SET310: turns out of order. The chat templates of Gemma and Mistral stop at them; the others train on what nobody
would say in a chat."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts, finding, turns
from ml_intern_helpers.dataset.checks.texts import role_of

_TALKERS = ("user", "assistant")
_FIRST = ("system", "developer")
_RESULTS = ("tool", "function", "ipython")


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column for each of the two faults."""
    for part in ("messages", "prompt", "chosen", "rejected"):
        column = facts.parts.get(part)
        if column is None or (part == "prompt" and column == facts.parts.get("messages")):
            continue
        roles = [[str(role_of(turn)) for turn in turns(row.get(column))] for row in facts.rows]
        yield from _order(facts, column, [at for at, said in enumerate(roles) if out_of_order(said)], roles)
        yield from _system(facts, column, [at for at, said in enumerate(roles) if system_inside(said)], roles)


def _order(facts: Facts, column: str, at: list[int], roles: list[list[str]]) -> Iterator[Finding]:
    if at:
        message = (
            f"{clean(column, limit=60)!r} has turns out of order (chat templates such as Gemma's and Mistral's stop at them)"
        )
        fix = "merge neighbouring turns of one speaker, or drop the rows"
        yield finding(facts, "SET309", "warning", message, at, example=" → ".join(roles[at[0]][:8]), fix=fix)


def _system(facts: Facts, column: str, at: list[int], roles: list[list[str]]) -> Iterator[Finding]:
    if at:
        message = f"{clean(column, limit=60)!r} has a system turn that is not the first one (some chat templates drop it or stop)"
        fix = "move it to the front, or drop the rows"
        yield finding(facts, "SET310", "warning", message, at, example=" → ".join(roles[at[0]][:8]), fix=fix)


def out_of_order(roles: list[str]) -> bool:
    """Two turns of one speaker in a row, an answer before any question, or the result of a tool that nobody has called.

    A column of answers alone (`chosen` beside a prompt) starts with the assistant and holds one turn: that is in order.
    """
    talk = [role for role in roles if role not in _FIRST]
    if len(talk) > 1 and talk[0] in ("assistant", *_RESULTS) and "user" in talk:
        return True
    pairs = pairwise(talk)
    return any((one == two and one in _TALKERS) or (one == "user" and two in _RESULTS) for one, two in pairs)


def system_inside(roles: list[str]) -> bool:
    """A system turn that is not the first."""
    return any(role in _FIRST for role in roles[1:])

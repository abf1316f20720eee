"""What is wrong with a row, as SQL conditions: one for each check and column, with the checks' own meaning of each code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ml_intern_helpers.core.report import Severity
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.nulls import needed
from ml_intern_helpers.dataset.full import sql
from ml_intern_helpers.dataset.full.columns import Played, letter

#: Parts whose turns must be in order; a conversation that is a prompt may start anywhere.
_ORDERED = ("messages", "prompt", "chosen", "rejected")
_ANSWERED = ("messages", "completion", "chosen", "rejected")
_READ = ("messages", "prompt", "completion", "chosen", "rejected", "text")


@dataclass(frozen=True)
class Flag:
    """One fault.

    Attributes:
        code: the check's.
        condition: SQL over a row, true where the fault is.
        message: what is wrong, one line.
        fix: what to do.
        example: SQL of a short text that shows the fault, or None.
        severity: of the finding.
    """

    code: str
    condition: str
    message: str
    fix: str
    example: str | None = None
    severity: Severity = "warning"


#: Codes whose example is the order in which people speak.
SPEAKERS = ("SET302", "SET309", "SET310")


def structural(columns: list[Played], method: str | None) -> list[Flag]:
    """The faults that need no search in texts."""
    by_role = {played.part: played for played in columns}
    found = [_null(played) for played in columns if played.part in needed(by_role)]
    found += [flag for played in columns for flag in _of_column(played, method)]
    found += _unasked(by_role.get("prompt") or by_role.get("messages"))
    found += _equal(by_role.get("chosen"), by_role.get("rejected"))
    return found


def _null(played: Played) -> Flag:
    drop = f"dataset.filter(lambda row: row[{played.column!r}] is not None)"
    return Flag("SET308", f"{played.cell} IS NULL", f"{clean(played.column, limit=60)!r} is null", drop)


def _of_column(played: Played, method: str | None) -> Iterator[Flag]:
    shown = repr(clean(played.column, limit=60))
    if played.strange != "false":
        yield Flag("SET305", played.strange, f"{shown} mixes kinds", "look at these rows, or drop them")
    if played.part in _READ:
        yield Flag("SET301", _empty(played), f"{shown} has empty texts or turns", "filter these rows out")
    if played.chat:
        yield from _of_turns(played, shown, method)


def _empty(played: Played) -> str:
    if not played.chat:
        return f"NOT {sql.says_something(played.value)}"
    hollow = f"x.what IS NOT NULL AND x.calls IS NULL AND NOT {sql.says_something('x.what')}"
    return f"len(list_filter({played.value}, lambda x: {hollow})) > 0"


def _of_turns(played: Played, shown: str, method: str | None) -> Iterator[Flag]:
    letters, roles = f"coalesce({played.speakers}, '')", f"left({played.speakers}, 8)"
    if played.part in _ANSWERED and not (played.part == "messages" and method == "grpo"):
        told = f"{shown} ends with a turn that is not the assistant's"
        ends = f"right({letters}, 1) NOT IN ('', 'a', 'n')"
        yield Flag("SET302", ends, told, "cut the last turn off, or drop the rows", roles)
    if played.part in _ORDERED:
        talk = f"regexp_replace({letters}, '[sd]', '', 'g')"
        order = sql.any_of((f"regexp_matches({talk}, '^[atfi].*u')", f"regexp_matches({talk}, 'uu|aa|u[tfi]')"))
        told = f"{shown} has turns out of order (chat templates such as Gemma's and Mistral's stop at them)"
        yield Flag("SET309", order, told, "merge neighbouring turns of one speaker, or drop the rows", roles)
        inside = f"regexp_matches({letters}, '^[sd]*[^sd].*[sd]|^[sd]*s[sd]*s')"
        told = f"{shown} has a system turn that is not the first one (some chat templates drop it or stop)"
        yield Flag("SET310", inside, told, "move it to the front, or drop the rows", roles)


def _unasked(asking: Played | None) -> Iterator[Flag]:
    if asking is None:
        return
    shown, fix = repr(clean(asking.column, limit=60)), "drop the rows, or put the question in"
    if not asking.chat:
        yield Flag("SET311", f"NOT {sql.says_something(asking.value)}", f"{shown} has an empty prompt", fix)
        return
    asks = f"{letter('x.who')} NOT IN ('a', 's', 'd', 'n') AND {sql.says_something('x.what')}"
    turns = f"len(list_filter({asking.value}, lambda x: x IS NOT NULL))"
    condition = f"{turns} > 0 AND len(list_filter({asking.value}, lambda x: {asks})) = 0"
    yield Flag("SET311", condition, f"{shown} has no turn of the user's before the answer", fix)


def _equal(chosen: Played | None, rejected: Played | None) -> Iterator[Flag]:
    if chosen and rejected:
        shown = f"{clean(chosen.column, limit=60)!r} and {clean(rejected.column, limit=60)!r} are equal"
        fix = f"dataset.filter(lambda row: row[{chosen.column!r}] != row[{rejected.column!r}])"
        yield Flag("SET303", f"{chosen.text} = {rejected.text}", shown, fix)


def codes(flags: Iterable[Flag]) -> list[str]:
    """The codes of `flags`, each once."""
    return list(dict.fromkeys(flag.code for flag in flags))

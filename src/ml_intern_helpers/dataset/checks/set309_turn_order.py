"""Turns out of order: one speaker twice in a row, an answer before any question, or a tool result without a tool call.

The chat templates of Gemma and Mistral stop at them; with others, the model learns unnatural conversations. Merge consecutive
turns of one speaker, or drop the rows.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "So?"}, {"role": "assistant", "content": "Yes"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi. So?"}, {"role": "assistant", "content": "Yes"}]}
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding, speaker_of, turns
from ml_intern_helpers.dataset.checks.filter_code import FilterStep, all_of, chat_columns, speakers_in, turn_keys_of
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumns, any_of
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES, quoted, record, row

CODE, TOPIC = "SET309", "turns"
SEVERITY: Severity = "warning"
#: A dataset may have this throughout; then dropping most of the rows is no remedy.
HABIT = True
#: One filter removes the rows of both codes.
FILTERS_FOR = (CODE, "SET310")
FIX = "merge consecutive turns of one speaker, or drop the rows"
#: Roles of columns whose turns must be in order.
ORDERED = ("messages", "prompt", "chosen", "rejected")
_FIRST = ("system", "developer")
_RESULTS = ("tool", "function", "ipython")
#: Speaker -> its kind in the order of turns.
_KINDS = {"user": "user", "assistant": "assistant", **dict.fromkeys(_FIRST, "system"), **dict.fromkeys(_RESULTS, "tool")}


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column."""
    for column, rows in speakers_by_column(facts):
        at = [position for position, speakers in enumerate(rows) if _out_of_order(speakers)]
        if at:
            example = " → ".join(rows[at[0]][:8])
            yield finding(facts, CODE, SEVERITY, _message(column), at, example=example, fix=FIX, columns=[column])


def flags(columns: SqlColumns) -> Iterator[Flag]:
    for item in columns:
        if item.chat and item.role in ORDERED:
            dialogue = f"regexp_replace(coalesce({item.speakers}, ''), '[sd]', '', 'g')"
            order = any_of((f"regexp_matches({dialogue}, '^[atfi].*u')", f"regexp_matches({dialogue}, 'uu|aa|u[tfi]')"))
            yield Flag(CODE, order, _message(item.column), FIX, item.first_speakers, (item.column,), speakers=True)


def filters(facts: Facts, code: str) -> list[FilterStep]:
    columns = chat_columns(facts, ORDERED)
    if not columns:
        return []
    names = sorted({name for column in columns for name in speakers_in(facts, column)})[:30]
    kinds = {name: _KINDS.get(SPEAKER_NAMES.get(name.lower(), name.lower())) for name in names}
    definition = f"""ROLES = {record({name: quoted(kind) for name, kind in kinds.items() if kind})}
def in_order(turns):
    said = [ROLES.get(turn[{quoted(turn_keys_of(facts, columns[0])[0])}]) for turn in turns]
    if "system" in said[1:]:
        return False
    said = said[1:] if said[:1] == ["system"] else said
    if "user" in said and said[0] in ("assistant", "tool"):
        return False
    return not any(one == two != "tool" or (one, two) == ("user", "tool") for one, two in zip(said, said[1:]))"""
    return all_of(code, (f"in_order({row(name)})" for name in columns), definition)


def speakers_by_column(facts: Facts) -> Iterator[tuple[str, list[list[str]]]]:
    """Each column whose turns must be in order, with the speakers of each row."""
    for role in ORDERED:
        column = facts.roles.get(role)
        if column is not None and not (role == "prompt" and column == facts.roles.get("messages")):
            yield column, [[str(speaker_of(turn)) for turn in turns(row.get(column))] for row in facts.rows]


def _out_of_order(speakers: list[str]) -> bool:
    """Whether turns are out of order. A single turn of the assistant is fine: `chosen` beside a prompt holds just the answer."""
    dialogue = [name for name in speakers if name not in _FIRST]
    if len(dialogue) > 1 and dialogue[0] in ("assistant", *_RESULTS) and "user" in dialogue:
        return True
    return any(
        (previous == following and previous in ("user", "assistant")) or (previous == "user" and following in _RESULTS)
        for previous, following in pairwise(dialogue)
    )


def _message(column: str) -> str:
    return f"{shown_name(column)} has turns out of order (chat templates such as Gemma's and Mistral's stop at them)"

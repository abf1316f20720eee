"""Empty texts or turns.

The run does not stop, but the model learns to answer with nothing. A turn that only calls a tool is not empty; an empty prompt
is reported as SET311. Drop these rows.

Bad:
    {"prompt": "Which metal conducts best?", "completion": "Silver."}
    {"prompt": "Which metal is liquid?", "completion": "  "}

Good:
    {"prompt": "Which metal conducts best?", "completion": "Silver."}
    {"prompt": "Which metal is liquid?", "completion": "Mercury."}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import CALLS, QUESTIONS_AND_ANSWERS, Facts, finding, turns, words
from ml_intern_helpers.dataset.checks.filter_code import FilterStep, all_of, chat_columns, turn_keys_of
from ml_intern_helpers.dataset.checks.set311_no_question import asks_nothing
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumns, says_something
from ml_intern_helpers.dataset.column_roles import CHAT
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.mapping.code import quoted, row

CODE, TOPIC = "SET301", "empty"
SEVERITY: Severity = "warning"
#: SET215 is an empty list of turns, SET216 a turn without content.
FILTERS_FOR = ("SET215", "SET216", CODE)
FIX = "drop these rows"


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column with empty texts or turns."""
    for role, column, cells in facts.questions_and_answers():
        at = [position for position, cell in enumerate(cells) if is_empty(cell) and not asks_nothing(cell, role)]
        if at:
            yield finding(facts, CODE, SEVERITY, _message(column), at, fix=FIX, columns=[column])


def flags(columns: SqlColumns) -> Iterator[Flag]:
    """The same in SQL, which also counts empty prompts."""
    for item in columns:
        if item.role not in QUESTIONS_AND_ANSWERS:
            continue
        condition = f"NOT {says_something(item.value)}"
        if item.chat:
            empty = f"x.what IS NOT NULL AND x.calls IS NULL AND NOT {says_something('x.what')}"
            condition = f"len(list_filter({item.value}, lambda x: {empty})) > 0"
        yield Flag(CODE, condition, _message(item.column), FIX, columns=(item.column,))


def filters(facts: Facts, code: str) -> list[FilterStep]:
    """Keep rows whose conversations have turns (SET215), or without empty texts and turns."""
    if code == "SET215":
        chats = chat_columns(facts, ("messages", "dialogue", "prompt", "completion", "chosen", "rejected", "text", "label"))
        return all_of(code, (f"len({row(name)}) > 0" for name in chats if any(item.get(name) == [] for item in facts.rows)))
    counted_by_scan = facts.of_all is not None and facts.of_all.counts.get(code)
    conditions = []
    for role, column, cells in facts.questions_and_answers():
        if not counted_by_scan and not any(is_empty(cell) and not asks_nothing(cell, role) for cell in cells):
            continue
        if facts.roles.kind(role) == "string":
            conditions.append(f"{row(column)}.strip()")
        elif facts.roles.kind(role) in CHAT:
            has_content = f'str(turn.get({quoted(turn_keys_of(facts, column)[1])}) or "").strip()'
            old_calls = any(turn.get(CALLS[1]) for cell in cells for turn in turns(cell))
            calls = [f" or turn.get({quoted(name)})" for name in CALLS[: 1 + old_calls]]
            conditions.append(f"all({has_content}{''.join(calls)} for turn in {row(column)})")
    return all_of(code, conditions)


def is_empty(cell: object) -> bool:
    """Whether `cell` is an empty text, or has an empty turn that calls no tool."""
    if isinstance(cell, str):
        return not cell.strip()
    return any(
        isinstance(words(turn), str) and not str(words(turn)).strip() and not any(map(turn.get, CALLS)) for turn in turns(cell)
    )


def _message(column: str) -> str:
    return f"{shown_name(column)} has empty texts or turns"

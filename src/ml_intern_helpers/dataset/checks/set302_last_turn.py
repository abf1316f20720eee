"""Conversations that do not end with a turn of the assistant.

After their last answer there is nothing to learn. With `assistant_only_loss=True`, TRL stops at the first row without any turn of
the assistant. Remove the last turn, or drop the rows.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
    {"messages": [{"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Bye"}]}

Good:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding, speaker, turns
from ml_intern_helpers.dataset.checks.filter_code import FilterStep, all_of, chat_columns, names_of, turn_keys_of
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumns
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES, quoted, row

CODE, TOPIC = "SET302", "turns"
SEVERITY: Severity = "warning"
#: A dataset may have this throughout; then dropping most of the rows is no remedy.
HABIT = True
FIX = "remove the last turn, or drop the rows"
_ROLES = ("messages", "completion", "chosen", "rejected")


def severity(count: int, of: int) -> Severity:
    """An error when all rows have the problem."""
    return "error" if count == of else SEVERITY


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column of answers whose last turn is not the assistant's."""
    for role in _ROLES:
        column = facts.roles.get(role)
        if column is None or (role == "messages" and facts.method == "grpo"):
            continue
        speakers = [[SPEAKER_NAMES.get(speaker(turn), speaker(turn)) for turn in turns(row.get(column))] for row in facts.rows]
        at = [position for position, names in enumerate(speakers) if names and names[-1] not in ("", "assistant")]
        if at:
            without_assistant = sum(1 for position in at if "assistant" not in speakers[position])
            message = _message(column)
            if without_assistant:
                message += f"; {without_assistant} have no turn of the assistant, and assistant_only_loss=True stops at the first"
            level = severity(without_assistant, len(facts.rows))
            fix, example = _fix(without_assistant, len(at)), speakers[at[0]][-1]
            yield finding(facts, CODE, level, message, at, example=example, fix=fix, columns=[column])


def flags(columns: SqlColumns) -> Iterator[Flag]:
    for item in columns:
        if item.chat and item.role in _ROLES and not (item.role == "messages" and columns.method == "grpo"):
            condition = f"right(coalesce({item.speakers}, ''), 1) NOT IN ('', 'a', 'n')"
            yield Flag(CODE, condition, _message(item.column), FIX, item.first_speakers, (item.column,), speakers=True)


def filters(facts: Facts, code: str) -> list[FilterStep]:
    roles = [role for role in _ROLES if not (role == "messages" and facts.method == "grpo")]
    conditions = []
    for column in chat_columns(facts, roles):
        who = quoted(turn_keys_of(facts, column)[0])
        conditions.append(f"{row(column)}[-1][{who}] in {names_of(facts, column, 'assistant')}")
    return all_of(code, conditions)


def _message(column: str) -> str:
    return f"{shown_name(column)} ends with a turn that is not the assistant's"


def _fix(without_assistant: int, total: int) -> str:
    """The fix; removing turns leaves nothing of a conversation in which the assistant never speaks."""
    if not without_assistant:
        return FIX
    drop = 'dataset.filter(lambda row: any(turn["role"] == "assistant" for turn in row[…]))'
    return (
        "drop these rows"
        if without_assistant == total
        else f"drop the rows without an answer ({drop}), remove the last turn of the others"
    )

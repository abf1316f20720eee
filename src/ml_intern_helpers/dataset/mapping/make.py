"""Finds the mapping: the first candidate whose output, made by really running it, the trainer reads as meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.candidates import candidates
from ml_intern_helpers.dataset.mapping.code import Script, keep_rows, quoted, row
from ml_intern_helpers.dataset.mapping.run import MappingFailed, run
from ml_intern_helpers.dataset.trainers.methods import READERS
from ml_intern_helpers.dataset.trainers.rows import Problem
from ml_intern_helpers.dataset.training_signal import missing_signal

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Mapping:
    """Code that was run.

    Attributes:
        code: without the line that loads the dataset.
        rows_in, rows_out: sampled rows before and after.
        columns: columns afterwards.
        rows: the rows that came out.
    """

    code: str
    rows_in: int
    rows_out: int
    columns: list[str]
    rows: Rows


def make(method: str, parts: ColumnRoles, rows: Rows, problems: list[Problem], *, wait: bool = True) -> Mapping | None:
    """The mapping for `method`, or None when no candidate passes; one whose rows teach nothing only when there is no other.

    A candidate that leaves single bad rows is tried again with those rows filtered out before it.

    Raises:
        NotPlain: see `run`.
    """
    conditions = _usable_rows(parts, parts.unpacked(rows))
    first: Mapping | None = None
    for script in _scripts(method, parts, rows, problems):
        for code in (script.text(), *_filtered(script, _needed(conditions, script, problems))):
            made = _try(method, code, rows, wait, parts.get("label"))
            if made and not missing_signal(method, made.rows, complete=False):
                return made
            first = first or made
    return first


def _scripts(method: str, parts: ColumnRoles, rows: Rows, problems: list[Problem]) -> Iterator[Script]:
    rewritten = any("messages" in shape.replaces for shape in parts.shapes)
    if problems and all(problem.in_rows for problem in problems) and not rewritten:
        yield Script()  # the shape is right: filtering may be all it takes
    yield from candidates(method, parts, rows)


def _filtered(script: Script, condition: str | None) -> Iterator[str]:
    if condition:
        yield Script(script.definitions, [keep_rows(condition), *script.statements]).text()


def _try(method: str, code: str, rows: Rows, wait: bool, label: str | None) -> Mapping | None:
    if not code:
        return None
    try:
        made = run(code, rows, wait=wait)
    except MappingFailed:
        return None
    # Half the rows gone is no mapping but another dataset; a filter on labels may take as much as it likes.
    enough = len(made) * 2 >= len(rows) or (label is not None and quoted(label) in code)
    if not made or not enough or READERS[method](made):
        return None
    return Mapping(code, len(rows), len(made), list(made[0]), made)


def _needed(conditions: dict[str, str], script: Script, problems: list[Problem]) -> str | None:
    """The conditions on columns that the script takes up, or, where it takes none, that the trainer stops at."""
    code = script.text()
    used = [
        condition
        for column, condition in conditions.items()
        if (quoted(column) in code if code else any(column in problem.columns for problem in problems))
    ]
    return " and ".join(used) or None


def _usable_rows(parts: ColumnRoles, rows: Rows) -> dict[str, str]:
    """Column that plays a part -> a condition that drops rows with nulls, empty lists or null turns in it."""
    conditions: dict[str, str] = {}
    for part in ("messages", "dialogue", "prompt", "completion", "chosen", "rejected", "text", "label"):
        column = parts.get(part)
        condition = _usable(column, parts, rows) if column else None
        if column and condition:
            conditions[column] = condition
    return conditions


def _usable(column: str, parts: ColumnRoles, rows: Rows) -> str | None:
    cells = [item.get(column) for item in rows]
    if column in parts.json:
        return None if all(cells) else row(column)
    if parts.kinds[column] in ("string", "bool", "int", "float"):
        return f"{row(column)} is not None" if None in cells else None
    if any(_hollow(cell) for cell in cells):
        lists = [cell for cell in cells if isinstance(cell, list)]
        turns = [turn for cell in lists for turn in cell if isinstance(turn, dict)]
        calls = [name for name in ("tool_calls", "function_call") if any(turn.get(name) for turn in turns)]
        said = " or ".join(['turn["content"]', *(f"turn.get({quoted(name)})" for name in calls)])
        return f"{row(column)} and all({said} for turn in {row(column)})"
    return f"bool({row(column)})" if not all(cells) else None


def _hollow(cell: Any) -> bool:
    return isinstance(cell, list) and any(isinstance(turn, dict) and "content" in turn and not turn["content"] for turn in cell)

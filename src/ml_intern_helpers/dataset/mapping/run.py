"""Finds the mapping: the first candidate whose output, made by really running it on the sample, the trainer reads as meant.

The code is ours; only column names come from outside.
"""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.candidates import candidates
from ml_intern_helpers.dataset.mapping.code import Script, keep_rows, quoted, row
from ml_intern_helpers.dataset.mapping.plain import NotPlain, PlainDataset
from ml_intern_helpers.dataset.trainers.methods import READERS, missing_signal
from ml_intern_helpers.dataset.trainers.rows import Problem

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class MappingRun:
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


def find_mapping(method: str, roles: ColumnRoles, rows: Rows, problems: list[Problem], *, wait: bool = True) -> MappingRun | None:
    """The mapping for `method`, or None when no candidate passes; one without a training signal only when there is no other.

    A candidate that leaves single bad rows is tried again with those rows filtered out before it.

    Raises:
        NotPlain: see `run`.
    """
    scripts = candidates(method, roles, rows)
    rewritten = any("messages" in shape.replaces for shape in roles.shapes)
    if problems and all(problem.in_rows for problem in problems) and not rewritten:
        scripts = itertools.chain([Script()], scripts)  # the shape is right: filtering may be all it takes
    conditions = _usable_rows(roles, roles.unpacked(rows))
    fallback: MappingRun | None = None
    for script in scripts:
        code = script.text()
        codes = [code] if code else []
        # The conditions on columns that the script uses, or, where it uses none, that the trainer stops at.
        needed = [
            condition
            for column, condition in conditions.items()
            if (quoted(column) in code if code else any(column in problem.columns for problem in problems))
        ]
        if needed:
            codes.append(Script(script.definitions, [keep_rows(" and ".join(needed)), *script.statements]).text())
        for text in codes:
            mapping = _try(method, text, rows, wait, roles.get("label"))
            if mapping and not missing_signal(method, mapping.rows, complete=False):
                return mapping
            fallback = fallback or mapping
    return fallback


def _try(method: str, code: str, rows: Rows, wait: bool, label: str | None) -> MappingRun | None:
    try:
        mapped = run(code, rows, wait=wait)
    except MappingFailed:
        return None
    # Without half of its rows it is another dataset; a filter on labels may remove any number.
    enough = len(mapped) * 2 >= len(rows) or (label is not None and quoted(label) in code)
    if not mapped or not enough or READERS[method](mapped):
        return None
    return MappingRun(code, len(rows), len(mapped), list(mapped[0]), mapped)


def _usable_rows(roles: ColumnRoles, rows: Rows) -> dict[str, str]:
    """Column with a role -> a condition that drops rows with nulls, empty lists or null turns in it."""
    conditions: dict[str, str] = {}
    for role in ("messages", "dialogue", "prompt", "completion", "chosen", "rejected", "text", "label"):
        column = roles.get(role)
        condition = _usable(column, roles, rows) if column else None
        if column and condition:
            conditions[column] = condition
    return conditions


def _usable(column: str, roles: ColumnRoles, rows: Rows) -> str | None:
    cells = [item.get(column) for item in rows]
    if column in roles.json:
        return None if all(cells) else row(column)
    if roles.kinds[column] in ("string", "bool", "int", "float"):
        return f"{row(column)} is not None" if None in cells else None
    turns = [turn for cell in cells if isinstance(cell, list) for turn in cell if isinstance(turn, dict)]
    if any("content" in turn and not turn["content"] for turn in turns):
        calls = [name for name in ("tool_calls", "function_call") if any(turn.get(name) for turn in turns)]
        said = " or ".join(['turn["content"]', *(f"turn.get({quoted(name)})" for name in calls)])
        return f"{row(column)} and all({said} for turn in {row(column)})"
    return f"bool({row(column)})" if not all(cells) else None


class MappingFailed(Exception):
    """The code stopped on the sample; its message is the reason, `at` the statement where there are several."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


def run(code: str, rows: Rows, *, wait: bool = True) -> Rows:
    """The rows that `code` makes of `rows`: what `datasets` makes of them, which is imported where that takes `datasets` to say.

    Args:
        code: statements over `dataset`.
        rows: the sample.
        wait: importing `datasets` (a second) is worth it.

    Raises:
        MappingFailed: the code does not parse, or stops.
        NotPlain: it takes `datasets`, and `wait` is false.
    """
    try:
        compiled = compile(ast.parse(code), "<mapping>", "exec")
    except (SyntaxError, ValueError) as err:
        raise MappingFailed(f"{type(err).__name__}: {err}") from err
    try:
        return _exec(compiled, PlainDataset.from_list(rows))
    except NotPlain:
        if not wait:
            raise
        return run_with_datasets(compiled, rows)


def run_with_datasets(compiled: CodeType, rows: Rows) -> Rows:
    """The same with the real library, whatever the rows hold."""
    import datasets

    with _quiet(datasets):
        try:
            dataset = _dataset(datasets, rows)
        except Exception as err:  # rows that no dataset can be made of
            raise MappingFailed(f"{type(err).__name__}: {err}") from err
        return _exec(compiled, dataset)


def _exec(compiled: CodeType, dataset: Any) -> Rows:
    scope: dict[str, Any] = {"dataset": dataset}
    try:
        exec(compiled, scope)
        return [dict(row) for row in scope["dataset"]]
    except NotPlain:
        raise
    except Exception as err:  # whatever stops it, this mapping is not shown
        raise MappingFailed(f"{type(err).__name__}: {err}") from err


def run_one_by_one(definitions: str, statements: list[str], rows: Rows) -> tuple[list[int], Rows]:
    """Rows after each of `statements`, and the rows after all of them.

    Raises:
        MappingFailed: a statement stops; `at` is its place.
    """
    import datasets

    counts: list[int] = []
    with _quiet(datasets):
        try:
            scope: dict[str, Any] = {"dataset": _dataset(datasets, rows)}
            for code in (definitions, *statements):
                exec(compile(ast.parse(code), "<filter>", "exec"), scope)
                counts.append(len(scope["dataset"]))
            return counts[1:], [dict(row) for row in scope["dataset"]]
        except Exception as err:  # whatever stops it, this filter is not shown
            raise MappingFailed(f"{type(err).__name__}: {err}", max(len(counts) - 1, 0)) from err


def _dataset(datasets: Any, rows: Rows) -> Any:
    """The rows as `datasets` holds them. Numbers of 64 bits without a sign (hashes as ids) it takes from files, not from Python:
    they stand in as floats, as it reads them from JSON."""
    try:
        return datasets.Dataset.from_list(rows, on_mixed_types="use_json")
    except OverflowError:
        return datasets.Dataset.from_list(_in_64_bits(rows), on_mixed_types="use_json")


def _in_64_bits(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_64_bits(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_64_bits(item) for item in value]
    return float(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


@contextlib.contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """Keep `datasets` quiet: no progress bars, no files in the user's cache, nothing on stdout."""
    datasets.disable_progress_bars()
    datasets.disable_caching()
    datasets.logging.set_verbosity_error()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield

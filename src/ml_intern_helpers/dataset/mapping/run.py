"""Finds the mapping of a method: it runs the candidates on the sample and takes the first whose output the trainer can use.

The code that is run is generated here; only column names come from outside.
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
    """A mapping and its result on the sample.

    Attributes:
        code: the mapping, without the line that loads the dataset.
        rows_in, rows_out: number of sampled rows before and after the mapping.
        columns: the columns of the mapped rows.
        rows: the mapped rows.
    """

    code: str
    rows_in: int
    rows_out: int
    columns: list[str]
    rows: Rows


def find_mapping(method: str, roles: ColumnRoles, rows: Rows, problems: list[Problem], *, wait: bool = True) -> MappingRun | None:
    """The mapping for `method`, or None when no candidate works.

    Each candidate is also tried with a filter that drops unusable rows first. A mapping without a training signal is returned
    only when there is no better one.

    Raises:
        NotPlain: see `run`.
    """
    scripts = candidates(method, roles, rows)
    rewritten = any("messages" in shape.replaces for shape in roles.shapes)
    if problems and all(problem.in_rows for problem in problems) and not rewritten:
        scripts = itertools.chain([Script()], scripts)  # only single rows have problems: filtering may be enough
    conditions = _usable_rows(roles, roles.unpacked(rows))
    fallback: MappingRun | None = None
    for script in scripts:
        code = script.text()
        codes = [code] if code else []
        # Conditions on the columns that the script uses; for an empty script, on the columns with problems.
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
    # A mapping must keep at least half of the rows, unless it filters by label.
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
        not_empty = " or ".join(['turn["content"]', *(f"turn.get({quoted(name)})" for name in calls)])
        return f"{row(column)} and all({not_empty} for turn in {row(column)})"
    return f"bool({row(column)})" if not all(cells) else None


class MappingFailed(Exception):
    """The code failed on the sample: the message is the reason, and `at` the index of the statement if there are several."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


def run(code: str, rows: Rows, *, wait: bool = True) -> Rows:
    """The rows that `code` makes of `rows`, the same as with `datasets`, which is imported only when it is needed.

    Args:
        code: statements over `dataset`.
        rows: the sample.
        wait: whether `datasets` may be imported, which takes a second.

    Raises:
        MappingFailed: the code cannot be parsed, or fails.
        NotPlain: the code needs `datasets`, and `wait` is false.
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
    """As `run`, but always with the real library."""
    import datasets

    with _quiet(datasets):
        try:
            dataset = _dataset(datasets, rows)
        except Exception as err:  # `datasets` cannot store the rows
            raise MappingFailed(f"{type(err).__name__}: {err}") from err
        return _exec(compiled, dataset)


def _exec(compiled: CodeType, dataset: Any) -> Rows:
    scope: dict[str, Any] = {"dataset": dataset}
    try:
        exec(compiled, scope)
        return [dict(row) for row in scope["dataset"]]
    except NotPlain:
        raise
    except Exception as err:  # a mapping that fails for any reason is not shown
        raise MappingFailed(f"{type(err).__name__}: {err}") from err


def run_one_by_one(definitions: str, statements: list[str], rows: Rows) -> tuple[list[int], Rows]:
    """The number of rows after each of `statements`, and the rows after all of them.

    Raises:
        MappingFailed: a statement fails; `at` is its index.
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
        except Exception as err:  # a filter that fails for any reason is not shown
            raise MappingFailed(f"{type(err).__name__}: {err}", max(len(counts) - 1, 0)) from err


def _dataset(datasets: Any, rows: Rows) -> Any:
    """The rows as a `Dataset`. Integers beyond signed 64 bits (hashes as ids) become floats, as when `datasets` reads JSON."""
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

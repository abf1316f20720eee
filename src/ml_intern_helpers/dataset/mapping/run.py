"""Runs mapping code on the sampled rows. The code is ours; only column names come from outside."""

from __future__ import annotations

import ast
import contextlib
import io
from collections.abc import Iterator
from types import CodeType
from typing import Any

from ml_intern_helpers.dataset.mapping.plain import NotPlain, PlainDataset

Rows = list[dict[str, Any]]


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
    """No bars, no files in the user's cache, nothing on stdout."""
    datasets.disable_progress_bars()
    datasets.disable_caching()
    datasets.logging.set_verbosity_error()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield

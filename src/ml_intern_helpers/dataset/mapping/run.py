"""Runs mapping code on the sampled rows with `datasets` itself. The code is ours; only column names come from outside."""

from __future__ import annotations

import ast
import contextlib
import io
from collections.abc import Iterator
from typing import Any

Rows = list[dict[str, Any]]


class MappingFailed(Exception):
    """The code stopped on the sample; its message is the reason, `at` the statement where there are several."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


def run(code: str, rows: Rows) -> Rows:
    """The rows that `code` makes of `rows`.

    Raises:
        MappingFailed: the code does not parse, or stops.
    """
    import datasets

    with _quiet(datasets):
        try:
            compiled = compile(ast.parse(code), "<mapping>", "exec")
            scope: dict[str, Any] = {"dataset": datasets.Dataset.from_list(rows, on_mixed_types="use_json")}
            exec(compiled, scope)
            return [dict(row) for row in scope["dataset"]]
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
            scope: dict[str, Any] = {"dataset": datasets.Dataset.from_list(rows, on_mixed_types="use_json")}
            for code in (definitions, *statements):
                exec(compile(ast.parse(code), "<filter>", "exec"), scope)
                counts.append(len(scope["dataset"]))
            return counts[1:], [dict(row) for row in scope["dataset"]]
        except Exception as err:  # whatever stops it, this filter is not shown
            raise MappingFailed(f"{type(err).__name__}: {err}", max(len(counts) - 1, 0)) from err


@contextlib.contextmanager
def _quiet(datasets: Any) -> Iterator[None]:
    """No bars, no files in the user's cache, nothing on stdout."""
    datasets.disable_progress_bars()
    datasets.disable_caching()
    datasets.logging.set_verbosity_error()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield

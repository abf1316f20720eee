"""Draws a bounded, repeatable sample of rows; every reader of local files returns it as a `Table`.

The sample holds the first rows (TRL decides by the first row how to read a dataset) and a spread over the rest.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.column_roles import ROLES, plain_name
from ml_intern_helpers.dataset.local.bounds import DEEPEST_LEVELS, MIB, MOST_CELLS, MOST_COLUMNS, SAMPLE_BYTES, Allowance


@dataclass
class Table:
    """Rows of one split.

    Attributes:
        rows, numbers: the sampled rows, and the 1-based number of each (line numbers, in line files).
        rows_parsed: number of rows that were read.
        num_rows: number of rows in the files, or None when it is not known exactly.
        bytes_read: number of bytes of the files that were read.
        types: declared column types, when the format has any.
        load_arguments: arguments of `load_dataset` beside the files (`field="data"`).
        order_spread: whether the sample is spread over the data instead of being its head.
        findings: problems that reading the files has shown.
        notes: one line for each bound that has cut something off.
        splits: number of rows of every split inside a single document; empty when the document is one split.
    """

    rows: list[dict[str, Any]]
    numbers: list[int]
    rows_parsed: int
    num_rows: int | None
    bytes_read: int
    types: dict[str, str] = field(default_factory=dict)
    load_arguments: dict[str, str] = field(default_factory=dict)
    order_spread: bool = False
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)


Row = dict[str, Any]


def total_bytes(paths: Iterable[Path]) -> int:
    """Bytes of the files `paths` as they are stored, that is compressed."""
    return sum(path.stat().st_size for path in paths)


class TooDeep(ValueError):
    """A row is nested deeper than `DEEPEST_LEVELS`: recursive functions would exceed the stack on it."""


class Sampler:
    """Keeps at most `size` rows in at most about `SAMPLE_BYTES` of memory.

    The first fifth of the sample is the head of the data; the rest is drawn evenly (reservoir sampling, fixed seed), so that
    problems far into the data are seen as well.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.head_size = max(size // 5, 1)
        self.seen = 0
        self.left_out = 0
        self._used = 0
        self._head: list[tuple[int, Row]] = []
        self._spread: list[tuple[int, Row, int]] = []
        self._random = random.Random(0)

    def add(self, number: int, make: Callable[[], Row]) -> None:
        """Offer row `number` (1-based); `make` is called only when the row is drawn.

        Raises:
            TooDeep: the row was drawn and is nested too deep.
        """
        self.seen += 1
        in_head = len(self._head) < self.head_size
        place = None if in_head else self._place()
        if not in_head and place is None:
            return
        row = make()
        freed = self._spread[place][2] if place is not None and place < len(self._spread) else 0
        weight = weigh(row, SAMPLE_BYTES - self._used + freed, number)
        if self._used - freed + weight > SAMPLE_BYTES:
            self.left_out += 1
            return
        self._used += weight - freed
        if place is None:
            self._head.append((number, row))
        else:
            self._spread[place : place + 1] = [(number, row, weight)]

    def _place(self) -> int | None:
        """The place of the current row in the reservoir, or None when it is not drawn."""
        room = self.size - self.head_size
        if len(self._spread) < room:
            return len(self._spread)
        place = self._random.randrange(self.seen - len(self._head))
        return place if place < room else None

    def table(self, allowance: Allowance) -> Table:
        """The sampled rows in the order of the data, with what `allowance` says about reading them."""
        kept = sorted([*self._head, *((number, row) for number, row, _ in self._spread)], key=lambda item: item[0])
        return Table(
            [row for _, row in kept],
            [number for number, _ in kept],
            self.seen,
            None if allowance.cut else self.seen,
            allowance.used,
            order_spread=True,
            notes=[*allowance.notes(self.seen), *left_out_notes(self.left_out)],
        )


def left_out_notes(count: int) -> list[str]:
    return [f"{count:,} rows are not in the sample, which holds at most {SAMPLE_BYTES // MIB} MiB of memory"] if count else []


def weigh(row: Row, most: int, number: int) -> int:
    """About how many bytes of memory `row` takes; counting stops above `most`.

    The length of the line does not tell: `{},` takes three bytes in a file and seventy in memory.

    Raises:
        TooDeep: the row is nested too deep; the message names row `number`.
    """
    total, depth = 0, 0
    level: list[Any] = [row]
    while level and total <= most:
        depth += 1
        if depth > DEEPEST_LEVELS:
            raise TooDeep(f"row {number:,} is nested too deep to be data (more than {DEEPEST_LEVELS} levels)")
        inner: list[Any] = []
        for value in level:
            total += sys.getsizeof(value)
            if isinstance(value, dict):
                total += sum(map(sys.getsizeof, value))
                inner.extend(value.values())
            elif isinstance(value, (list, tuple)):
                inner.extend(value)
        level = inner
    return total


#: Names of columns that have a role.
KNOWN = frozenset(name for names, _ in ROLES.values() for name in names)


def cut_to_bounds(table: Table) -> None:
    """Cut the sample to `MOST_COLUMNS` columns and `MOST_CELLS` cells, with a note if anything is cut."""
    names = list(dict.fromkeys(name for row in table.rows for name in row))
    table.notes += column_notes(len(names))
    names = first_columns(names)
    # Every n-th row, the first one included.
    most = max(MOST_CELLS // max(len(names), 1), 1)
    if len(table.rows) > most:
        table.notes.append(f"{most:,} of {len(table.rows):,} sampled rows were kept: at most {MOST_CELLS:,} cells are verified")
        step = -(-len(table.rows) // most)
        table.rows, table.numbers = table.rows[::step], table.numbers[::step]
    if names != list(table.types) and table.types:
        table.types = {name: table.types[name] for name in names if name in table.types}
    kept = set(names)
    table.rows = [{name: cell for name, cell in row.items() if name in kept} for row in table.rows]


def first_columns(names: list[str]) -> list[str]:
    """At most `MOST_COLUMNS` of `names`, in their order: columns whose names have a role come before others."""
    if len(names) <= MOST_COLUMNS:
        return names
    kept = set(sorted(names, key=lambda name: plain_name(name) not in KNOWN)[:MOST_COLUMNS])
    return [name for name in names if name in kept]


def column_notes(count: int) -> list[str]:
    return [f"only {MOST_COLUMNS:,} of {count:,} columns were read, those with known names first"] if count > MOST_COLUMNS else []

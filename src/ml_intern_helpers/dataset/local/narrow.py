"""A sample made narrow enough to judge: a file with a new key in every row would else make millions of empty cells."""

from __future__ import annotations

from ml_intern_helpers.dataset.column_roles import ROLES
from ml_intern_helpers.dataset.local.bounds import MOST_CELLS, MOST_COLUMNS
from ml_intern_helpers.dataset.local.table import Table
from ml_intern_helpers.dataset.names import plain_name

#: Names of columns that play a part.
KNOWN = frozenset(name for names, _ in ROLES.values() for name in names)


def narrow(table: Table) -> None:
    """Cut the sample to `MOST_COLUMNS` columns and `MOST_CELLS` cells, and note it."""
    names = list(dict.fromkeys(name for row in table.rows for name in row))
    table.notes += column_notes(len(names))
    names = first_columns(names)
    _fewer_rows(table, max(MOST_CELLS // max(len(names), 1), 1))
    if names != list(table.types) and table.types:
        table.types = {name: table.types[name] for name in names if name in table.types}
    kept = set(names)
    table.rows = [{name: cell for name, cell in row.items() if name in kept} for row in table.rows]


def _fewer_rows(table: Table, most: int) -> None:
    """Every so-manieth row, the first one included."""
    if len(table.rows) > most:
        table.notes.append(f"{most:,} of {len(table.rows):,} sampled rows were kept: at most {MOST_CELLS:,} cells are verified")
        step = -(-len(table.rows) // most)
        table.rows, table.numbers = table.rows[::step], table.numbers[::step]


def first_columns(names: list[str]) -> list[str]:
    """`MOST_COLUMNS` of `names`, in their order: those with names that trainers and we know, then the first ones."""
    if len(names) <= MOST_COLUMNS:
        return names
    kept = set(sorted(names, key=lambda name: plain_name(name) not in KNOWN)[:MOST_COLUMNS])
    return [name for name in names if name in kept]


def column_notes(count: int) -> list[str]:
    """What to tell when there are `count` columns."""
    return [f"only {MOST_COLUMNS:,} of {count:,} columns were read, those with known names first"] if count > MOST_COLUMNS else []

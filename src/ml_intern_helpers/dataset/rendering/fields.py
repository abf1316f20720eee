"""What was looked at, as the fields of the report: bounded, cleaned, and nothing that could fake a line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ml_intern_helpers.core.text import clean, clean_tree
from ml_intern_helpers.dataset.checks.secrets import hide
from ml_intern_helpers.dataset.columns import Column
from ml_intern_helpers.dataset.sample import Sample
from ml_intern_helpers.dataset.verdicts import Verdict, as_dict

#: Splits listed in a report; datasets with thousands of configs exist.
MOST_SPLITS = 200
MOST_COLUMNS = 200
CELL_CHARACTERS = 600


def look_fields(look: Sample, columns: list[Column], found: Mapping[str, Verdict], args: argparse.Namespace) -> dict[str, Any]:
    """The fields that tell what was looked at, and the verdicts."""
    # Rows are printed as JSON, which holds their newlines; all else is printed as it is, where a newline would fake a line.
    rows = [_shortened(row) for row in look.rows[: args.rows]]
    return {
        "dataset": clean(look.dataset, limit=300),
        "method": args.method,
        "source": clean_tree(asdict(look.source)),
        "looked_at": clean_tree(look.looked_at()),
        "splits": [clean_tree(asdict(split)) for split in look.splits[:MOST_SPLITS]],
        "splits_total": len(look.splits),
        "columns": [_column(column) for column in columns[:MOST_COLUMNS]],
        "columns_total": len(columns),
        "verdicts": {name: as_dict(verdict) for name, verdict in found.items()},
        "load": look.load,
        "card": clean_tree(asdict(look.card)) if look.card else None,
        "full": None,
        "on_jobs": None,
        "sample_rows": clean_tree(rows, limit=CELL_CHARACTERS, keep_newlines=True),
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": clean(column.name, limit=200),
        "type": clean(column.type, limit=400),
        "type_is": "inferred from the sample" if column.inferred else "declared",
        "kinds": column.kinds,
        "mixed": column.mixed,
        "nulls_in_sample": column.nulls,
    }


def _shortened(value: object, depth: int = 0) -> object:
    """A row bounded for showing: long lists and deep nests cut, bytes and dates as text."""
    if isinstance(value, dict):
        return {str(key): _shortened(item, depth + 1) for key, item in list(value.items())[:60]}
    if isinstance(value, (list, tuple)):
        head = [_shortened(item, depth + 1) for item in value[:8]] if depth < 8 else ["…"]
        return head + ([f"… {len(value) - 8} more items"] if len(value) > 8 else [])
    if isinstance(value, str):
        return hide(value[: 2 * CELL_CHARACTERS]) + value[2 * CELL_CHARACTERS :]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)

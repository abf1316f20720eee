"""Rows of a local dataset's other splits, where they are small enough to be read beside the one that was asked for.

What was not read is said, with the reason: no finding about shared rows must not look like a clean bill.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.dataset_ref import DatasetRef
from ml_intern_helpers.dataset.local.bounds import MIB
from ml_intern_helpers.dataset.sample import Sample, Split

#: Bytes of a split that is read on the side, and how many splits and rows of one.
MOST_BYTES = 8 * MIB
MOST_SPLITS = 3
MOST_ROWS = 20_000
#: Other splits named in a report.
MOST_TOLD = 50

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Other:
    """Another split of the same config.

    Attributes:
        split: its name.
        rows: those that were read; empty when it was left out.
        why_not: why it was left out, or None.
    """

    split: str
    rows: Rows
    why_not: str | None = None


def read_others(asked: DatasetRef, look: Sample) -> list[Other]:
    """All other splits of the config, each read or left out."""
    names = [item for item in look.splits if item.config == look.config and item.split != look.split]
    if not asked.local:
        return [Other(item.split, [], "splits on the Hub are compared with --full only") for item in names]
    return list(_read(asked, names))


def _read(asked: DatasetRef, splits: list[Split]) -> Iterator[Other]:
    from ml_intern_helpers.dataset.local import source

    read = 0
    for item in splits:
        if (item.num_bytes or 0) > MOST_BYTES:
            yield Other(item.split, [], f"over {MOST_BYTES // MIB} MiB; --full reads it")
        elif read == MOST_SPLITS:
            yield Other(item.split, [], f"only {MOST_SPLITS} splits are read beside; --full reads all")
        else:
            read += 1
            try:
                yield Other(item.split, source.look(replace(asked, split=item.split), MOST_ROWS, lambda note: None).rows)
            except ToolError as err:
                yield Other(item.split, [], f"it cannot be read: {err.message}")


def told(others: list[Other], leakage: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """The `other_splits` of the report; `leakage` is the full scan's, which has read every row of what it names."""
    whole = {item["split"]: item["rows"] for item in leakage or []}
    return [_entry(item, whole.get(clean(item.split, limit=60))) for item in others[:MOST_TOLD]]


def _entry(item: Other, scanned: int | None) -> dict[str, Any]:
    why_not = clean(item.why_not, limit=200) if item.why_not and scanned is None else None
    return {
        "split": clean(item.split, limit=60),
        "rows_read": len(item.rows) if scanned is None else scanned,
        "not_compared_because": why_not,
    }

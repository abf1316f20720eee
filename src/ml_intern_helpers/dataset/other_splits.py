"""Rows of a local dataset's other splits, where they are small enough to be read beside the one that was asked for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from ml_intern_helpers.dataset.look import Look
from ml_intern_helpers.dataset.target import Asked
from ml_intern_helpers.errors import ToolError

#: Bytes of a split that is read on the side, and how many splits and rows of one.
MOST_BYTES = 8 * 1024 * 1024
MOST_SPLITS = 3
MOST_ROWS = 20_000

Rows = list[dict[str, Any]]


def read_others(asked: Asked, look: Look) -> dict[str, Rows]:
    """Split -> rows; a split that is large, remote or broken is left out."""
    if not asked.local:
        return {}
    from ml_intern_helpers.dataset.local import source

    names = [item.split for item in look.splits if item.split != look.split and (item.num_bytes or 0) <= MOST_BYTES]
    found: dict[str, Rows] = {}
    for name in names[:MOST_SPLITS]:
        with suppress(ToolError):
            found[name] = source.look(replace(asked, split=name), MOST_ROWS, lambda note: None).rows
    return found

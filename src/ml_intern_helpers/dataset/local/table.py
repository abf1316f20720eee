"""What a reader of one or more files of a split hands back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ml_intern_helpers.core.report import Finding


@dataclass
class Table:
    """Rows of one split.

    Attributes:
        rows, numbers: the sample; numbers are 1-based rows (lines, in line files).
        rows_parsed: rows read in all.
        num_rows: rows in the files, None when not known exactly.
        bytes_read: bytes of the files read.
        types: declared column types, when the format has any.
        load_arguments: what `load_dataset` needs beside the files (`field="data"`).
        order_spread: the sample is spread over the data and not its head.
        findings: what was noticed on the way.
        notes: what a bound has cut off, one line each.
        splits: rows of every split inside the one file that was read, empty when the file is one split.
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

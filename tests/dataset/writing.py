"""Rows as files of each kind, for tests that ask of every kind the same."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import datasets

Row = dict[str, Any]


def jsonl(path: Path, rows: list[Row]) -> str:
    """Every other row with its letters escaped: both are the same row."""
    path.write_text("".join(json.dumps(row, ensure_ascii=at % 2 == 0) + "\n" for at, row in enumerate(rows)), "utf-8")
    return str(path)


def comma_separated(path: Path, rows: list[Row]) -> str:
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path.with_suffix(".csv"))


def parquet(path: Path, rows: list[Row]) -> str:
    datasets.disable_progress_bars()
    datasets.Dataset.from_list(rows).to_parquet(path.with_suffix(".parquet"))
    return str(path.with_suffix(".parquet"))


def saved(path: Path, rows: list[Row]) -> str:
    """A folder that `save_to_disk` made."""
    datasets.disable_progress_bars()
    datasets.Dataset.from_list(rows).save_to_disk(path.with_suffix(""))
    return str(path.with_suffix(""))

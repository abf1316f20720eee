"""How long the text is that a method would train on, row by row: the figure to hold against a model's context."""

from __future__ import annotations

import json
import math
import statistics
from typing import Any

from ml_intern_helpers.dataset.trainers.rows import Row


def lengths(method: str, rows: list[Row]) -> dict[str, Any] | None:
    """Least, median, 95th percentile and most, over rows in the form `method` reads; None when there is no text.

    The unit is characters of the words themselves, without the template's marks; tokens where rows are tokenised. Of a pair,
    the longer answer counts with its prompt: that is what `max_length` is held against.
    """
    sized = sizes(method, rows)
    return _summary(*sized) if sized else None


def sizes(method: str, rows: list[Row]) -> tuple[str, str, list[int]] | None:
    """What is measured, its unit, and the size of every row; None when there is no text."""
    if method == "sft" and "input_ids" in rows[0]:
        return "input_ids", "tokens", [len(row["input_ids"]) for row in rows]
    columns = _columns(method, rows[0])
    if not columns:
        return None
    if "chosen" in columns:
        what = "prompt and the longer answer" if "prompt" in columns else "the longer answer"
        return what, "characters", [_pair(row) for row in rows]
    return " and ".join(columns), "characters", [sum(size(row[name]) for name in columns) for row in rows]


def _columns(method: str, row: Row) -> list[str]:
    """What the trainer puts into one sequence."""
    if method == "grpo":
        return ["prompt"]
    if method != "sft" and "chosen" in row:
        return [name for name in ("prompt", "chosen", "rejected") if name in row]
    if "prompt" in row:
        return ["prompt", "completion"]
    return list(filter(row.__contains__, ("messages", "conversations", "text")))[:1]


def _pair(row: Row) -> int:
    return size(row.get("prompt")) + max(size(row["chosen"]), size(row["rejected"]))


def size(value: Any) -> int:
    """Characters of a text, of all turns of a conversation, of all texts in blocks."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum(map(size, value))
    if not isinstance(value, dict):
        return 0
    words = value.get("content", value.get("value", value.get("text")))
    calls = value.get("tool_calls")
    return size(words) + (len(json.dumps(calls, default=str)) if calls else 0)


def _summary(of: str, unit: str, sizes: list[int]) -> dict[str, Any]:
    ordered = sorted(sizes)
    return {
        "of": of,
        "unit": unit,
        "rows": len(ordered),
        "min": ordered[0],
        "median": round(statistics.median(ordered)),
        "p95": ordered[math.ceil(0.95 * len(ordered)) - 1],
        "max": ordered[-1],
    }

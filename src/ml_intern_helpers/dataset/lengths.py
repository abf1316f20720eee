"""Measures how long the rows are that a method would train on, in characters and, with `--model`, in tokens.

The result is to be compared with a model's context length: a summary, a histogram, the share of rows that each usual `max_length`
would cut, and a recommended `max_length`.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections import Counter
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.sample import Sample
from ml_intern_helpers.dataset.trainers.rows import Row, conversational

Lengths = dict[str, Any]
#: Usual values of `max_length`; for each, the share of rows that it would cut is reported.
MAX_LENGTHS = (512, 1024, 2048, 4096, 8192, 16384, 32768)
#: The share of rows that the recommended `max_length` must leave uncut.
WHOLE_SHARE = 0.99
#: Most bars of a length histogram.
MOST_BARS = 40


def lengths(method: str, rows: list[Row]) -> dict[str, Any] | None:
    """Minimum, median, 95th percentile and maximum over rows in the form that `method` reads; None if there is no text.

    The unit is characters, without those that a chat template adds, or tokens if the rows are tokenised. For a preference pair
    the prompt and the longer answer count, because `max_length` limits their sum.
    """
    measured = sizes(method, rows)
    if measured is None:
        return None
    measured_text, unit, row_sizes = measured
    figures = _figures(row_sizes)
    return {"of": measured_text, "unit": unit, **{name: figures[name] for name in ("rows", "min", "median", "p95", "max")}}


def sizes(method: str, rows: list[Row]) -> tuple[str, str, list[int]] | None:
    """What is measured, its unit, and the size of every row; None if there is no text."""
    if method == "sft" and "input_ids" in rows[0]:
        return "input_ids", "tokens", [len(row["input_ids"]) for row in rows]
    columns = _columns(method, rows[0])
    if not columns:
        return None
    if "chosen" in columns:
        what = "prompt and the longer answer" if "prompt" in columns else "the longer answer"
        longer_answers = [max(size(row["chosen"]), size(row["rejected"])) for row in rows]
        return (
            what,
            "characters",
            [size(row.get("prompt")) + longer_answer for row, longer_answer in zip(rows, longer_answers, strict=True)],
        )
    return " and ".join(columns), "characters", [sum(size(row[name]) for name in columns) for row in rows]


def _columns(method: str, row: Row) -> list[str]:
    """The columns that the trainer combines into a sequence."""
    if method == "grpo":
        return ["prompt"]
    if method != "sft" and "chosen" in row:
        return [name for name in ("prompt", "chosen", "rejected") if name in row]
    if "prompt" in row:
        return ["prompt", "completion"]
    return list(filter(row.__contains__, ("messages", "conversations", "text")))[:1]


def size(value: Any) -> int:
    """Number of characters in a text, in all turns of a conversation, or in all blocks of a content."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple)):
        return sum(map(size, value))
    if not isinstance(value, dict):
        return 0
    words = value.get("content", value.get("value", value.get("text")))
    calls = value.get("tool_calls")
    return size(words) + (len(json.dumps(calls, default=str)) if calls else 0)


def _figures(sizes: list[int]) -> dict[str, int]:
    ordered = sorted(sizes)
    return {
        "rows": len(ordered),
        "min": ordered[0],
        "median": round(statistics.median(ordered)),
        "p95": ordered[math.ceil(0.95 * len(ordered)) - 1],
        "p99": ordered[math.ceil(0.99 * len(ordered)) - 1],
        "max": ordered[-1],
    }


def measure(sizes: list[int], of: str, *, tokens: bool) -> Lengths:
    """The `lengths.characters` or `lengths.tokens` object of the report.

    Args:
        sizes: length of each row; at least one.
        of: the part of a row that is measured.
        tokens: whether the unit is tokens; only then shares of cut rows are computed, since `max_length` counts tokens.
    """
    cut_shares = (
        {str(max_length): round(sum(size > max_length for size in sizes) / len(sizes), 4) for max_length in MAX_LENGTHS}
        if tokens
        else {}
    )
    return {
        "of": of,
        **_figures(sizes),
        "histogram": histogram(sizes),
        "cut": cut_shares,
        "recommended_max_length": recommended_length(sizes) if tokens else None,
    }


def histogram(sizes: list[int]) -> list[list[int]]:
    """[upper bound, rows] of up to `MOST_BARS` bars of equal width, including empty ones."""
    width, step = 1, 0  # 1, 2, 5, 10, 20, 50 …
    while width * MOST_BARS < max(sizes):
        step += 1
        width = (1, 2, 5)[step % 3] * 10 ** (step // 3)
    counts = Counter(max(math.ceil(size / width), 1) for size in sizes)
    return [[bar * width, counts[bar]] for bar in range(min(counts), max(counts) + 1)]


def recommended_length(sizes: list[int]) -> int | None:
    """The smallest usual `max_length` that leaves `WHOLE_SHARE` of the rows uncut; None if none does."""
    return next((most for most in MAX_LENGTHS if sum(size <= most for size in sizes) >= WHOLE_SHARE * len(sizes)), None)


def measure_rows(
    method: str | None, rows: list[Row], roles: ColumnRoles, sample: Sample, args: argparse.Namespace, context: Context
) -> tuple[Lengths, list[int] | None]:
    """The `lengths` field of the report, and the tokens of each row (None without `--model`).

    Args:
        method: the method to measure for, or None.
        rows: the rows as `method` reads them; empty if it cannot.

    Raises:
        ToolError: the model cannot be read, or its chat template rejects the rows.
    """
    if not method or not rows:
        if args.model or args.max_length:
            context.warn("tokens were not counted: no method can read the rows as they are or mapped")
        return {"characters": _any_text(roles, sample), "tokens": None}, None
    if sample.shortened:
        context.warn("lengths are too low: they count texts that the dataset viewer has shortened")
    measured = sizes(method, rows)
    if measured and measured[1] == "tokens":
        figures = {**measure(measured[2], measured[0], tokens=True), "model": None, "revision": None, "template": False}
        return {"characters": None, "tokens": figures}, measured[2]
    characters = measure(measured[2], measured[0], tokens=False) if measured else None
    if not args.model:
        if args.max_length:
            context.warn("--max-length counts tokens: give --model to have them counted")
        return {"characters": characters, "tokens": None}, None

    from ml_intern_helpers.dataset.token_counts import count, load

    context.progress(f"counting tokens with {clean(args.model, limit=120)}")
    model = load(args.model, offline=context.offline)
    token_counts = count(model, method, rows)
    figures = {
        **measure(token_counts, measured[0] if measured else "rows", tokens=True),
        "model": clean(model.name, limit=200),
        "revision": model.revision,
        "template": conversational(rows[0])[0] or "conversations" in rows[0],
    }
    if sample.shortened:
        figures["recommended_max_length"] = None
    return {"characters": characters, "tokens": figures}, token_counts


def _any_text(roles: ColumnRoles, sample: Sample) -> Lengths | None:
    """The lengths in characters of all columns with a role, for rows that no method can read."""
    used = list(roles.by_role.values())
    if not sample.rows or not used:
        return None
    return measure([sum(size(row.get(name)) for name in used) for row in sample.rows], ", ".join(used[:6]), tokens=False)

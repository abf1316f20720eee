"""How long the rows are: figures, a histogram, the share that each usual `max_length` would cut, and which one to take."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from typing import Any

#: `max_length` as people set it: the share of rows that each would cut is reported.
MAX_LENGTHS = (512, 1024, 2048, 4096, 8192, 16384, 32768)
#: A recommended `max_length` leaves this share of the rows whole.
WHOLE_SHARE = 0.99
#: Bars of a length histogram, at most.
MOST_BARS = 40
Lengths = dict[str, Any]


def measure(sizes: list[int], of: str, *, tokens: bool) -> Lengths:
    """The `lengths.characters` or `lengths.tokens` object of the report.

    Args:
        sizes: length of each row; at least one.
        of: what of a row is measured.
        tokens: the unit is tokens. `max_length` counts tokens: of characters nothing is said to be cut.
    """
    ordered = sorted(sizes)
    return {
        "of": of,
        "rows": len(ordered),
        "min": ordered[0],
        "median": round(statistics.median(ordered)),
        "p95": ordered[math.ceil(0.95 * len(ordered)) - 1],
        "p99": ordered[math.ceil(0.99 * len(ordered)) - 1],
        "max": ordered[-1],
        "histogram": histogram(ordered),
        "cut": {str(most): round(sum(size > most for size in ordered) / len(ordered), 4) for most in MAX_LENGTHS}
        if tokens
        else {},
        "recommended_max_length": recommended(ordered) if tokens else None,
    }


def histogram(sizes: list[int]) -> list[list[int]]:
    """[upper bound, rows] of up to `MOST_BARS` bars of one width, empty ones included."""
    width = bar_width(max(sizes))
    counts = Counter(max(math.ceil(size / width), 1) for size in sizes)
    return [[bar * width, counts[bar]] for bar in range(min(counts), max(counts) + 1)]


def bar_width(most: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50 … that needs no more than `MOST_BARS` bars up to `most`."""
    width, step = 1, 0
    while width * MOST_BARS < most:
        step += 1
        width = (1, 2, 5)[step % 3] * 10 ** (step // 3)
    return width


def recommended(sizes: list[int]) -> int | None:
    """The least usual `max_length` that leaves `WHOLE_SHARE` of the rows whole; None when none does."""
    return next((most for most in MAX_LENGTHS if sum(size <= most for size in sizes) >= WHOLE_SHARE * len(sizes)), None)

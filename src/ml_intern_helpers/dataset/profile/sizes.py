"""Lengths in bins that are the same for every dataset, so that two histograms can be laid over each other."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from typing import Any

#: Upper bounds, each 1.41 times the one before; the last holds all that is longer still. 40 of them reach 1.4 million.
BOUNDS = tuple(round(2 ** (power / 2)) for power in range(2, 42))

#: Bars of the histogram to look at.
BARS = 32


def summary(sizes: list[int], of: str) -> dict[str, Any] | None:
    """`{of, rows, min, median, p95, p99, max, histogram}`; the histogram is `[[upper bound, rows], …]` without its empty ends."""
    if not sizes:
        return None
    ordered = sorted(sizes)
    return {
        "of": of,
        "rows": len(ordered),
        "min": ordered[0],
        "median": round(statistics.median(ordered)),
        "p95": _percentile(ordered, 0.95),
        "p99": _percentile(ordered, 0.99),
        "max": ordered[-1],
        "histogram": _binned(ordered, BOUNDS),
    }


def fine(sizes: list[int]) -> list[list[int]]:
    """The histogram to look at: up to `BARS` bars between the shortest and the longest, each wider than the one before."""
    least, most = max(min(sizes), 1), max(max(sizes), 2)
    steps = [least * (most / least) ** (bar / BARS) for bar in range(1, BARS)]
    return _binned(sorted(sizes), tuple(sorted({max(round(step), least) for step in steps} | {most})))


def _binned(ordered: list[int], bounds: tuple[int, ...]) -> list[list[int]]:
    """`[[upper bound, rows], …]` from the first bin that holds something to the last; beyond the last bound is in the last."""
    counts = [0] * len(bounds)
    for size in ordered:
        counts[min(bisect_left(bounds, size), len(bounds) - 1)] += 1
    held = [place for place, count in enumerate(counts) if count]
    return [[bounds[place], counts[place]] for place in range(held[0], held[-1] + 1)]


def _percentile(ordered: list[int], share: float) -> int:
    return ordered[math.ceil(share * len(ordered)) - 1]


def gap(here: list[list[int]], there: list[list[int]]) -> float:
    """The largest difference between the shares of rows up to a length (Kolmogorov's and Smirnov's, on the bins), 0 to 1."""
    sums = [dict(_cumulated(side)) for side in (here, there)]
    worst, now = 0.0, [0.0, 0.0]
    for bound in sorted({*sums[0], *sums[1]}):
        now = [side.get(bound, before) for side, before in zip(sums, now, strict=True)]
        worst = max(worst, abs(now[0] - now[1]))
    return round(worst, 3)


def _cumulated(histogram: list[list[int]]) -> list[tuple[int, float]]:
    total, so_far, found = sum(count for _, count in histogram) or 1, 0, []
    for bound, count in histogram:
        so_far += count
        found.append((bound, so_far / total))
    return found

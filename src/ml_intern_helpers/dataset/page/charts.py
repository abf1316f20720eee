"""Computes the charts of the page as the numbers that the template draws: positions in percent of the width, heights in pixels.

Widths are in percent and text is in pixels, so that a chart gets narrower on a phone while its text keeps its size.
"""

from __future__ import annotations

import math
from typing import Any

from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES

HEIGHT, TOP = 190, 44
#: How many labels fit below the bars on a screen of 320 pixels.
MOST_TICKS = 5


def histogram(title: str, summary: dict[str, Any]) -> dict[str, Any] | None:
    """Bars, marks for median and 95th percentile, labels and one sentence, from a summary of lengths with `histogram`."""
    counts = summary.get("histogram")
    if not counts:
        return None
    most, step = max(count for _, count in counts) or 1, 100 / len(counts)
    bars = [
        _bar(place * step, step, lower, bound, count, most)
        for place, (lower, (bound, count)) in enumerate(zip(_lowers(counts), counts, strict=True))
    ]
    return {
        "title": title,
        "of": summary.get("of"),
        "bars": bars,
        "height": HEIGHT,
        "base": HEIGHT + TOP,
        "marks": [_mark(name, summary[name], counts, line) for line, name in enumerate(("median", "p95")) if name in summary],
        "ticks": _ticks(counts),
        "figures": [(name, summary[name]) for name in ("min", "median", "p95", "p99", "max") if name in summary],
        "summary": f"{summary['rows']:,} rows; median {summary['median']:,}, 95th percentile {summary['p95']:,}, "
        f"longest {summary['max']:,} {title}.",
    }


def _lowers(counts: list[list[int]]) -> list[int]:
    return [0, *(bound + 1 for bound, _ in counts[:-1])]


def _bar(x: float, step: float, lower: int, bound: int, count: int, most: int) -> dict[str, Any]:
    height = round(HEIGHT * count / most, 1)
    height = max(height, 2.0) if count else 0.0  # a bar stays visible, however few its rows
    gap = min(step * 0.12, 0.5)
    label = f"{lower:,} to {bound:,}: {count:,} row{'' if count == 1 else 's'}"
    return {
        "x": round(x + gap / 2, 3),
        "width": round(step - gap, 3),
        "y": round(TOP + HEIGHT - height, 1),
        "height": height,
        "label": label,
        "rows": count,
        "range": f"{lower:,} – {bound:,}",
    }


def _mark(name: str, value: int, counts: list[list[int]], line: int) -> dict[str, Any]:
    """A mark at `value`; its label is on the side with more room, and each label has its own line."""
    x = _place(value, counts)
    right = x > 55
    return {
        "x": x,
        "label": f"{'95 % below' if name == 'p95' else name} {value:,}",
        "anchor": "end" if right else "start",
        "dx": -6 if right else 6,
        "y": 14 + 17 * line,
        "top": 4 + 17 * line,
    }


def _place(value: int, counts: list[list[int]]) -> float:
    """The position of a length among the bars in percent; within a bar the scale is logarithmic, as the bounds are."""
    step, lower = 100 / len(counts), _lowers(counts)
    for place, (bound, _) in enumerate(counts):
        if value <= bound:
            low = max(lower[place], 1)
            share = math.log(max(value, low) / low) / math.log(bound / low) if bound > low else 0.5
            return round(step * (place + share), 2)
    return 100.0


def _ticks(counts: list[list[int]]) -> list[dict[str, Any]]:
    """Labels with the upper bounds of a few bars, including the last one."""
    every = math.ceil(len(counts) / MOST_TICKS)
    places = list(range(len(counts) - 1, -1, -every))[::-1]
    last = len(counts) - 1
    return [
        {
            "x": round(100 * (place + 1) / len(counts), 2),
            "label": short(counts[place][0]),
            "anchor": "end" if place == last else "middle",
        }
        for place in places
    ]


def short(number: int) -> str:
    """`23170` -> `23k`."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= 10 * size:
            return f"{number / size:.0f}{letter}"
        if number >= size:
            return f"{number / size:.1f}{letter}".replace(".0", "")
    return str(number)


def shares(counts: dict[str, int]) -> list[dict[str, Any]]:
    """Horizontal bars: name, rows, share of all rows, and width relative to the widest bar."""
    total, most = sum(counts.values()) or 1, max(counts.values(), default=0) or 1
    return [
        {"name": name, "rows": rows, "share": rows / total, "width": round(100 * rows / most, 2), "strings": []}
        for name, rows in counts.items()
    ]


MOST_PATTERNS = 8
KNOWN = ("system", "user", "assistant", "tool")


def patterns(counted: list[list[Any]], parts: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The most frequent patterns as bars, with a string of beads (one per turn) for each of their parts."""
    parts_of = {str(name): pattern_parts for (name, _), pattern_parts in zip(counted, parts, strict=False)}
    bars = shares({str(name): rows for name, rows in counted})[:MOST_PATTERNS]
    for bar in bars:
        for part in parts_of.get(bar["name"], []):
            beads = [{"letter": name[:1].upper(), "tone": tone(name), "name": name} for name in part["speakers"]]
            beads += [{"letter": "…", "tone": "other", "name": f"{part['more']} more"}] if "more" in part else []
            bar["strings"].append({"beads": beads, "times": part.get("times", 1)})
    return bars


def tone(role: str) -> str:
    """The CSS class of a speaker."""
    name = SPEAKER_NAMES.get(role.lower(), role.lower())
    name = "system" if name == "developer" else name
    return name if name in KNOWN else "other"

"""Makes the profile of a sample: numbers and cleaned names, never a row's text.

It takes at most about 15 kB, 23 kB with the longer sketch of a full scan. Orders of speakers and lengths have a form in which two
datasets can be compared.
"""

from __future__ import annotations

import math
import re
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.languages import language
from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import Column
from ml_intern_helpers.dataset.profile.sketch import K_OF_ALL, Sketch, normalised, row_hash, sketch, spoken, spoken_columns
from ml_intern_helpers.dataset.sample import Sample

MOST_COLUMNS = 60
#: A column with more different values than this is not treated as a column of classes.
MOST_LABELS = 20
_LABEL_NAMES = ("label", "labels", "class", "category")
#: The language of a row whose language cannot be determined: code, formulas, a few words.
UNCLEAR = "not clear"
#: Orders of speakers in the profile; the rest is counted together as `OTHER`.
MOST_PATTERNS = 20
_ROLE_KEYS = ("role", "from", "speaker")
_NO_ROLE = re.compile(r"[^\w.-]+")
#: Cannot be mistaken for a pattern: no speaker's name contains a space.
OTHER = "(other patterns)"
#: Upper bounds of the bins, each 1.41 times the one before; the last bin holds everything longer, too. 40 reach 1.4 million.
BOUNDS = tuple(round(2 ** (power / 2)) for power in range(2, 42))

#: Bars of the histogram that the page draws.
BARS = 32


def sketch_of_sample(sample: Sample, columns: list[Column], roles: ColumnRoles) -> Sketch:
    names = spoken_columns(roles, [column.name for column in columns])
    return sketch(row_hash(normalised(spoken(row, names))) for row in sample.rows)


def spoken_sizes(sample: Sample, columns: list[Column], roles: ColumnRoles) -> list[int]:
    """The number of characters in each row's texts."""
    names = spoken_columns(roles, [column.name for column in columns])
    return [len(spoken(row, names)) for row in sample.rows]


def profile(sample: Sample, columns: list[Column], roles: ColumnRoles, of_all: Sketch | None = None) -> dict[str, Any] | None:
    """The profile of `sample`'s rows; None when there are none.

    Its field `of` says what it describes: `all rows` of the split, or the `sample`. The sketch is `of_all`, that of a full scan,
    if given; `sketch_of` says which rows it covers.
    """
    if not sample.rows:
        return None
    names = spoken_columns(roles, [column.name for column in columns])
    texts = [spoken(row, names) for row in sample.rows]
    hashes = [row_hash(normalised(text)) for text in texts]
    of = "all rows" if sample.extent.complete else "sample"
    # Take the whole conversation of each row; of a preference pair, the one with the preferred answer.
    chats = [role for role in ("messages", "prompt", "completion", "chosen") if roles.kind(role) in ("messages", "sharegpt")]
    chat_roles = chats[:1] if chats[:1] == ["messages"] else chats
    cells = [[row.get(roles.by_role[role]) for role in chat_roles] for row in sample.rows]
    role_patterns, role_pattern_parts = patterns(
        [[turn for cell in row if isinstance(cell, list) for turn in cell] for row in cells]
    )
    return {
        "rows": len(sample.rows),
        "of": of,
        "columns": {
            clean(item.name, limit=80): {
                "type": clean(item.type, limit=160),
                "kind": item.main,
                "nulls_share": round(item.nulls / len(sample.rows), 4),
            }
            for item in columns[:MOST_COLUMNS]
        },
        "columns_total": len(columns),
        "role_patterns": role_patterns,
        "role_pattern_parts": role_pattern_parts,
        "characters": summary([len(text) for text in texts], ", ".join(clean(name, limit=40) for name in names[:6])),
        "labels": _classes(sample.rows, _named(columns, _label_columns(roles))),
        "languages": _ranked(Counter(language(text) or UNCLEAR for text in texts)),
        "duplicates_share": round(1 - len(set(hashes)) / len(hashes), 4),
        "sketch": of_all.to_json(K_OF_ALL) if of_all else sketch(hashes).to_json(),
        "sketch_of": "all rows" if of_all else of,
    }


def _label_columns(roles: ColumnRoles) -> tuple[str, ...]:
    known = roles.get("label")
    return (known.lower(),) if known else _LABEL_NAMES


def _named(columns: list[Column], names: Iterable[str]) -> str | None:
    """The first column with one of these names, ignoring case."""
    by_name = {column.name.lower(): column.name for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def _classes(rows: list[dict[str, Any]], column: str | None) -> dict[str, int] | None:
    """Rows by value, the most frequent first; None when the values are not classes."""
    if column is None:
        return None
    cells = [row.get(column) for row in rows]
    if not all(cell is None or isinstance(cell, (bool, int, str)) for cell in cells):
        return None
    counted = Counter(clean("null" if cell is None else cell, limit=40) for cell in cells)
    if len(counted) > MOST_LABELS:
        return None
    return _ranked(counted)


def _ranked(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def pattern(cell: object) -> list[dict[str, Any]] | None:
    """The parts of one conversation's pattern, see `pattern_parts`; None for anything else."""
    if not isinstance(cell, list) or not cell or not all(isinstance(turn, dict) for turn in cell):
        return None
    speakers = []
    for turn in cell:
        name = next((turn[key] for key in _ROLE_KEYS if key in turn), None)
        if name is None:
            return None
        speakers.append(_NO_ROLE.sub("_", clean(name, limit=24)) or "_")
    return pattern_parts(speakers)


def patterns(cells: list[object]) -> tuple[list[list[Any]], list[list[dict[str, Any]]]]:
    """`[pattern, rows]`, the most frequent first, and the parts of each; the remaining ones are counted together as `OTHER`."""
    parts = {pattern_text(found): found for found in map(pattern, cells) if found}
    counted = Counter(pattern_text(found) for found in map(pattern, cells) if found)
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    rest: list[list[Any]] = []
    if len(ranked) > MOST_PATTERNS:
        rest = [[OTHER, sum(rows for _, rows in ranked[MOST_PATTERNS - 1 :])]]
        ranked = ranked[: MOST_PATTERNS - 1]
    return [[name, rows] for name, rows in ranked] + rest, [parts[name] for name, _ in ranked] + [[] for _ in rest]


def pattern_parts(speakers: list[str]) -> list[dict[str, Any]]:
    """The order of speakers in parts: a repeated pair of turns is one part with `times`; the turns around it are parts that hold
    their first twelve speakers, with `more` for how many follow."""
    for start in range(min(len(speakers) - 3, 2)):  # after a system turn, if there is one
        pair, times = speakers[start : start + 2], 1
        while speakers[start + 2 * times : start + 2 * times + 2] == pair:
            times += 1
        if times > 1:
            before, after = _single_turns(speakers[:start]), _single_turns(speakers[start + 2 * times :])
            return [*before, {"speakers": pair, "times": times}, *after]
    return _single_turns(speakers)


def _single_turns(speakers: list[str]) -> list[dict[str, Any]]:
    more = {"more": len(speakers) - 12} if len(speakers) > 12 else {}
    return [{"speakers": speakers[:12], **more}] if speakers else []


def pattern_text(parts: list[dict[str, Any]]) -> str:
    """A pattern for people: `system (user assistant)×3 user`."""
    texts = []
    for part in parts:
        speakers = " ".join(part["speakers"])
        texts.append(f"({speakers})×{part['times']}" if "times" in part else speakers)
        texts += [f"…{part['more']}_more"] if "more" in part else []
    return " ".join(texts)


def summary(sizes: list[int], of: str) -> dict[str, Any] | None:
    """`{of, rows, min, median, p95, p99, max, histogram}`; the histogram is `[[upper bound, rows], …]` without empty ends."""
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
    """A finer histogram for the page: up to `BARS` bars between the shortest and the longest, each wider than the one before."""
    least, most = max(min(sizes), 1), max(max(sizes), 2)
    steps = [least * (most / least) ** (bar / BARS) for bar in range(1, BARS)]
    return _binned(sorted(sizes), tuple(sorted({max(round(step), least) for step in steps} | {most})))


def _binned(ordered: list[int], bounds: tuple[int, ...]) -> list[list[int]]:
    """`[[upper bound, rows], …]` from the first filled bin to the last; sizes beyond the last bound are in the last bin."""
    counts = [0] * len(bounds)
    for size in ordered:
        counts[min(bisect_left(bounds, size), len(bounds) - 1)] += 1
    filled = [place for place, count in enumerate(counts) if count]
    return [[bounds[place], counts[place]] for place in range(filled[0], filled[-1] + 1)]


def _percentile(ordered: list[int], share: float) -> int:
    return ordered[math.ceil(share * len(ordered)) - 1]


def gap(here: list[list[int]], there: list[list[int]]) -> float:
    """The largest difference between the cumulative shares of rows by length (Kolmogorov–Smirnov, on the bins), 0 to 1."""
    cumulated = [dict(_cumulated(side)) for side in (here, there)]
    largest, current = 0.0, [0.0, 0.0]
    for bound in sorted({*cumulated[0], *cumulated[1]}):
        current = [side.get(bound, before) for side, before in zip(cumulated, current, strict=True)]
        largest = max(largest, abs(current[0] - current[1]))
    return round(largest, 3)


def _cumulated(histogram: list[list[int]]) -> list[tuple[int, float]]:
    total, so_far, shares = sum(count for _, count in histogram) or 1, 0, []
    for bound, count in histogram:
        so_far += count
        shares.append((bound, so_far / total))
    return shares

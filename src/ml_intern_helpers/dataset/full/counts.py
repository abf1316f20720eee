"""Counts over the table of facts: rows by problem, copies, shared rows, columns, orders of speakers, labels, lengths."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.set307_duplicates import SQL_COPIES
from ml_intern_helpers.dataset.checks.sql import Flag, any_of, speakers_in_words
from ml_intern_helpers.dataset.full.engine import Engine
from ml_intern_helpers.dataset.full.row_table import Plan
from ml_intern_helpers.dataset.lengths import MAX_LENGTHS, MOST_BARS

MOST_NUMBERS, MOST_PATTERNS, MOST_LABELS = 10, 20, 50
Counts = dict[str, Any]


def flagged(engine: Engine, conditions: list[tuple[str, str | None]], rows: int) -> list[Counts]:
    """For each condition (SQL over `facts`, and SQL of its example): rows, share, first row numbers, one example."""
    if not conditions:
        return []
    expressions = []
    for condition, example in conditions:
        expressions += [f"count(*) FILTER ({condition})", f"min(rn, {MOST_NUMBERS}) FILTER ({condition})"]
        expressions.append(f"arg_min({example}, rn) FILTER ({condition})" if example else "NULL")
    values = engine.rows(f"SELECT {', '.join(expressions)} FROM facts")[0]
    return [counts(values[at], values[at + 1] or [], rows, values[at + 2]) for at in range(0, len(values), 3)]


def counts(found: int, numbers: Iterable[int], rows: int, example: object = None) -> Counts:
    """One entry of `counts`."""
    shown = None if example is None else clean(example, limit=120)
    return {"rows": found, "share": found / rows if rows else 0.0, "row_numbers": list(numbers), "example": shown}


def copies(engine: Engine, rows: int) -> tuple[Counts, tuple[int, int] | None]:
    """Rows whose key an earlier row has, and the first of them with the row it repeats."""
    engine.run(f"CREATE TEMP TABLE copies AS {SQL_COPIES}")
    later = "FROM facts JOIN copies USING (key) WHERE rn > first"
    found, numbers = engine.rows(f"SELECT count(*), min(rn, {MOST_NUMBERS}) {later}")[0]
    pair = engine.rows(f"SELECT rn, first {later} ORDER BY rn LIMIT 1")
    example = f"row {pair[0][0]} is row {pair[0][1]}" if pair else None
    return counts(found, numbers or [], rows, example), (pair[0][0], pair[0][1]) if pair else None


def together(engine: Engine, flags: list[Flag], found: Iterable[str]) -> list[tuple[frozenset[str], int]]:
    """Which of the problems `found` rows have at once, and how many rows have just these; a row with none is in no entry.

    One pass over `facts`. Each problem is a bit; with some ten of them there are a few dozen sets.
    """
    named = list(found)
    if not named:
        return []
    bits = " + ".join(f"CASE WHEN {by_code(flags, code)[0]} THEN {1 << at} ELSE 0 END" for at, code in enumerate(named))
    held = engine.rows(f"SELECT {bits} AS held, count(*) FROM facts GROUP BY 1 HAVING held > 0")
    return [(frozenset(code for at, code in enumerate(named) if bits >> at & 1), rows) for bits, rows in held]


def shared(engine: Engine, other: str, rows: int) -> tuple[Counts, Counts]:
    """Rows of `facts` that the table `other` of another split has: whole, and by their question alone."""
    whole = f"coalesce(key IN (SELECT key FROM {other} WHERE key IS NOT NULL), false)"
    asked = f"asked IN (SELECT asked FROM {other} WHERE asked IS NOT NULL) AND NOT ({whole})"
    same, alike = (
        engine.rows(f"SELECT count(*), min(rn, {MOST_NUMBERS}) FROM facts WHERE {condition}")[0] for condition in (whole, asked)
    )
    return counts(same[0], same[1] or [], rows), counts(alike[0], alike[1] or [], rows)


def columns(engine: Engine, plan: Plan, rows: int) -> dict[str, Counts]:
    """Nulls (exact), different values (about) and whether there is one only, of each column that was read."""
    expressions = [f"count(c{at}), approx_count_distinct(c{at}), min(c{at}) = max(c{at})" for at in range(len(plan.read.types))]
    values = engine.rows(f"SELECT {', '.join(expressions)} FROM facts")[0] if expressions else ()
    found = {}
    for at, column in enumerate(plan.read.types):
        held, different, constant = values[3 * at : 3 * at + 3]
        found[clean(column, limit=200)] = {
            "nulls": rows - held,
            "distinct": 1 if constant else min(different, held),
            "constant": bool(constant) and held == rows,
        }
    return found


def role_patterns(engine: Engine, plan: Plan) -> list[tuple[list[str], int]]:
    """The most frequent orders of speakers, with their rows."""
    if plan.chat is None:
        return []
    query = (
        f"SELECT pattern, count(*) AS n FROM facts WHERE pattern IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT {MOST_PATTERNS}"
    )
    return [(speakers_in_words(pattern), found) for pattern, found in engine.rows(query)]


def label_counts(engine: Engine, plan: Plan) -> dict[str, int] | None:
    """Rows by label, the most frequent ones; None without a label."""
    if plan.label is None:
        return None
    query = f"SELECT label, count(*) AS n FROM facts WHERE label IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT {MOST_LABELS}"
    return {clean(label, limit=60): found for label, found in engine.rows(query)}


def lengths(engine: Engine, of: str) -> Counts | None:
    """Characters of the rows' texts: quantiles, all exact, and a histogram; None when there is no text."""
    sizes = [(int(size), found) for size, found in engine.rows("SELECT size, count(*) FROM facts GROUP BY 1 ORDER BY 1")]
    total = sum(found for _, found in sizes)
    if not sizes or sizes[-1][0] == 0:
        return None
    found: Counts = {"of": of, "rows": total, "min": sizes[0][0], "max": sizes[-1][0]}
    found |= {name: _at(sizes, math.ceil(share * total)) for name, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))}
    cut = {str(bound): sum(found for size, found in sizes if size > bound) / total for bound in MAX_LENGTHS}
    return found | {"histogram": _bars(sizes), "cut": cut}


def _at(sizes: list[tuple[int, int]], place: int) -> int:
    """The size of the row at `place`, 1-based, in order of size."""
    for size, found in sizes:
        place -= found
        if place <= 0:
            return size
    return sizes[-1][0]


def _bars(sizes: list[tuple[int, int]]) -> list[list[int]]:
    """`[upper bound, rows]` of at most `MOST_BARS` bars that are equally wide on the scale of logarithms."""
    low, high = max(sizes[0][0], 1), max(sizes[-1][0], 2)
    bounds = sorted({math.ceil(low * (high / low) ** (step / MOST_BARS)) for step in range(1, MOST_BARS)} | {high})
    bars = [[bound, 0] for bound in bounds]
    at = 0
    for size, found in sizes:
        while size > bars[at][0]:
            at += 1
        bars[at][1] += found
    return bars


def by_code(flags: list[Flag], code: str) -> tuple[str, str | None]:
    """The condition that any of the flags of `code` is up, and its example."""
    at = [number for number, flag in enumerate(flags) if flag.code == code]
    examples = [f"e{number}" for number in at if flags[number].example]
    return any_of(f"f{number}" for number in at), f"coalesce({', '.join(examples)}, NULL)" if examples else None

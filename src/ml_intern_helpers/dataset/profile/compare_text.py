"""A comparison as lines of text: the verdict first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.dataset.profile.compare import shared_rows

MOST_NAMES = 8


def told(found: dict[str, Any]) -> Iterator[str]:
    """The lines; names were cleaned when the profiles were made."""
    here, there = found["here"], found["there"]
    yield found["verdict"]
    yield f"  this: {_side(here)}"
    yield f"  other: {_side(there)}"
    yield from _columns(found["columns"])
    yield from _lengths(found["lengths"])
    for key in ("roles", "labels", "languages"):
        yield from _classes(key, found[key])
    yield f"  rows: {shared_rows(found['overlap'])}"
    if found["overlap"] and found["overlap"]["note"]:
        yield f"  note: {found['overlap']['note']}"


def _side(side: dict[str, Any]) -> str:
    return f"{side['name']} ({side['rows']:,} rows, {side['of']}; {side['came_from']})"


def _columns(columns: dict[str, Any]) -> Iterator[str]:
    for key, words in (("only_here", "only in this one"), ("only_there", "only in the other")):
        if columns[key]:
            yield f"  columns {words}: {listed(columns[key])}"
    for change in columns["other_type"][:MOST_NAMES]:
        yield f"  column {change['name']!r}: {change['here']} here, {change['there']} there"
    for change in columns["other_nulls"][:MOST_NAMES]:
        yield f"  column {change['name']!r}: {change['here']:.1%} nulls here, {change['there']:.1%} there"


def _lengths(lengths: dict[str, Any] | None) -> Iterator[str]:
    if lengths:
        figures = [f"{name} {lengths[name]['here']:,} here, {lengths[name]['there']:,} there" for name in ("median", "p95")]
        yield f"  length in {lengths['unit']}: {'; '.join(figures)}; distance {lengths['distance']:.2f} of 1"


def _classes(key: str, found: dict[str, Any] | None) -> Iterator[str]:
    if found:
        only = [f"only here: {listed(found['only_here'])}"] if found["only_here"] else []
        only += [f"only there: {listed(found['only_there'])}"] if found["only_there"] else []
        yield "; ".join([f"  {key}: distance {found['distance']:.2f} of 1", *only])


def listed(names: list[str]) -> str:
    """The first few names, quoted, and how many more."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(repr, names[:MOST_NAMES])) + more

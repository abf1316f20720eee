"""The profile of the rows looked at: numbers and cleaned names, never a row's text, and never more than about 12 kB; 20 kB with
the longer sketch of a full scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import Column
from ml_intern_helpers.dataset.definitions.languages import language
from ml_intern_helpers.dataset.profile.roles import patterns
from ml_intern_helpers.dataset.profile.sizes import summary
from ml_intern_helpers.dataset.profile.sketch import K_OF_ALL, Sketch, row_hash, sketch
from ml_intern_helpers.dataset.profile.words import normal, spoken, spoken_columns
from ml_intern_helpers.dataset.sample import Sample

MOST_COLUMNS = 60
#: A column with more values than this names no classes.
MOST_LABELS = 20
_LABEL_NAMES = ("label", "labels", "class", "category")
#: What is said of a row whose language cannot be told: code, formulas, a few words.
UNCLEAR = "not clear"


def sketch_of_sample(look: Sample, columns: list[Column], parts: ColumnRoles) -> Sketch:
    """The sketch of what the rows looked at say, see `words` and `sketch`."""
    names = spoken_columns(parts, [column.name for column in columns])
    return sketch(row_hash(normal(spoken(row, names))) for row in look.rows)


def spoken_sizes(look: Sample, columns: list[Column], parts: ColumnRoles) -> list[int]:
    """How many characters each row says."""
    names = spoken_columns(parts, [column.name for column in columns])
    return [len(spoken(row, names)) for row in look.rows]


def profile(look: Sample, columns: list[Column], parts: ColumnRoles, of_all: Sketch | None = None) -> dict[str, Any] | None:
    """The profile of `look`'s rows; None when there are none.

    `of` says what it stands for: `all rows` of the split, or the `sample`. The sketch is the full scan's, `of_all`, where there
    is one; `sketch_of` says which.
    """
    if not look.rows:
        return None
    names = spoken_columns(parts, [column.name for column in columns])
    texts = [spoken(row, names) for row in look.rows]
    hashes = [row_hash(normal(text)) for text in texts]
    of = "all rows" if look.extent.complete else "sample"
    return {
        "rows": len(look.rows),
        "of": of,
        "columns": {clean(item.name, limit=80): _column(item, len(look.rows)) for item in columns[:MOST_COLUMNS]},
        "columns_total": len(columns),
        "role_patterns": patterns(_conversations(look.rows, parts)),
        "characters": summary([len(text) for text in texts], ", ".join(clean(name, limit=40) for name in names[:6])),
        "labels": _classes(look.rows, _named(columns, _label_columns(parts))),
        "languages": _ranked(Counter(language(text) or UNCLEAR for text in texts)),
        "duplicates_share": round(1 - len(set(hashes)) / len(hashes), 4),
        "sketch": of_all.to_json(K_OF_ALL) if of_all else sketch(hashes).to_json(),
        "sketch_of": "all rows" if of_all else of,
    }


def _column(column: Column, rows: int) -> dict[str, Any]:
    return {"type": clean(column.type, limit=160), "kind": column.main, "nulls_share": round(column.nulls / rows, 4)}


def _conversations(rows: list[dict[str, Any]], parts: ColumnRoles) -> list[object]:
    """The whole conversation of each row; of a pair, the one with the preferred answer."""
    chats = [part for part in ("messages", "prompt", "completion", "chosen") if parts.kind(part) in ("messages", "sharegpt")]
    wanted = chats[:1] if chats[:1] == ["messages"] else chats
    cells = [[row.get(parts.by_role[part]) for part in wanted] for row in rows]
    return [[turn for cell in row if isinstance(cell, list) for turn in cell] for row in cells]


def _label_columns(parts: ColumnRoles) -> tuple[str, ...]:
    known = parts.get("label")
    return (known.lower(),) if known else _LABEL_NAMES


def _named(columns: list[Column], names: Iterable[str]) -> str | None:
    """The first column of these names, in whatever case."""
    by_name = {column.name.lower(): column.name for column in reversed(columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def _classes(rows: list[dict[str, Any]], column: str | None) -> dict[str, int] | None:
    """Rows of each value, the most frequent first; None where the values are no classes."""
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

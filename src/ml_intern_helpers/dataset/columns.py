"""Describes the columns of a sample: the kind of each cell (how a trainer would read it) and the type of the column.

The kind depends only on the cell's value, not on the column's name.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ml_intern_helpers.core.text import clean

#: Pairs of keys that hold the speaker and the content of a turn.
TURN_KEYS = (
    ("role", "content"),
    ("from", "value"),
    ("role", "value"),
    ("from", "content"),
    ("speaker", "text"),
    ("role", "text"),
)
#: Sets of kinds that may occur together in a column that is not mixed.
_COMPATIBLE = ({"int", "float"}, {"messages", "empty list"}, {"sharegpt", "empty list"}, {"list of string", "empty list"})


def shown_name(name: object) -> str:
    """A column's name in quotes, as messages show it."""
    return repr(clean(name, limit=60))


def kind(value: object) -> str:
    """The kind of one cell: `null`, `string`, `bool`, `int`, `messages`, `sharegpt`, `turn`, `list of string` …"""
    if value is None:
        return "null"
    for types, name in _SCALARS:
        if isinstance(value, types):
            return name
    if isinstance(value, (list, tuple)):
        if not value:
            return "empty list"
        if all(isinstance(item, str) for item in value):
            return "list of string"
        if all(isinstance(item, int) and not isinstance(item, bool) for item in value):
            return "list of int"
        if all(isinstance(item, dict) for item in value):
            keys = turn_keys(value)
            return "list of dict" if keys is None else ("messages" if keys == ("role", "content") else "sharegpt")
        return "list"
    if isinstance(value, dict):
        return "turn" if turn_keys([value]) else "dict"
    return type(value).__name__


_SCALARS: tuple[tuple[type, str], ...] = ((bool, "bool"), (int, "int"), (float, "float"), (str, "string"), (bytes, "bytes"))


def turn_keys(turns: Iterable[object]) -> tuple[str, str] | None:
    """The keys for speaker and content that all of `turns` have, or None if these are not turns.

    As in TRL, a turn that only calls a tool needs no content.
    """
    dicts = [turn for turn in turns if isinstance(turn, dict)]
    for who, what in TURN_KEYS:
        if dicts and all(who in turn and (what in turn or "tool_calls" in turn) for turn in dicts):
            return who, what
    return None


def unpacked(value: object) -> object:
    """The turns in a string of JSON; any other value unchanged."""
    if not isinstance(value, str) or value.lstrip()[:1] != "[":
        return value
    try:
        turns = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return turns if isinstance(turns, list) and turns and turn_keys(turns) else value


@dataclass(frozen=True)
class Column:
    """One column as the sample shows it.

    Attributes:
        name: as the source spells it.
        type: declared type, or the one inferred from the sample.
        kinds: kind -> number of sampled cells, including nulls.
        inferred: whether `type` was inferred from the sample, not declared.
    """

    name: str
    type: str
    kinds: dict[str, int]
    inferred: bool

    @property
    def main(self) -> str:
        """The most frequent kind apart from nulls and empty lists; `null` or `empty list` if there are only these."""
        counts = {name: count for name, count in self.kinds.items() if name not in ("null", "empty list")}
        return max(counts, key=lambda name: counts[name]) if counts else ("empty list" if "empty list" in self.kinds else "null")

    @property
    def mixed(self) -> bool:
        """Whether the cells have several kinds that no trainer accepts in one column."""
        kinds = set(self.kinds) - {"null"}
        return len(kinds) > 1 and not any(kinds <= alike for alike in _COMPATIBLE)

    @property
    def nulls(self) -> int:
        return self.kinds.get("null", 0)


def describe(names: Iterable[str], rows: list[dict[str, object]], types: dict[str, str]) -> list[Column]:
    """The columns of `rows`, in the order of `names`, with declared or inferred types."""
    columns = []
    for name in names:
        cells = [row.get(name) for row in rows]
        kinds = dict(Counter(kind(cell) for cell in cells).most_common())
        columns.append(Column(name, types.get(name) or infer_type(cells), kinds, inferred=name not in types))
    return columns


def infer_type(values: Iterable[object], depth: int = 0) -> str:
    """The type of `values` as text, such as `list<struct<role: string, content: string>>`; several types are joined by `|`."""
    present = [value for value in values if value is not None]
    lists = [value for value in present if isinstance(value, (list, tuple))]
    dicts = [value for value in present if isinstance(value, dict)]
    names = sorted({kind(value) for value in present if not isinstance(value, (list, tuple, dict))})
    if lists:
        items = [item for value in lists for item in value]
        names.append(f"list<{infer_type(items, depth + 1) if depth < 6 else '…'}>")
    if dicts:
        names.append(_struct(dicts, depth))
    return " | ".join(names) or "null"


def _struct(dicts: list[dict[str, object]], depth: int) -> str:
    keys: dict[str, None] = {}
    for value in dicts:
        keys.update(dict.fromkeys(map(str, value)))
    if depth >= 6 or len(keys) > 40:
        return "struct<…>"
    parts = (f"{key}: {infer_type((value.get(key) for value in dicts), depth + 1)}" for key in keys)
    return f"struct<{', '.join(parts)}>"


_WRAPPERS = {"List", "LargeList", "Sequence", "Array2D", "Array3D", "Array4D", "Array5D"}


def schema_types(schema: Any) -> dict[str, str]:
    """Column -> type of an Arrow schema: from the features that `datasets` stored in it, otherwise Arrow's own."""
    try:
        known = type_texts(json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"])
    except (KeyError, ValueError, TypeError):
        known = {}
    return {field.name: known.get(field.name) or clean(field.type, limit=300) for field in schema}


def type_texts(features: Any) -> dict[str, str]:
    """Column -> type, from the mapping of the viewer's `/info` or the list of its `/first-rows`."""
    if isinstance(features, list):
        features = {item["name"]: item["type"] for item in features}
    return {str(name): type_text(value) for name, value in features.items()}


def type_text(feature: Any, depth: int = 0) -> str:
    """A feature as text: `{"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"}` -> `list<string>`."""
    if depth > 8:
        return "…"
    if isinstance(feature, list):
        return f"list<{type_text(feature[0], depth + 1) if feature else '?'}>"
    if not isinstance(feature, dict):
        return clean(feature, limit=60)
    name = feature.get("_type")
    if not isinstance(name, str):
        parts = (f"{clean(key, limit=60)}: {type_text(value, depth + 1)}" for key, value in feature.items())
        return f"struct<{', '.join(parts)}>"
    if name == "Value":
        return clean(feature.get("dtype", "?"), limit=60)
    if name == "ClassLabel":
        names = [clean(label, limit=40) for label in feature.get("names", [])]
        more = f", … {len(names)} classes" if len(names) > 8 else ""
        return f"class label ({', '.join(names[:8])}{more})"
    if name in _WRAPPERS:
        return f"list<{type_text(feature.get('feature', feature.get('dtype', '?')), depth + 1)}>"
    return clean(name, limit=40).lower()

"""What a row says, as one text in reading order, whatever its columns and roles are called.

The same conversation as `messages`, as ShareGPT turns or as prompt and completion gives the same text: a copy that somebody
has converted is still a copy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles

#: Parts in the order in which a reader meets them.
READING_ORDER = ("system", "context", "prompt", "dialogue", "messages", "text", "completion", "chosen", "rejected")
#: White space that two rows may differ in.
SPACES = " \n\t\r\v\f"


def spoken_columns(parts: ColumnRoles, columns: list[str]) -> list[str]:
    """The columns that hold a row's words; all columns when none plays a part."""
    found = [parts.by_role[part] for part in READING_ORDER if part in parts.by_role]
    if parts.has("messages"):  # a prompt beside messages repeats their first turn
        found = [name for name in found if name == parts.by_role["messages"]]
    return list(dict.fromkeys(found)) or columns


def spoken(row: Mapping[str, Any], columns: list[str]) -> str:
    """The words in `columns`, one text a line."""
    texts: list[str] = []
    for name in columns:
        _collect(row.get(name), texts)
    return "\n".join(texts)


def normal(text: str) -> str:
    """`text` in small letters and without white space: what two rows are compared by.

    Taking spaces out is ten times cheaper than folding them, here and in DuckDB, which makes the same of every row (`--full`).
    """
    text = text.lower()
    for sign in SPACES:
        text = text.replace(sign, "")
    return text


def _collect(value: Any, texts: list[str]) -> None:
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _collect(item, texts)
    elif isinstance(value, dict):
        _collect(_said(value), texts)
    elif value is not None and not isinstance(value, bytes):
        texts.append(str(value))


def _said(value: dict[Any, Any]) -> Any:
    """A turn's words and calls; of any other object, all of it."""
    words = next((value[key] for key in ("content", "value", "text") if key in value), None)
    calls = value.get("tool_calls")
    if words is None and not calls:
        return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return [words, json.dumps(calls, sort_keys=True, default=str, ensure_ascii=False)] if calls else words

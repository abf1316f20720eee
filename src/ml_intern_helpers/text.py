"""Strangers' text made safe to print: rows, abstracts, cards, titles and logs all pass through `clean`."""

from __future__ import annotations

import re
import unicodedata

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]")
# Bidirectional marks reorder what a reader sees; tag characters (U+E0000..) carry text no reader sees at all.
_HIDDEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\u061c\ufeff\U000e0000-\U000e007f]")
_SPACE = re.compile(r"\s+")


def clean(value: object, *, limit: int | None = None, keep_newlines: bool = False) -> str:
    """Return `value` as text without ANSI sequences, control characters and bidi marks.

    Args:
        value: anything; bytes are decoded as UTF-8 with replacement.
        limit: characters to keep; a longer text ends in `…[N more characters]`.
        keep_newlines: keep line breaks (for code and messages); otherwise whitespace runs become one space.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = _HIDDEN.sub("", _ANSI.sub("", text))
    if keep_newlines:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    else:
        text = _SPACE.sub(" ", text).strip()
    text = "".join(char for char in text if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs"))
    return shorten(text, limit)


def shorten(text: str, limit: int | None) -> str:
    """Cut `text` at `limit` characters and say how many are missing."""
    if limit is None or len(text) <= limit:
        return text
    return f"{text[:limit]}…[{len(text) - limit} more characters]"


def clean_tree(value: object, *, limit: int | None = None) -> object:
    """Apply `clean` to every string (keys included) of a JSON-like tree; newlines are kept."""
    if isinstance(value, str):
        return clean(value, limit=limit, keep_newlines=True)
    if isinstance(value, dict):
        return {clean(key, limit=200): clean_tree(item, limit=limit) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean_tree(item, limit=limit) for item in value]
    return value


def human_bytes(count: float) -> str:
    """`1610612736` -> `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"

"""Makes foreign text safe to print, and formats numbers: rows, abstracts, titles and logs all pass through `clean`."""

from __future__ import annotations

import re

# CSI sequences; then string sequences (OSC, DCS …), only if they are terminated, so that an open one cannot hide the rest of a
# text; then short ones. No string may contain the start of another, or a million starts would cost a million scans.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f\n]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
# Bidirectional marks change the visible order; tag characters (U+E0000..) and variation selectors can carry invisible text.
# U+FE0F (emoji style) and the joiners of Persian stay: they are needed and cannot encode text.
_HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0e\ufeff\ufff9-\ufffb\U000e0000-\U000e01ef]"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
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
        return shorten(_CONTROL.sub("", _BREAK.sub("\n", text)), limit)
    return shorten(" ".join(_CONTROL.sub("", _SPACE.sub(" ", text)).split()), limit)


def shorten(text: str, limit: int | None) -> str:
    """Cut `text` at `limit` characters and say how many are missing."""
    if limit is None or len(text) <= limit:
        return text
    return f"{text[:limit]}…[{len(text) - limit} more characters]"


def clean_tree(value: object, *, limit: int | None = None, keep_newlines: bool = False) -> object:
    """Apply `clean` to every string of a JSON-like tree; keys never keep line breaks."""
    if isinstance(value, str):
        return clean(value, limit=limit, keep_newlines=keep_newlines)
    if isinstance(value, dict):
        items = value.items()
        return {clean(key, limit=200): clean_tree(item, limit=limit, keep_newlines=keep_newlines) for key, item in items}
    if isinstance(value, (list, tuple)):
        return [clean_tree(item, limit=limit, keep_newlines=keep_newlines) for item in value]
    return value


def page_policy(style: str, script: str) -> str:
    """The Content-Security-Policy of a page that quotes foreign text: only this style and this script are allowed."""
    import base64
    import hashlib

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; base-uri 'none'; form-action 'none'"


def human_bytes(count: float) -> str:
    """`1610612736` -> `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def plural(number: int, noun: str) -> str:
    """`1 paper`, `2,000 papers`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def plain_number(value: float) -> str:
    """`1e-5`, `0.01`, `2048`: the same text for equal values."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if abs(value) < 1e-3:
        mantissa, exponent = f"{value:.6e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:.8g}"


def spoken_time(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h`, `2 days`."""
    for size, name, limit in ((1, "s", 120), (60, "min", 120), (3600, "h", 48)):
        if seconds < limit * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds / 86400:.0f} days"

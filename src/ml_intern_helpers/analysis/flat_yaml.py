"""The plain part of YAML that configuration files are written in: `name: value` lines, and lists of plain values under a name.

Not a YAML parser: where a file holds more than that, the names concerned are reported as not read.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_LINE = re.compile(r"([A-Za-z_][\w.-]*)\s*:(?:\s+(.*))?$")
_NUMBER = re.compile(r"[-+]?[0-9][0-9_]*")
#: YAML 1.1 wants a point: `1e-4` is a text, `1.0e-4` a number.
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "null": None, "~": None, "": None}


class Read(NamedTuple):
    """Values by name, with their lines, and the names that are nested or written in another way."""

    values: dict[str, Any]
    lines: dict[str, int]
    unread: list[str]


def read(text: str) -> Read:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    unread: list[str] = []
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        bare = _without_comment(line).rstrip()
        if not bare.strip() or bare in ("---", "..."):
            continue
        match = _LINE.match(bare)
        if match:
            current = match[1]
            lines[current] = number
            _assign(values, unread, current, (match[2] or "").strip())
        else:
            _continue(values, unread, current, bare)
    return Read({name: value for name, value in values.items() if name not in unread}, lines, unread)


def _assign(values: dict[str, Any], unread: list[str], name: str, text: str) -> None:
    if text[:1] in ("{", "&", "*", "!", "|", ">"):
        unread.append(name)
    elif text.startswith("["):
        inside = text[1:-1]
        simple = text.endswith("]") and not set(inside) & set("[]{}:")
        values[name] = [scalar(part.strip()) for part in inside.split(",") if part.strip()]
        unread += [] if simple else [name]
    else:
        values[name] = scalar(text)


def _continue(values: dict[str, Any], unread: list[str], name: str, line: str) -> None:
    """A line that belongs to the name before it: an item of a list, or something deeper."""
    item = line.strip()
    old = values.get(name)
    if item.startswith("- ") and (old is None or isinstance(old, list)) and not _LINE.match(item[2:]):
        values[name] = [*(old or []), scalar(item[2:].strip())]
    elif name and name not in unread:
        unread.append(name)


def _without_comment(line: str) -> str:
    match = re.match(r"""((?:[^#'"]|'[^']*'|"[^"]*"|(?<=\S)#|['"])*?)(?:(?:^|\s)#.*)?$""", line)
    return match[1] if match else line


def scalar(text: str) -> Any:
    """A plain YAML value."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text):
        return int(text.replace("_", "")[:400])
    return float(text.replace("_", "")) if _FLOAT.fullmatch(text) else text

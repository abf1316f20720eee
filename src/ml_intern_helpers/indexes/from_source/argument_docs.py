"""What a docstring says of each argument: the first sentence, in the style that these libraries share."""

from __future__ import annotations

import inspect
import re

_ENTRY = re.compile(r"^(?P<indent> *)`?(?P<name>[*\w]+)`? ?\((?P<type>.*?)\):?(?P<rest>.*)$")
_LONGEST = 160
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\[`*(])")


def documented(docstring: str | None) -> dict[str, str]:
    """First sentences by argument name; empty without a docstring."""
    found: dict[str, str] = {}
    name, indent = "", 0
    lines: list[str] = []
    for line in inspect.cleandoc(docstring or "").splitlines():
        entry = _ENTRY.match(line)
        if entry:
            found.update(_finished(name, lines))
            name, indent, lines = entry["name"].lstrip("*"), len(entry["indent"]), [entry["rest"]]
        elif line.strip() and len(line) - len(line.lstrip()) <= indent:
            found.update(_finished(name, lines))
            name, lines = "", []
        else:
            lines.append(line.strip())
    return found | _finished(name, lines)


def _finished(name: str, lines: list[str]) -> dict[str, str]:
    text = " ".join(" ".join(lines).split())
    return {name: first_sentence(text)} if name and text else {}


def first_sentence(text: str) -> str:
    """At most about 160 characters, cut at a word."""
    first = _SENTENCE.split(text)[0]
    return first if len(first) <= _LONGEST else first[:_LONGEST].rpartition(" ")[0] + " …"

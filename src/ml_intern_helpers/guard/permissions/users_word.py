"""What the user has said in this session, read from the client's record of it: an agreement needs their word, not the model's."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

#: A prompt of a person; what is longer is a pasted file, or the answer of a tool.
_LONGEST_LINE = 1024 * 1024
_FIGURE = r"(\d[\d,]*(?:\.\d+)?)"
_DOLLARS = re.compile(rf"(?:\$|\bUSD)\s?{_FIGURE}|{_FIGURE}\s?(?:\$|USD\b|(?:US )?dollars?\b|bucks\b)", re.IGNORECASE)
_ARGUMENTS = re.compile(r"<command-args>(.*?)</command-args>", re.DOTALL)


def said_since(event: dict[str, Any], at: datetime | None) -> list[str]:
    """The user's messages after `at` (None: all of the session); none where the record cannot be read.

    A subagent's prompts, our own commands' texts, summaries and reports of background work stand there as messages of a user,
    too: no person wrote them.
    """
    name = event.get("transcript_path")
    if not isinstance(name, str) or not os.path.isfile(name):
        return []
    try:
        with open(name, "rb") as file:
            return [text for line in file if b'"user"' in line for text in _words(line, at)]
    except OSError:
        return []


def most_dollars(texts: list[str]) -> float:
    """The largest sum of money that is named with its currency (`10 USD`, `$10`); 0 without any."""
    figures = (first or second for text in texts for first, second in _DOLLARS.findall(text))
    return max((float(figure.replace(",", "")) for figure in figures), default=0.0)


def _words(line: bytes, at: datetime | None) -> Iterator[str]:
    from ml_intern_helpers.runs.timestamps import parsed

    try:
        entry = json.loads(line) if len(line) <= _LONGEST_LINE else None
    except (ValueError, RecursionError):
        return
    if not isinstance(entry, dict) or entry.get("type") != "user" or not _by_a_person(entry):
        return
    when = parsed(entry.get("timestamp"))
    if at is None or (when is not None and when > at):
        yield from filter(None, map(_typed, _texts(entry)))


def _by_a_person(entry: dict[str, Any]) -> bool:
    return not any(entry.get(mark) for mark in ("isMeta", "isSidechain", "isCompactSummary", "toolUseResult"))


def _texts(entry: dict[str, Any]) -> list[str]:
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [content]
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    if any(block.get("type") == "tool_result" for block in blocks):
        return []
    return [text for block in blocks if isinstance(text := block.get("text"), str)]


def _typed(text: str) -> str:
    """Of a slash command its arguments; nothing of what the client puts between other marks (`<task-notification>`)."""
    if not text.lstrip().startswith("<"):
        return text
    return " ".join(_ARGUMENTS.findall(text)) if text.lstrip().startswith("<command-") else ""

"""Protects the plugin's own records: only the user changes the agreed terms, and the ledger is never edited by hand.

`task` writes `.ml-intern/task.json`, and the hooks write `runs.jsonl`. A model that edits either file, or that closes a task and
agrees to another one, would grant itself permissions. The user's messages are read from the client's record of the session.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ml_intern_helpers.guard import prefilter
from ml_intern_helpers.guard.decision import PASS, Decision

_RECORDS = r"\.ml-intern/+(?:\./+)*(?:task\.json|runs\.jsonl(?:\.late-[\w-]*)?|guard\.log)"
_TASK = r"""\btask(?:\.sh)?["']?\s+(?:--\w+\s+)*"""
_CHANGES_TERMS = re.compile(rf"{_TASK}change\b(?!.*--help)")
_AGREES = re.compile(rf"{_TASK}agree\b(?!.*--help)")
#: `--spend-cap 10`, after quotes are removed; the group is None if the value is not a plain number.
_CAP = re.compile(r"--spend-cap(?![\w-])(?:[= ]\s*\$?(\d+(?:\.\d+)?)(?![^\s;&|)]))?")
_TERMS_FILE = re.compile(r"--from(?![\w-])")
_QUOTES = re.compile(r"""['"\\]""")
#: Programs and redirects by which a shell writes the file that is named after them.
_WRITES = re.compile(rf"(?:>|\b(?:tee|rm|mv|cp|truncate|shred|ln|dd|sed\s+(?:-\S+\s+)*-i\S*)\b)[^;&|\n]*?{_RECORDS}")
_EDITS = re.compile(rf"(?:^|/){_RECORDS}$")
#: A longer line is a pasted file or a tool's result, not a message that a person typed.
_LONGEST_LINE = 1024 * 1024
_FIGURE = r"(\d[\d,]*(?:\.\d+)?)"
_DOLLARS = re.compile(rf"(?:\$|\bUSD)\s?{_FIGURE}|{_FIGURE}\s?(?:\$|USD\b|(?:US )?dollars?\b|bucks\b)", re.IGNORECASE)
_ARGUMENTS = re.compile(r"<command-args>(.*?)</command-args>", re.DOTALL)


def decision_on_edit(tool_input: dict[str, object]) -> Decision:
    """The decision on a Write or Edit call."""
    path = tool_input.get("file_path")
    if not isinstance(path, str) or not _EDITS.search(path):
        return PASS
    reason = (
        f"ml-intern: {path.rpartition('/')[2]} must not be edited by hand. `task agree` records a task, `task change --reason …` "
        "changes its terms, both only if the user said so; the ledger and the log are written by the hooks alone."
    )
    return Decision("deny", reason, codes=("RECORD",))


def decision_on_command(command: str, event: dict[str, object]) -> Decision:
    """The decision on a Bash call that changes a record, whether or not it launches something as well."""
    if _CHANGES_TERMS.search(command) and not prefilter.only_reads(command):
        reason = "only the user may change the agreed terms.\n    next: keep to the terms (`task show`), or ask the user"
        return Decision("ask", f"ml-intern: {reason}", codes=("TERMS",))
    if _WRITES.search(command):
        reason = "the records of what was agreed and spent must not be written by hand.\n    next: "
        return Decision("ask", f"ml-intern: {reason}use `task change --reason …` or `budget`", codes=("RECORD",))
    return _on_agreement(command, event) if _AGREES.search(command) and not prefilter.only_reads(command) else PASS


def _on_agreement(command: str, event: dict[str, object]) -> Decision:
    """The decision on `task agree`: it passes if the user has written since the last agreement and named the spend cap."""
    from pathlib import Path

    from ml_intern_helpers.guard.event import folders_of
    from ml_intern_helpers.runs.contract import task_for

    before = task_for(*map(Path, folders_of(event)))
    messages = _user_messages_since(event, before.agreed_at if before is not None else None)
    plain = _QUOTES.sub("", command)
    caps = [match[1] for match in _CAP.finditer(plain)]
    is_unstated = None in caps or _TERMS_FILE.search(plain)
    cap = None if is_unstated else max(map(float, caps), default=0.0)
    if before is not None and not messages:
        problem = "the user has written nothing since the last task was agreed, and only the user can agree to a new one"
    elif cap is None:
        problem = "the spend cap is not written out as a number, so it cannot be compared with what the user said"
    elif cap > _most_dollars(messages):
        since = " since the last agreement" if before else ""
        problem = f"no message of the user{since} names a spend cap of {cap:.2f} USD"
    else:
        return PASS
    next_step = "agree without a spend cap (no paid job), or ask the user for the figure, written with USD or $"
    return Decision("ask", f"ml-intern: {problem}.\n    next: {next_step}", codes=("TERMS",))


def _user_messages_since(event: dict[str, Any], at: datetime | None) -> list[str]:
    """The user's messages after `at` (None: all of the session); none where the client's record cannot be read.

    Messages that no person wrote are left out: the record also lists prompts of subagents, texts of our commands, summaries and
    reports of background work as messages of the user.
    """
    name = event.get("transcript_path")
    if not isinstance(name, str) or not os.path.isfile(name):
        return []
    try:
        with open(name, "rb") as file:
            return [text for line in file if b'"user"' in line for text in _typed_messages(line, at)]
    except OSError:
        return []


def _most_dollars(texts: list[str]) -> float:
    """The largest sum of money that is named with its currency (`10 USD`, `$10`); 0 without any."""
    figures = (first or second for text in texts for first, second in _DOLLARS.findall(text))
    return max((float(figure.replace(",", "")) for figure in figures), default=0.0)


def _typed_messages(line: bytes, at: datetime | None) -> Iterator[str]:
    """The texts that a person typed, if this line of the record is a message after `at`."""
    from ml_intern_helpers.runs.timestamps import parsed

    try:
        entry = json.loads(line) if len(line) <= _LONGEST_LINE else None
    except (ValueError, RecursionError):
        return
    if not isinstance(entry, dict) or entry.get("type") != "user":
        return
    if any(entry.get(mark) for mark in ("isMeta", "isSidechain", "isCompactSummary", "toolUseResult")):
        return
    written_at = parsed(entry.get("timestamp"))
    if at is not None and (written_at is None or written_at <= at):
        return
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = [{"text": content}] if isinstance(content, str) else content if isinstance(content, list) else []
    blocks = [block for block in blocks if isinstance(block, dict)]
    if any(block.get("type") == "tool_result" for block in blocks):
        return
    for block in blocks:
        text = block.get("text")
        if isinstance(text, str) and text.lstrip().startswith("<"):
            # Of a slash command only its arguments count; other tags (`<task-notification>`) are the client's.
            text = " ".join(_ARGUMENTS.findall(text)) if text.lstrip().startswith("<command-") else ""
        if isinstance(text, str) and text:
            yield text

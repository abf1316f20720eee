"""PostToolUse on a written or edited training script: names and arguments that the releases do not have, told at once.

Short, and each only once: what was told of a file before in this session is not told again while it stands there.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_intern_helpers.core.report import Finding
    from ml_intern_helpers.preflight.examine import Examination

MOST = 5
_KINDS = (".py", ".ipynb")
_LARGEST_BYTES = 512 * 1024
#: What a script that trains cannot do without, before it is looked at in earnest.
_TRAINS = re.compile(rb"\b(?:trl|transformers|peft|accelerate|unsloth)\b")


def answered(event: dict[str, Any]) -> dict[str, Any] | None:
    """The client's answer: the new findings, or None."""
    path = _path(event)
    if path is None or not _may_train(path):
        return None
    found = _examined(path, event)
    if found is None or found.facts.training.kind == "none":
        return None
    wrong = [finding for finding in found.findings if finding.code.startswith("API")]
    new = _new(event.get("session_id"), path, wrong)
    if not new:
        return None
    return {"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": _text(path, new)}}


def _path(event: dict[str, Any]) -> str | None:
    asked = event.get("tool_input")
    asked = asked if isinstance(asked, dict) else {}
    path = asked.get("file_path") or asked.get("notebook_path")
    if not isinstance(path, str) or not path.endswith(_KINDS) or "\0" in path:
        return None
    cwd = event.get("cwd")
    return os.path.join(cwd, path) if isinstance(cwd, str) else path


def _may_train(path: str) -> bool:
    try:
        if os.path.getsize(path) > _LARGEST_BYTES or not os.path.isfile(path):
            return False
        with open(path, "rb") as file:
            return _TRAINS.search(file.read(_LARGEST_BYTES)) is not None
    except OSError:
        return False


def _examined(path: str, event: dict[str, Any]) -> Examination | None:
    """What pre-flight finds; None while the file is no Python that can be read (half of an edit)."""
    import gc
    from pathlib import Path

    from ml_intern_helpers.analysis.source import read_source
    from ml_intern_helpers.core.errors import ToolError
    from ml_intern_helpers.preflight.examine import examine

    gc.disable()  # syntax trees are all live objects
    try:
        return examine(read_source(Path(path)), "local")
    except (ToolError, RecursionError):
        return None


def _new(session: object, path: str, wrong: list[Finding]) -> list[Finding]:
    """Those that were not told before; a line number that moved makes none new."""
    from ml_intern_helpers.guard.memory import recalled, remembered

    told = recalled(session, "told")
    before = told.get(path)
    known = set(before) if isinstance(before, list) else set()
    new = [finding for finding in wrong if _key(finding) not in known]
    now = [_key(finding) for finding in wrong]
    if now != before and (now or before):
        remembered(session, "told", {**told, path: now})
    return new


def _key(finding: Finding) -> str:
    return f"{finding.code} {finding.message}"


def _text(path: str, new: list[Finding]) -> str:
    name = os.path.basename(path)
    lines = [f"ml-intern: {name} against the releases it will run on:"]
    lines += [f"{finding.line or '?'}: {finding.code} {finding.message} -> {finding.fix}" for finding in new[:MOST]]
    more = len(new) - MOST
    return "\n".join(lines + ([f"and {more} more: `preflight_check {name}`"] if more > 0 else []))

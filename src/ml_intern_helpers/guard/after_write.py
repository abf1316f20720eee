"""PostToolUse on a written or edited training script: reports names and arguments that the installed releases do not have.

Each finding is reported once for a session and file; it is not repeated while it is still there.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_intern_helpers.core.report import Finding
    from ml_intern_helpers.preflight.examine import Examination

_MOST = 5
_KINDS = (".py", ".ipynb")
_LARGEST_BYTES = 512 * 1024
#: Libraries of which a training script uses at least one; only then is the file parsed.
_TRAINS = re.compile(rb"\b(?:trl|transformers|peft|accelerate|unsloth)\b")


def answer(event: dict[str, Any]) -> dict[str, Any] | None:
    """The client's answer: the new findings, or None."""
    path = _path(event)
    if path is None or not _may_train(path):
        return None
    examination = _examined(path)
    if examination is None or examination.context.training.kind == "none":
        return None
    wrong = [finding for finding in examination.findings if finding.code.startswith("API")]
    new = _new(event.get("session_id"), path, wrong)
    if not new:
        return None
    name = os.path.basename(path)
    lines = [f"ml-intern: {name} does not fit the releases that it will run on:"]
    lines += [f"{finding.line or '?'}: {finding.code} {finding.message} -> {finding.fix}" for finding in new[:_MOST]]
    if len(new) > _MOST:
        lines.append(f"and {len(new) - _MOST} more: `preflight_check {name}`")
    return {"hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": "\n".join(lines)}}


def _path(event: dict[str, Any]) -> str | None:
    tool_input = event.get("tool_input")
    tool_input = tool_input if isinstance(tool_input, dict) else {}
    path = tool_input.get("file_path") or tool_input.get("notebook_path")
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


def _examined(path: str) -> Examination | None:
    """What pre-flight finds; None while the file is not Python that can be read (half of an edit)."""
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
    """The findings that were not reported in this session before; one whose line number has moved is not new."""
    from ml_intern_helpers.guard.memory import recalled, remember

    known_by_file = recalled(session, "findings")
    before = known_by_file.get(path)
    known = set(before) if isinstance(before, list) else set()
    keys = [f"{finding.code} {finding.message}" for finding in wrong]
    if keys != before and (keys or before):
        remember(session, "findings", {**known_by_file, path: keys})
    return [finding for finding, key in zip(wrong, keys, strict=True) if key not in known]

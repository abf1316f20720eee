"""PostToolUse hook on a written or edited training script: reports names and arguments that the releases do not have.

A finding is reported once per session and file, and not again as long as it stays.
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
#: Libraries that training scripts use; only a file that names one of them is parsed.
_TRAINS = re.compile(rb"\b(?:trl|transformers|peft|accelerate|unsloth)\b")


def answer(event: dict[str, Any]) -> dict[str, Any] | None:
    """The client's answer: the new findings, or None."""
    path = _path(event)
    if path is None or not _may_train(path):
        return None
    examination = _examined(path)
    if examination is None or examination.context.training.kind == "none":
        return None
    api_findings = [finding for finding in examination.findings if finding.code.startswith("API")]
    new = _new(event.get("session_id"), path, api_findings)
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
    """The result of pre-flight; None while the file is not valid Python (in the middle of an edit)."""
    import gc
    from pathlib import Path

    from ml_intern_helpers.analysis.source import read_source
    from ml_intern_helpers.core.errors import ToolError
    from ml_intern_helpers.preflight.examine import examine

    gc.disable()  # collections would only cost time: syntax trees stay alive
    try:
        return examine(read_source(Path(path)), "local")
    except (ToolError, RecursionError):
        return None


def _new(session: object, path: str, findings: list[Finding]) -> list[Finding]:
    """The findings not yet reported in this session; a finding whose line number has changed is not new."""
    from ml_intern_helpers.guard.memory import recalled, remember

    known_by_file = recalled(session, "findings")
    reported = known_by_file.get(path)
    reported_keys = set(reported) if isinstance(reported, list) else set()
    keys = [f"{finding.code} {finding.message}" for finding in findings]
    if keys != reported and (keys or reported):
        remember(session, "findings", {**known_by_file, path: keys})
    return [finding for finding, key in zip(findings, keys, strict=True) if key not in reported_keys]

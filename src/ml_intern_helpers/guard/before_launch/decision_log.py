"""`.ml-intern/guard.log`: one JSON line for each launch that was looked at, with what was decided and why."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from ml_intern_helpers.guard.decisions import Decision
from ml_intern_helpers.launches.words import masked, redacted

NAME = "guard.log"
#: Then it starts anew; the one before is kept beside it.
_LARGEST_BYTES = 1024 * 1024


def write(folder: Path, event: dict[str, object], command: str, decision: Decision, took_ms: float) -> None:
    """Append one line to `folder`/guard.log; a log that cannot be written must not stop a decision, nor change it."""
    entry = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "session": _text(event, "session_id"),
        "call": _text(event, "tool_use_id"),
        "mode": _text(event, "permission_mode"),
        "decision": decision.kind,
        "codes": list(decision.codes),
        "reason": masked(decision.reason or decision.context, 1000),
        "command": masked(" ".join(redacted(command.split())), 500),
        "took_ms": round(took_ms),
    }
    try:
        folder.mkdir(exist_ok=True)
        path = folder / NAME
        if path.exists() and path.stat().st_size > _LARGEST_BYTES:
            path.replace(folder / f"{NAME}.1")
        line = (json.dumps(entry, ensure_ascii=False) + "\n").encode("utf-8", "replace")
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
    except OSError:
        return


def _text(event: dict[str, object], name: str) -> str | None:
    value = event.get(name)
    return masked(value, 100) if isinstance(value, str) else None

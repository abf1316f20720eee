"""The decision on a tool call: the answer that the client reads, how strictly it is enforced, and the log of decisions.

`ML_INTERN_GUARD=on|warn|off` sets how strictly, for all projects or, in `.claude/settings.json`, for one.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

Mode = Literal["on", "warn", "off"]
_VARIABLE = "ML_INTERN_GUARD"
_WORDS: dict[str, Mode] = {
    "": "on", "on": "on", "1": "on", "true": "on", "warn": "warn", "off": "off", "0": "off", "false": "off", "no": "off",
}  # fmt: skip
_LOG = "guard.log"
#: A log that exceeds this is renamed to guard.log.1 (replacing the previous one), and a new one is started.
_LARGEST_LOG_BYTES = 1024 * 1024


def mode() -> Mode:
    """`on` holds launches; `warn` lets them pass and reports what would have been held; `off` checks nothing.

    A command that sets the variable does not change the hook's environment, which is the client's own. An unknown word counts as
    `on`: a typing error must not switch the guard off.
    """
    return _WORDS.get(os.environ.get(_VARIABLE, "").strip().lower(), "on")


class Decision(NamedTuple):
    """The decision on one tool call.

    Attributes:
        kind: `allow` (no further question), `deny`, `ask` (the user; the client denies where nobody answers), `pass`: no opinion.
        reason: the model reads it with `deny`; the user and then the model read it with `ask`.
        context: what the model reads beside the result of the call.
        codes: codes of the findings or holds behind it, for the log.
    """

    kind: Literal["allow", "deny", "ask", "pass"]
    reason: str = ""
    context: str = ""
    codes: tuple[str, ...] = ()

    def answer(self) -> dict[str, object] | None:
        """The client's PreToolUse answer; None leaves the decision to the client."""
        output: dict[str, object] = {"hookEventName": "PreToolUse"}
        if self.kind != "pass":
            output |= {"permissionDecision": self.kind, "permissionDecisionReason": self.reason}
        if self.context:
            output["additionalContext"] = self.context
        return {"hookSpecificOutput": output} if len(output) > 1 else None

    def as_configured(self) -> Decision:
        """The decision under the current mode: with `warn`, a denied or held call passes with the reason as context."""
        if mode() == "off":
            return PASS
        if mode() == "on" or self.kind not in ("deny", "ask"):
            return self
        context = f"ML_INTERN_GUARD=warn lets this pass. With ML_INTERN_GUARD=on it would have been held: {self.reason}"
        return Decision("pass", context=context, codes=self.codes)


PASS = Decision("pass")


def log(folder: Path, event: dict[str, object], command: str, decision: Decision, took_ms: float) -> None:
    """Append one JSON line to `folder`/guard.log; a log that cannot be written neither stops nor changes a decision."""
    from ml_intern_helpers.launches.words import masked, redacted

    def text(name: str) -> str | None:
        value = event.get(name)
        return masked(value, 100) if isinstance(value, str) else None

    entry = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "session": text("session_id"),
        "call": text("tool_use_id"),
        "mode": text("permission_mode"),
        "decision": decision.kind,
        "codes": list(decision.codes),
        "reason": masked(decision.reason or decision.context, 1000),
        "command": masked(" ".join(redacted(command.split())), 500),
        "took_ms": round(took_ms),
    }
    line = (json.dumps(entry, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        path = folder / _LOG
        if path.exists() and path.stat().st_size > _LARGEST_LOG_BYTES:
            path.replace(folder / f"{_LOG}.1")
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

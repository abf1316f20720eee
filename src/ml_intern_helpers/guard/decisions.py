"""What a guard decides, and the one JSON object that the client reads."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Decision(NamedTuple):
    """On one tool call.

    Attributes:
        kind: `allow` (no further question), `deny`, `ask` (the user; without one the client denies), or `pass`: no opinion.
        reason: read by the model with `deny`, by the user and then the model with `ask`.
        context: told to the model beside the call.
        codes: of the rules behind it, for the log.
    """

    kind: Literal["allow", "deny", "ask", "pass"]
    reason: str = ""
    context: str = ""
    codes: tuple[str, ...] = ()

    def answer(self) -> dict[str, object] | None:
        """The client's PreToolUse answer; None where it is to go on by itself."""
        found: dict[str, object] = {"hookEventName": "PreToolUse"}
        if self.kind != "pass":
            found |= {"permissionDecision": self.kind, "permissionDecisionReason": self.reason}
        if self.context:
            found["additionalContext"] = self.context
        return {"hookSpecificOutput": found} if len(found) > 1 else None


PASS = Decision("pass")


def softened(decision: Decision) -> Decision:
    """`ML_INTERN_GUARD=warn`: told, not held."""
    if decision.kind not in ("deny", "ask"):
        return decision
    told = f"ML_INTERN_GUARD=warn let this pass. Switched on, the guard says: {decision.reason}"
    return Decision("pass", context=told, codes=decision.codes)

"""Defines the errors that a helper may end with: a message, a hint what to do next, and an exit code."""

from __future__ import annotations

from ml_intern_helpers.core.text import clean


class ToolError(Exception):
    """A failure the user can act on. Both its texts are cleaned here: they quote arguments, file names and services.

    Args:
        message: what went wrong and where, in one line without a stack trace.
        hint: what to do next, in one line; None if there is nothing to add to the message.
        general: the message without the requested item, so that similar failures can be reported as one.
    """

    code = "could-not-tell"
    exit_code = 3

    def __init__(self, message: str, *, hint: str | None = None, general: str | None = None) -> None:
        super().__init__(message)
        self.message = clean(message)
        self.general = clean(general) if general else self.message
        self.hint = hint if hint is None else clean(hint)

    def to_dict(self) -> dict[str, str | None]:
        """The `error` object of a `--json` answer."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class UsageError(ToolError):
    """The command line itself is wrong (exit code 2)."""

    code = "usage"
    exit_code = 2


class Unavailable(ToolError):
    """The answer exists somewhere but could not be had: offline, time-out, server error (exit code 3)."""

    code = "unavailable"


class RateLimited(Unavailable):
    """A service asked us to stop for longer than the command may wait."""

    code = "rate-limited"


class NotFound(Unavailable):
    """The thing asked for does not exist, or is hidden from this account."""

    code = "not-found"


class AccessDenied(Unavailable):
    """The thing exists and this account may not read it: gated, private, blocked."""

    code = "access-denied"


class BadData(ToolError):
    """The data does not have the expected form: HTML instead of JSON, a broken line, a file of another type."""

    code = "bad-data"

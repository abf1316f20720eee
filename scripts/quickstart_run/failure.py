"""How the quickstart ends when a step does not work out."""

from __future__ import annotations


class Failure(Exception):
    """One line of what and where, one line of what next.

    Args:
        message: what went wrong.
        hint: what to do next, or None where the command that failed has said it already.
        code: the exit code (1 a step failed, 2 wrong usage, 3 it could not be done here).
        log: what the failed program printed, kept for reading.
    """

    def __init__(self, message: str, hint: str | None, *, code: int = 1, log: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.log = log

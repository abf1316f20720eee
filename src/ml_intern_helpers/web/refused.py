"""Whom not to ask again: a service that still answers 429 after all waiting is left in peace by this process.

Otherwise twenty look-ups side by side would each wait and ask four times, which is what a rate limiter punishes.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ml_intern_helpers.core.errors import RateLimited
from ml_intern_helpers.web.response import Response, again_in
from ml_intern_helpers.web.transport import Call


class Refusals:
    """The final 429s of one process. Safe to use from several threads: one more request slips through at worst."""

    def __init__(self) -> None:
        self._hints: dict[tuple[str, str], str] = {}

    def check(self, call: Call) -> None:
        """Raise `RateLimited` when a request like `call` was refused for good."""
        hint = self._hints.get(_quota(call))
        if hint:
            told = f"{call.service.name} was not asked once more: it answers 429, too many requests"
            raise RateLimited(told, hint=hint)

    def note(self, call: Call, response: Response) -> Response:
        """`response`, remembered when it is a refusal."""
        if response.status == 429:
            self._hints[_quota(call)] = again_in(response)
        return response


def _quota(call: Call) -> tuple[str, str]:
    """What a 429 counts: the Hub's limit for `/api/…` is not the one for its files."""
    return call.service.name, urlsplit(call.url).path.lstrip("/").partition("/")[0]

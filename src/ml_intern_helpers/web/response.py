"""Defines the answer of a service, of any HTTP status, and turns a bad status into an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml_intern_helpers.core.errors import AccessDenied, BadData, NotFound, RateLimited, Unavailable
from ml_intern_helpers.core.text import clean, spoken_time
from ml_intern_helpers.web.retry import demanded_wait
from ml_intern_helpers.web.services import OPENALEX, Service


@dataclass(frozen=True)
class Response:
    """An HTTP answer.

    Attributes:
        status: HTTP status, also 4xx and 5xx, which the caller may interpret.
        url: where the answer came from, after redirects.
        headers: names in lower case.
        body: the content, at most as large as the size limit.
        fetched_at: Unix time in seconds of the original request.
        cached: whether it comes from the disk cache.
        service: the service that answered, for messages.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    fetched_at: float
    cached: bool
    service: Service

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def error_code(self) -> str | None:
        """The header `X-Error-Code` of the Hub and the viewer."""
        return self.headers.get("x-error-code")

    @property
    def is_html(self) -> bool:
        return "html" in self.headers.get("content-type", "").lower()

    @property
    def date(self) -> str:
        """When the answer was fetched, ISO 8601 in UTC, to the second."""
        return datetime.fromtimestamp(self.fetched_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def json(self) -> Any:
        """The body as JSON; `BadData` when it is something else (a proxy's login page, a truncated answer)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as err:
            kind = clean(self.headers.get("content-type", "no content type").split(";")[0], limit=60)
            raise BadData(
                f"{self.service.name} answered {kind} where JSON was expected: {clean(self.body[:300], limit=80)!r}",
                hint="the answer may come from a proxy or a login page; try the URL in a browser: " + public_url(self.url),
            ) from err

    def message(self) -> str:
        """The service's own error message, cleaned, one line, at most 200 characters; "" when there is none."""
        try:
            body = json.loads(self.body)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict):  # OpenAlex: the kind of error in `error`, the reason in `message`
            parts = [str(body[name]) for name in ("error", "message", "detail") if body.get(name)]
            text = ": ".join(dict.fromkeys(parts[:2])) or self.headers.get("x-error-message") or ""
            return clean(text, limit=200)
        return clean(self.headers.get("x-error-message") or ("" if self.is_html else self.body[:1000]), limit=200)

    def raise_for_status(self, what: str) -> Response:
        """Return self when 2xx, else raise the error that the status means; `what` names the thing requested."""
        if self.ok:
            return self
        reason = self.message()
        general = f"{self.service.name} answered {self.status}"
        message = f"{general} for {what}" + (f": {reason}" if reason else "")
        if self.status == 429 or (self.status == 403 and self.service.name == OPENALEX.name):
            raise RateLimited(message, hint=again_in(self), general=general)
        if self.status in (401, 403):
            raise AccessDenied(message, hint=self.service.denied_hint, general=general)
        if self.status in (404, 410):
            raise NotFound(message, hint="check the spelling", general=general)
        hint = "ask again later" if self.status >= 500 else "check the arguments; if they are right, please report it"
        raise Unavailable(message, hint=hint, general=general)


def again_in(response: Response) -> str:
    """A hint that says when to ask again, according to the service."""
    wait = demanded_wait(response.service, response.status, response.headers)
    return "ask again later" if wait is None else f"ask again in {spoken_time(wait)}"


def public_url(url: str) -> str:
    """`url` without its query, which may carry a signature."""
    return url.split("?", 1)[0]

"""When to ask again, and after how long: what each service's answers mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ml_intern_helpers.services import ARXIV, HUB, OPENALEX, VIEWER, Service

#: Errors of the dataset viewer that pass by themselves; every other coded 500 means that the dataset is broken.
VIEWER_TRANSIENT = frozenset({"ResponseNotReady", "PreviousStepStillProcessingError"})
_RATELIMIT = re.compile(r"r=(\d+)\s*;\s*t=(\d+)")


def may_retry(service: Service, status: int, headers: Mapping[str, str]) -> bool:
    """Whether the same request may succeed later."""
    if status == 429:
        return service.name != OPENALEX.name  # its 429 means that the day's budget is gone
    if status == 500 and service.name == VIEWER.name:
        code = headers.get("x-error-code")
        return code in VIEWER_TRANSIENT if code else headers.get("content-type", "").startswith("text/plain")
    return status in (500, 502, 503, 504)


def wait_seconds(service: Service, status: int, headers: Mapping[str, str], attempt: int) -> float | None:
    """Seconds to wait before try `attempt + 1` (attempt counts from 1), or None to give up now."""
    if attempt > len(service.backoff_s):
        return None
    asked = demanded_wait(service, status, headers)
    wait = service.backoff_s[attempt - 1] if asked is None else asked
    if status != 429 and asked is None and service.name == ARXIV.name:
        wait = 3.0  # 30 s is what its rate limiter wants, not what a 503 needs
    return wait if wait <= service.longest_wait_s else None


def demanded_wait(service: Service, status: int, headers: Mapping[str, str]) -> float | None:
    """The wait a service names itself, in seconds: `Retry-After`, the Hub's `ratelimit`, OpenAlex's reset."""
    retry_after = headers.get("retry-after", "").strip()
    if retry_after.isdigit():
        return float(retry_after)
    if status == 429 and service.name in (HUB.name, VIEWER.name):
        window = _RATELIMIT.search(headers.get("ratelimit", ""))
        if window and window[1] == "0":
            return float(window[2])
    if status == 429 and service.name == OPENALEX.name and headers.get("x-ratelimit-reset", "").isdigit():
        return float(headers["x-ratelimit-reset"])
    return None

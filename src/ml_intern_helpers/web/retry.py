"""Decides whether and when to repeat a request, from each service's status codes and headers."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress

from ml_intern_helpers.web.services import ARXIV, HUB, OPENALEX, VIEWER, Service

#: Temporary errors of the dataset viewer; any other 500 with a code means that the dataset is broken.
VIEWER_TRANSIENT = frozenset({"ResponseNotReady", "PreviousStepStillProcessingError"})
_RATELIMIT = re.compile(r"r=(\d+)\s*;\s*t=(\d+)")
#: Waits that no service prescribes are lengthened by up to this share, so that several agents do not retry at once.
JITTER = 0.25


def may_retry(service: Service, status: int, headers: Mapping[str, str]) -> bool:
    """Whether the same request may succeed later."""
    if status == 429:
        window = _RATELIMIT.search(headers.get("ratelimit", "")) if service.name in (HUB.name, VIEWER.name) else None
        # A 429 of the Hub whose window is not used up (`r` above 0) is about a daily quota, which no short wait refills.
        other_quota = window is not None and window[1] != "0" and "retry-after" not in headers
        return service.name != OPENALEX.name and not other_quota
    if status == 500 and service.name == VIEWER.name:
        code = headers.get("x-error-code")
        return code in VIEWER_TRANSIENT if code else headers.get("content-type", "").startswith("text/plain")
    if status == 403:
        return service.name == OPENALEX.name  # OpenAlex asks to slow down by 403; its 429 means that the daily budget is used up
    return status in (500, 502, 503, 504)


def wait_seconds(service: Service, status: int, headers: Mapping[str, str], attempt: int) -> float | None:
    """Seconds to wait after try number `attempt` (from 1), or None to give up."""
    if attempt > len(service.backoff_s):
        return None
    demanded = demanded_wait(service, status, headers)
    if demanded is not None:
        return demanded if demanded <= service.longest_wait_s else None
    wait = service.backoff_s[attempt - 1]
    if status != 429 and service.name == ARXIV.name:
        wait = 3.0  # 30 s is for its rate limiter; a 503 needs less
    import random

    return wait * random.uniform(1.0, 1.0 + JITTER)


def demanded_wait(service: Service, status: int, headers: Mapping[str, str]) -> float | None:
    """The wait that a service prescribes, in seconds or None: `Retry-After`, the Hub's `ratelimit`, OpenAlex's reset."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    if value:  # the standard also allows a date
        from email.utils import parsedate_to_datetime

        with suppress(ValueError, OverflowError):
            return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    if status == 429 and service.name in (HUB.name, VIEWER.name):
        window = _RATELIMIT.search(headers.get("ratelimit", ""))
        if window and window[1] == "0":
            return float(window[2])
    if status == 429 and service.name == OPENALEX.name and headers.get("x-ratelimit-reset", "").isdecimal():
        return float(headers["x-ratelimit-reset"])
    return None

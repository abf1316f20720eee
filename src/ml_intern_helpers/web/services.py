"""Defines the services that helpers call: their addresses, tokens, request rates and cache times.

The figures follow the services' terms: arXiv allows one request every three seconds over a single connection; Semantic Scholar
allows one request a second with a key and demands exponential backoff; the Hub counts requests in five-minute windows and
reports them in `ratelimit` headers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from ml_intern_helpers.core import tokens
from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.text import clean

MINUTE, HOUR, DAY = 60, 3600, 86400
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Service:
    """One service.

    Attributes:
        name: its name in messages and cache keys.
        default_url: base URL without a trailing slash.
        env: environment variable that replaces the base URL (mirrors, tests).
        auth: headers that carry the user's key for this service; called per request, sent to the base URL's host only.
        min_interval_s: seconds between two requests of all processes of this user; 0 means no pacing.
        one_at_a_time: hold the pace lock during the request, so that there is a single connection.
        ttl_s: seconds an answer may be served from the disk cache; 0 means never.
        backoff_s: waits before the second, third … try of a request that may be retried.
        longest_wait_s: a longer wait that a service demands becomes a `RateLimited` error instead.
        denied_hint: what to do about a 401 or 403.
        html: whether it serves HTML; HTML from any other service is a proxy's or login page and must not be stored.
        pace: name under which services are paced together (arXiv counts all its hosts as one); None for its own name.
        stays: whether a redirect to another host is returned instead of followed.
    """

    name: str
    default_url: str
    env: str
    auth: Callable[[], dict[str, str]] = dict
    min_interval_s: float = 0.0
    one_at_a_time: bool = False
    ttl_s: int = HOUR
    backoff_s: tuple[float, ...] = (0.5, 1.0, 2.0)
    longest_wait_s: float = 20.0
    denied_hint: str = "missing, private or gated: check the name, accept the terms on its page, or log in with `hf auth login`"
    html: bool = False
    pace: str | None = None
    stays: bool = False

    @property
    def pace_name(self) -> str:
        return (self.pace or self.name).lower().replace(" ", "-")

    @property
    def base_url(self) -> str:
        """The address in force, checked: https, or plain http to this machine."""
        url = (os.environ.get(self.env) or self.default_url).strip().rstrip("/")
        if "@" in url:  # the message must not repeat the password
            raise UsageError(f"{self.env} holds credentials in its address", hint="remove the part before the @")
        if not allowed_url(url):
            message = f"{self.env}={clean(url, limit=200)!r} is not an https URL"
            raise UsageError(message, hint="plain http is accepted for loopback only")
        return url


def allowed_url(url: str) -> bool:
    """Whether a helper may open `url`: https anywhere, http on loopback, no credentials in the address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if parts.username or parts.password or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine."""
    return (urlsplit(url).hostname or "") in LOOPBACK


def origin(url: str) -> str:
    """`scheme://host:port`, in lower case and always with the port, so that equal origins compare equal."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _auth(key: str | None, header: str = "authorization", scheme: str = "Bearer ") -> dict[str, str]:
    return {header: scheme + key} if key else {}


def _bearer() -> dict[str, str]:
    return _auth(tokens.hf_token())


_ARXIV_DENIED = "this address is blocked for a while: stop asking, and read the paper in a browser"

HUB = Service("Hugging Face Hub", "https://huggingface.co", "HF_ENDPOINT", auth=_bearer, ttl_s=5 * MINUTE)
VIEWER = Service(
    "dataset viewer", "https://datasets-server.huggingface.co", "ML_INTERN_DATASET_VIEWER_URL", auth=_bearer, ttl_s=5 * MINUTE
)
ARXIV = Service(
    "arXiv",
    "https://export.arxiv.org",
    "ML_INTERN_ARXIV_URL",
    min_interval_s=3.0,
    one_at_a_time=True,
    ttl_s=DAY,
    backoff_s=(30.0,),
    longest_wait_s=35.0,
    denied_hint=_ARXIV_DENIED,
)
ARXIV_HTML = Service(
    "arXiv HTML",
    "https://arxiv.org",
    "ML_INTERN_ARXIV_HTML_URL",
    min_interval_s=3.0,
    one_at_a_time=True,
    ttl_s=7 * DAY,
    backoff_s=(30.0,),
    longest_wait_s=35.0,
    denied_hint=_ARXIV_DENIED,
    html=True,
    pace="arXiv",
)
AR5IV = Service(
    "ar5iv",
    "https://ar5iv.labs.arxiv.org",
    "ML_INTERN_AR5IV_URL",
    min_interval_s=1.0,
    ttl_s=7 * DAY,
    denied_hint=_ARXIV_DENIED,
    html=True,
    stays=True,  # papers it has not converted are redirected to arxiv.org, which must be asked at arXiv's pace
)
SEMANTIC_SCHOLAR = Service(
    "Semantic Scholar",
    "https://api.semanticscholar.org",
    "ML_INTERN_SEMANTIC_SCHOLAR_URL",
    auth=lambda: _auth(tokens.semantic_scholar_key(), "x-api-key", ""),
    min_interval_s=1.1,  # it counts one per second on arrival, and the travel time varies
    ttl_s=DAY,
    backoff_s=(1.0, 2.0, 4.0),
    denied_hint="ask again later, or set SEMANTIC_SCHOLAR_API_KEY (a key is free)",  # one that is refused is told elsewhere
)
OPENALEX = Service(
    "OpenAlex",
    "https://api.openalex.org",
    "ML_INTERN_OPENALEX_URL",
    auth=lambda: _auth(tokens.openalex_key()),
    ttl_s=DAY,
    backoff_s=(1.0, 2.0, 4.0),
    denied_hint="the key is refused: check or unset OPENALEX_API_KEY",
)

SERVICES = (HUB, VIEWER, ARXIV, ARXIV_HTML, AR5IV, SEMANTIC_SCHOLAR, OPENALEX)

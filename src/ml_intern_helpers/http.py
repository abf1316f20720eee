"""The one door to the network: every request of every helper goes through `Http.get` or `Http.post`.

It adds what each service demands (`services`, `http_retry`, `http_pace`), keeps answers on disk (`http_cache`), sends a
token to its own host only, follows redirects by hand so that it stays so, and caps what it reads.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from ml_intern_helpers import __version__
from ml_intern_helpers.errors import AccessDenied, BadData, NotFound, RateLimited, Unavailable
from ml_intern_helpers.http_cache import Entry, HttpCache
from ml_intern_helpers.http_pace import paced
from ml_intern_helpers.http_retry import demanded_wait, may_retry, wait_seconds
from ml_intern_helpers.paths import cache_dir
from ml_intern_helpers.services import Service, allowed_url
from ml_intern_helpers.text import clean

if TYPE_CHECKING:
    import requests

T = TypeVar("T")
Params = Mapping[str, str | int | bool | list[str] | None]

USER_AGENT = f"ml-intern/{__version__} (Claude Code plugin; helper commands)"
MAX_BYTES = 32 * 1024 * 1024
CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 20.0
MISSING_TTL_S = 300
#: Response headers worth keeping with a cached answer.
KEPT_HEADERS = frozenset({"content-type", "link", "x-error-code", "x-error-message", "x-revision", "x-repo-commit", "etag"})
Clock = Callable[[], float]


@dataclass(frozen=True)
class Response:
    """An answer, of whatever status.

    Attributes:
        status: HTTP status; 4xx and 5xx arrive here too, so that a room may read what they mean.
        url: where the answer came from, after redirects.
        headers: names in lower case.
        body: at most the size cap.
        fetched_at: Unix time in seconds of the original request.
        cached: True when no request was made.
        service: who answered, for messages.
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
        """The Hub's and the viewer's `X-Error-Code`."""
        return self.headers.get("x-error-code")

    @property
    def date(self) -> str:
        """When the answer was fetched, ISO 8601 in UTC, to the second."""
        return datetime.fromtimestamp(self.fetched_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; `BadData` when it is something else (a proxy's login page, a truncated answer)."""
        try:
            return json.loads(self.body)
        except ValueError as err:
            kind = self.headers.get("content-type", "no content type").split(";")[0]
            raise BadData(
                f"{self.service.name} answered {kind} where JSON was expected: {clean(self.body[:300], limit=80)!r}",
                hint="a proxy or a login page may stand between; try the URL in a browser: " + public_url(self.url),
            ) from err

    def message(self) -> str:
        """What the service says of its own error, cleaned, one line, at most 300 characters."""
        try:
            body = json.loads(self.body)
        except ValueError:
            body = None
        said = None
        if isinstance(body, dict):
            said = body.get("error") or body.get("message") or body.get("detail")
        is_html = "html" in self.headers.get("content-type", "")
        fallback = self.headers.get("x-error-message") or ("" if is_html else self.body[:1000])
        return clean(said or fallback, limit=300)

    def raise_for_status(self, what: str) -> Response:
        """Return self when 2xx, else raise the error that fits; `what` names the thing asked for."""
        if self.ok:
            return self
        said = self.message()
        told = f"{self.service.name} answered {self.status} for {what}" + (f": {said}" if said else "")
        if self.status == 401:
            raise AccessDenied(told, hint="missing, private or gated: check the name, or log in with `hf auth login`")
        if self.status == 403:
            raise AccessDenied(told, hint="this account or key has no access: accept the terms on its page or use another token")
        if self.status in (404, 410):
            raise NotFound(told, hint="check the spelling")
        if self.status == 429:
            wait = demanded_wait(self.service, self.status, self.headers)
            raise RateLimited(told, hint=f"ask again in {wait:.0f} s" if wait is not None else "ask again later")
        raise Unavailable(told, hint="ask again later" if self.status >= 500 else None)


@dataclass(frozen=True)
class _Call:
    """One request on its way: what to ask whom, with which headers of the user's, reading at most how much."""

    service: Service
    method: str
    url: str
    body: bytes
    auth: dict[str, str]
    max_bytes: int


def public_url(url: str) -> str:
    """`url` without its query, which may carry a signature."""
    return url.split("?", 1)[0]


class Http:
    """The door. Safe to use from several threads.

    Args:
        offline: answer from the cache whatever its age, never connect.
        deadline_s: total seconds this command may spend on the network, waits included; None for no limit.
        sleep, clock: for tests.
    """

    def __init__(
        self,
        *,
        offline: bool = False,
        deadline_s: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Clock = time.monotonic,
    ) -> None:
        self.offline = offline
        self.requests_made = 0
        self._sleep, self._clock = sleep, clock
        self._ends_at = None if deadline_s is None else clock() + deadline_s
        self._cache = HttpCache(cache_dir() / "http")
        self._dead: set[str] = set()  # no second wait for a host that did not answer
        self._local = threading.local()

    def get(
        self, service: Service, path: str, params: Params | None = None, *, ttl_s: int | None = None, max_bytes: int = MAX_BYTES
    ) -> Response:
        """GET `path` (from the service's base URL, or absolute on the same host) with `params`.

        Raises:
            Unavailable: no answer at all; `RateLimited` when the wait asked for is too long.
            BadData: the answer is larger than `max_bytes`.
        """
        return self._request(_Call(service, "GET", build_url(service, path, params), b"", service.auth(), max_bytes), ttl_s)

    def post(
        self, service: Service, path: str, payload: object, params: Params | None = None, *, ttl_s: int | None = None
    ) -> Response:
        """POST `payload` as JSON. Only for look-ups: the answer is cached like a GET's."""
        body = json.dumps(payload).encode()
        return self._request(_Call(service, "POST", build_url(service, path, params), body, service.auth(), MAX_BYTES), ttl_s)

    def together(self, calls: Iterable[Callable[[], T]]) -> list[T | Exception]:
        """Run `calls` side by side; a call that raises yields its exception in its place."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            return [_outcome(future.result) for future in [pool.submit(call) for call in calls]]

    def _request(self, call: _Call, ttl_s: int | None) -> Response:
        key = HttpCache.key(call.method, call.url, call.body, json.dumps(call.auth))
        hit = self._from_cache(call.service, key, call.service.ttl_s if ttl_s is None else ttl_s)
        if hit:
            return hit
        if self.offline:
            told = f"offline, and no stored answer from {call.service.name} for {public_url(call.url)}"
            raise Unavailable(told, hint="run again online")
        response = self._with_retries(call)
        if response.ok or response.status in (404, 410):
            kept = {name: value for name, value in response.headers.items() if name in KEPT_HEADERS}
            self._cache.store(key, Entry(response.status, public_url(response.url), kept, response.body, response.fetched_at))
        return response

    def _from_cache(self, service: Service, key: str, ttl_s: int) -> Response | None:
        entry = self._cache.load(key)
        if entry is None:
            return None
        limit = ttl_s if entry.status < 300 else min(ttl_s, MISSING_TTL_S)
        if not self.offline and not 0 <= time.time() - entry.fetched_at < limit:
            return None
        return Response(entry.status, entry.url, entry.headers, entry.body, entry.fetched_at, True, service)

    def _with_retries(self, call: _Call) -> Response:
        """Ask until the answer is final. A host that cannot be reached is told at once, not tried again."""
        attempt = 1
        while True:
            response = self._paced(call)
            if not may_retry(call.service, response.status, response.headers):
                return response
            wait = wait_seconds(call.service, response.status, response.headers, attempt)
            if wait is None or wait >= self._time_left(wait + 1):
                return response
            self._sleep(wait)
            attempt += 1

    def _time_left(self, default: float) -> float:
        return default if self._ends_at is None else max(self._ends_at - self._clock(), 0.0)

    def _paced(self, call: _Call) -> Response:
        interval_s = 0.0 if is_loopback(call.url) else call.service.min_interval_s
        turn = paced(
            cache_dir() / "pace",
            _slug(call.service, call.auth),
            interval_s,
            hold=call.service.one_at_a_time,
            timeout_s=self._time_left(60.0),
            sleep=self._sleep,
        )
        with turn:
            return self._follow(call)

    def _follow(self, call: _Call) -> Response:
        """Send and follow up to five redirects; the token goes no further than the host it belongs to."""
        for _ in range(6):
            response = self._send(call)
            target = response.headers.get("location")
            if response.status not in (301, 302, 303, 307, 308) or not target:
                return response
            url = urljoin(call.url, target)
            if not allowed_url(url):
                told = f"{call.service.name} redirects to {clean(public_url(url), limit=200)!r}, which is not https"
                raise Unavailable(told)
            at_home = _origin(url) == _origin(call.service.base_url)
            call = replace(call, url=url, auth=call.auth if at_home else {})
        raise Unavailable(f"{call.service.name} redirects in a circle at {public_url(call.url)}")

    def _send(self, call: _Call) -> Response:
        import requests

        host = _origin(call.url)
        unreachable = f"{call.service.name} could not be reached at {host}"
        hint = "check the network, or run with --offline"
        if host in self._dead:
            raise Unavailable(unreachable, hint=hint)
        self.requests_made += 1
        try:
            with self._open(call) as raw:
                data = _read_capped(raw, call.max_bytes, self._ends_at, self._clock)
                lower = {name.lower(): value for name, value in raw.headers.items()}
                return Response(raw.status_code, call.url, lower, data, time.time(), False, call.service)
        except requests.RequestException as err:
            self._dead.add(host)
            raise Unavailable(f"{unreachable}: {_reason(err)}", hint=hint) from err

    def _open(self, call: _Call) -> requests.Response:
        headers = {"user-agent": USER_AGENT, "accept": "*/*", **call.auth}
        if call.body:
            headers["content-type"] = "application/json"
        left = self._time_left(READ_TIMEOUT_S) + 0.05
        return self._session().request(
            call.method,
            call.url,
            data=call.body or None,
            headers=headers,
            timeout=(min(CONNECT_TIMEOUT_S, left), min(READ_TIMEOUT_S, left)),
            allow_redirects=False,
            stream=True,
            auth=_no_auth,
        )

    def _session(self) -> requests.Session:
        """One session a thread: `requests.Session` is not documented as thread-safe."""
        if not hasattr(self._local, "session"):
            import requests

            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session


def build_url(service: Service, path: str, params: Params | None) -> str:
    """The absolute URL of `path` at `service`; None values of `params` are left out, lists repeat their name."""
    base = service.base_url
    url = path if path.startswith(("http://", "https://")) else f"{base}/{path.lstrip('/')}"
    if _origin(url) != _origin(base):
        raise Unavailable(f"{service.name} is at {base}, not at {clean(public_url(url), limit=200)!r}")
    pairs: list[tuple[str, str]] = []
    for name, value in (params or {}).items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                pairs.append((name, str(item).lower() if isinstance(item, bool) else str(item)))
    return url + ("&" if "?" in url else "?") * bool(pairs) + urlencode(pairs)


def is_loopback(url: str) -> bool:
    return (urlsplit(url).hostname or "") in {"127.0.0.1", "localhost", "::1"}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _slug(service: Service, auth: dict[str, str]) -> str:
    name = service.name.lower().replace(" ", "-")
    return f"{name}-with-key" if auth else name


def _no_auth(request: Any) -> Any:
    """Keeps `requests` from reading ~/.netrc, which could send a password to a host we did not choose."""
    return request


def _read_capped(raw: requests.Response, max_bytes: int, ends_at: float | None, clock: Clock) -> bytes:
    chunks, size = [], 0
    for chunk in raw.iter_content(64 * 1024):
        size += len(chunk)
        if size > max_bytes:
            raise BadData(f"the answer from {urlsplit(raw.url).hostname} is larger than {max_bytes} bytes", hint="ask for less")
        if ends_at is not None and clock() > ends_at:
            raise Unavailable(f"{urlsplit(raw.url).hostname} answers too slowly: the time limit of this command is used up")
        chunks.append(chunk)
    return b"".join(chunks)


def _reason(err: Exception) -> str:
    """One line out of a transport error, innermost cause first: `Connection refused`, `timed out`."""
    text = str(err).lower()
    if "timed out" in text or "timeout" in type(err).__name__.lower():
        return "timed out"
    for sign in ("connection refused", "name or service not known", "temporary failure in name resolution"):
        if sign in text:
            return sign
    if "certificate" in text:
        return "its certificate cannot be verified"
    return clean(type(err).__name__)


def _outcome(call: Callable[[], T]) -> T | Exception:
    try:
        return call()
    except Exception as err:
        return err

"""Provides the HTTP client of all helpers: every request goes through `Http.get` or `Http.post`.

It follows each service's rules (`services`, `retry`, `pace`), stores answers on disk (`cache`), sends a token only to its own
host, follows redirects itself to ensure that, and limits the size of answers. A service that still answers 429 after all waits is
not asked again by this process, because many parallel look-ups would each wait and retry, which a rate limiter penalises.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import urlsplit

from ml_intern_helpers.core.errors import RateLimited, Unavailable
from ml_intern_helpers.core.paths import cache_dir
from ml_intern_helpers.web.cache import Entry, HttpCache
from ml_intern_helpers.web.pace import paced
from ml_intern_helpers.web.response import Response, again_in, public_url
from ml_intern_helpers.web.retry import may_retry, wait_seconds
from ml_intern_helpers.web.services import Service, is_loopback
from ml_intern_helpers.web.transport import Broken, Call, Params, Transport, build_url, ends_here, redirected

__all__ = ["MAX_BYTES", "Http", "Params", "Response", "public_url"]
T = TypeVar("T")
MAX_BYTES = 32 * 1024 * 1024
MISSING_TTL_S = 300
#: Time limit of one request of a command without its own limit.
LONGEST_REQUEST_S = 120.0
SIDE_BY_SIDE = 8
#: Waits of at least this length are announced, because a long silence looks like a failure.
ANNOUNCED_WAIT_S = 8.0
#: Response headers worth keeping with a cached answer.
KEPT_HEADERS = frozenset({"content-type", "link", "x-error-code", "x-error-message", "x-revision", "x-repo-commit", "etag"})
Clock = Callable[[], float]


class Http:
    """The client; it may be used from several threads.

    Args:
        offline: use stored answers of any age, never connect.
        deadline_s: seconds that this command may spend on the network, waits included; None for no limit.
        tell: called with a message before a long wait.
        sleep, clock: replaced in tests.
    """

    def __init__(
        self,
        *,
        offline: bool = False,
        deadline_s: float | None = None,
        tell: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Clock = time.monotonic,
    ) -> None:
        self.offline = offline
        self.requests_made = 0
        self._sleep, self._clock, self._tell = sleep, clock, tell
        self._refused: dict[tuple[str, str], str] = {}
        self._ends_at = None if deadline_s is None else clock() + deadline_s
        self._cache = HttpCache(cache_dir() / "http")
        self._transport = Transport()

    def get(
        self, service: Service, path: str, params: Params | None = None, *, ttl_s: int | None = None, max_bytes: int = MAX_BYTES
    ) -> Response:
        """GET `path` (from the service's base URL, or absolute on the same host) with `params`.

        Raises:
            Unavailable: no answer at all; `RateLimited` when the wait asked for is too long.
            BadData: the answer is larger than `max_bytes`.
        """
        return self._request(Call(service, "GET", build_url(service, path, params), b"", service.auth(), max_bytes), ttl_s)

    def post(
        self, service: Service, path: str, payload: object, params: Params | None = None, *, ttl_s: int | None = None
    ) -> Response:
        """POST `payload` as JSON. Only for look-ups: the answer is cached like a GET's."""
        body = json.dumps(payload).encode()
        return self._request(Call(service, "POST", build_url(service, path, params), body, service.auth(), MAX_BYTES), ttl_s)

    def together(self, calls: Iterable[Callable[[], T]]) -> list[T | Exception]:
        """Run `calls` in parallel; the result of a call that raises is its exception.

        Plain threads are used because a pool would make Ctrl-C wait for its threads.
        """
        places = threading.Semaphore(SIDE_BY_SIDE)
        outcomes: dict[int, T | Exception] = {}

        def run(number: int, call: Callable[[], T]) -> None:
            with places:
                try:
                    outcomes[number] = call()
                except Exception as err:
                    outcomes[number] = err

        threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [outcomes[number] for number in range(len(threads))]

    def _request(self, call: Call, ttl_s: int | None) -> Response:
        key = HttpCache.key(call.method, call.url, call.body, json.dumps(call.auth))
        keep_s = call.service.ttl_s if ttl_s is None else ttl_s

        def stored() -> Response | None:
            entry = self._cache.load(key)
            if entry is None:
                return None
            limit = keep_s if entry.status < 300 else min(keep_s, MISSING_TTL_S)
            if not self.offline and not 0 <= time.time() - entry.fetched_at < limit:
                return None
            return Response(entry.status, entry.url, entry.headers, entry.body, entry.fetched_at, True, call.service)

        hit = stored()
        if hit:
            return hit
        if self.offline:
            general = f"offline, and no stored answer from {call.service.name}"
            raise Unavailable(f"{general} for {public_url(call.url)}", hint="run again online", general=general)
        return self._with_retries(call, stored, key)

    def _kept(self, key: str, response: Response) -> Response:
        """Store `response` if it is final and return it; HTML of a service that serves none (a login page) is not stored."""
        final = response.ok or response.status in (404, 410)
        if final and (response.service.html or response.status >= 400 or not response.is_html):
            headers = {name: value for name, value in response.headers.items() if name in KEPT_HEADERS}
            self._cache.store(key, Entry(response.status, public_url(response.url), headers, response.body, response.fetched_at))
        return response

    def _with_retries(self, call: Call, stored: Callable[[], Response | None], key: str) -> Response:
        """Repeat the request until the answer is final. A host that cannot be reached is not tried again."""
        attempt = 1
        # The scope of a 429: the Hub has different limits for `/api/…` and for its files.
        quota = call.service.name, urlsplit(call.url).path.lstrip("/").partition("/")[0]
        while True:
            if quota in self._refused:
                message = f"{call.service.name} was not asked again, because it answers 429 (too many requests)"
                raise RateLimited(message, hint=self._refused[quota])
            response = self._paced(call, stored, key)
            if not may_retry(call.service, response.status, response.headers):
                return response
            wait = wait_seconds(call.service, response.status, response.headers, attempt)
            if wait is None or wait >= self._time_left(wait + 1):
                if response.status == 429:
                    self._refused[quota] = again_in(response)
                return response
            if wait >= ANNOUNCED_WAIT_S:
                self._tell(f"{call.service.name} answers {response.status}: asking again in {wait:.0f} s")
            self._sleep(wait)
            attempt += 1

    def _time_left(self, default: float) -> float:
        return default if self._ends_at is None else max(self._ends_at - self._clock(), 0.0)

    def _paced(self, call: Call, stored: Callable[[], Response | None], key: str) -> Response:
        """Wait for our turn and get the answer, which another process may have stored meanwhile.

        It is stored before the turn ends, as the next process may be waiting for the same answer.
        """
        interval_s = 0.0 if is_loopback(call.url) else call.service.min_interval_s
        if interval_s:
            self._transport.prepare()  # a slow start during our turn would delay the request into the next one
        turn = paced(
            cache_dir() / "pace",
            call.service.pace_name + ("-with-key" if call.auth else ""),
            interval_s,
            hold=call.service.one_at_a_time,
            timeout_s=self._time_left(60.0),
            sleep=self._sleep,
        )
        with turn:
            return (stored() if interval_s else None) or self._kept(key, self._follow(call))

    def _follow(self, call: Call) -> Response:
        """Send and follow up to five redirects; the token is sent only to its own host."""
        for _ in range(6):
            response = self._send(call)
            target = response.headers.get("location")
            if response.status not in (301, 302, 303, 307, 308) or not target or ends_here(call, target):
                return response
            call = redirected(call, response.status, target)
        raise Unavailable(f"{call.service.name} redirects in a circle at {public_url(call.url)}")

    def _send(self, call: Call, *, again: bool = False) -> Response:
        """Send one request; a connection that breaks in the middle is tried a second time."""
        remaining_s = self._time_left(LONGEST_REQUEST_S)
        if remaining_s <= 0:
            raise Unavailable(f"no time left to ask {call.service.name}", hint="give the command longer with --timeout")
        self.requests_made += 1
        try:
            return self._transport.send(call, remaining_s)
        except Broken:
            if again:
                raise
        return self._send(call, again=True)

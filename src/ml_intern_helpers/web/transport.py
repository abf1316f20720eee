"""Sends one request, with certificates, proxies, time and size limits, and removes tokens from the answer.

`requests` applies its connect timeout to each address of a host, and name resolution has no timeout: behind a firewall that drops
packets, a host with eight addresses costs eight timeouts. So a request runs in a thread that can be abandoned, and if it stays
silent, a second connection tests whether the host accepts connections at all.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

from ml_intern_helpers import __version__
from ml_intern_helpers.core.background import Task
from ml_intern_helpers.core.errors import BadData, Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.core.tokens import SHORTEST_SECRET
from ml_intern_helpers.web.response import Response, public_url
from ml_intern_helpers.web.services import Service, allowed_url, is_loopback, origin

if TYPE_CHECKING:
    import socket

    import requests

USER_AGENT = f"ml-intern/{__version__} (Claude Code plugin; helper commands)"
CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 20.0
#: After this silence a second connection tests whether the host is reachable, which may take as long again.
SILENCE_S = 1.0
NO_PROXY: dict[str, str | None] = {"http": None, "https": None, "all": None}
HINT = "check the network and try again"
#: Text in an error, our message, our hint. The first match counts.
_REASONS = (
    ("suitable tls ca certificate", "the certificate file named in the environment does not exist", "correct SSL_CERT_FILE"),
    ("sslerror", "its certificate cannot be verified", "behind an inspecting proxy, name its certificate file in SSL_CERT_FILE"),
    ("proxyerror", "the proxy does not let us through", "check HTTPS_PROXY, or name the host in NO_PROXY"),
    ("timed out", "timed out", HINT),
    ("connection refused", "connection refused", HINT),
    ("failed to resolve", "its name cannot be resolved", HINT),
    ("network is unreachable", "network is unreachable", HINT),
    ("no route to host", "no route to host", HINT),
)
Params = Mapping[str, object]


@dataclass(frozen=True)
class Call:
    """One request: service, method, address and body, the user's credentials as headers, and the size limit of the answer."""

    service: Service
    method: str
    url: str
    body: bytes
    auth: dict[str, str]
    max_bytes: int


class Broken(Unavailable):
    """The connection ended in the middle of an answer; a repetition may succeed."""


class Transport:
    """Sends calls with one session a thread (`requests.Session` is not documented as thread-safe)."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._dead: set[str] = set()  # origins that did not answer; they are not tried again

    def prepare(self) -> None:
        """Import the modules that `send` needs, so that it starts at once."""
        self._session()

    def send(self, call: Call, seconds: float) -> Response:
        """The answer to `call`, of any status, within `seconds`.

        Raises:
            Unavailable: no answer; `Broken` if it ended in the middle.
            BadData: the answer is larger than the limit, or cannot be decoded.
        """
        if origin(call.url) in self._dead:
            raise _unreachable(call, "it did not answer before", HINT)
        session = self._session()
        task = Task(lambda: _exchange(session, call, seconds))
        if not _ends_in_time(task, call, seconds):
            del self._local.session  # the abandoned thread still uses it
            self._dead.add(origin(call.url))
            raise _unreachable(call, "timed out", "check the network, or give it longer with --timeout")
        try:
            return task.outcome()
        except _Failure as failure:
            if failure.broken:
                raise Broken(f"{call.service.name} broke off its answer at {public_url(call.url)}", hint="try again") from None
            self._dead.add(origin(call.url))
            raise _unreachable(call, failure.reason, failure.hint) from None

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            import requests

            session = requests.Session()
            # Even if redirects are not followed, `requests` prepares the next request: it reads the whole body, without a
            # limit, and fails on a malformed target.
            session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
            self._local.session = session
        kept_session: requests.Session = self._local.session
        return kept_session


class _Failure(Exception):
    """A transport error in one line; it contains nothing of the request, which has a token."""

    def __init__(self, err: Exception) -> None:
        super().__init__(type(err).__name__)
        cause = getattr(err.args[0], "reason", err) if err.args else err  # without the URL, whose words could match
        text = f"{type(err).__name__} {cause}".lower()
        #: Whether the answer ended in the middle, or the server had closed a kept connection.
        self.broken = "chunkedencodingerror" in text or "connection aborted" in text
        self.reason, self.hint = next(
            (reason_and_hint for sign, *reason_and_hint in _REASONS if sign in text), [clean(type(err).__name__), HINT]
        )


def _unreachable(call: Call, reason: str, hint: str) -> Unavailable:
    message = f"{call.service.name} could not be reached at {origin(call.url)}: {reason}"
    return Unavailable(message, hint=hint, general=f"{call.service.name} could not be reached")


def _ends_in_time(task: Task[Response], call: Call, seconds: float) -> bool:
    """Whether `task` ends in time; the wait ends early if the host accepts no connection."""
    if task.wait(min(SILENCE_S, seconds)):
        return True
    remaining_s = seconds - SILENCE_S
    if remaining_s <= 0:
        return False
    from requests.utils import get_environ_proxies, select_proxy

    proxied = not is_loopback(call.url) and select_proxy(call.url, get_environ_proxies(call.url)) is not None
    if not proxied and not accepts_connections(call.url, min(SILENCE_S, remaining_s)):
        return task.wait(0)
    return task.wait(max(remaining_s - SILENCE_S, 0))


def _exchange(session: requests.Session, call: Call, seconds: float) -> Response:
    import requests
    import urllib3

    try:
        with _open(session, call, seconds) as raw:
            chunks, size = [], 0
            for chunk in raw.iter_content(64 * 1024):
                size += len(chunk)
                if size > call.max_bytes:
                    raise BadData(
                        f"the answer from {call.service.name} is larger than {call.max_bytes} bytes", hint="ask for less"
                    )
                chunks.append(chunk)
            headers = {name.lower(): value for name, value in raw.headers.items()}
            body = b"".join(chunks)
            # An error page of a proxy or gateway may quote the request, whose token must not reach a cache or message.
            for secret in [value.rsplit(" ", 1)[-1] for value in call.auth.values() if len(value) >= SHORTEST_SECRET]:
                body = body.replace(secret.encode(), b"[token]")
                headers = {name: value.replace(secret, "[token]") for name, value in headers.items()}
            return Response(raw.status_code, call.url, headers, body, time.time(), False, call.service)
    except requests.exceptions.ContentDecodingError:
        raise BadData(f"{call.service.name} sent an answer that cannot be unpacked", hint="try again later") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as err:
        raise _Failure(err) from None


def _open(session: requests.Session, call: Call, seconds: float) -> requests.Response:
    headers = {"user-agent": USER_AGENT, "accept": "*/*", **call.auth}
    # OpenSSL, curl and uv honour `SSL_CERT_FILE`, `requests` does not; its own two variables take precedence.
    requests_bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    certificates = None if requests_bundle else os.environ.get("SSL_CERT_FILE")
    if call.body:
        headers["content-type"] = "application/json"
    return session.request(
        call.method,
        call.url,
        data=call.body or None,
        headers=headers,
        timeout=(min(CONNECT_TIMEOUT_S, seconds), min(READ_TIMEOUT_S, seconds)),
        allow_redirects=False,
        stream=True,
        auth=lambda request: request,  # keeps `requests` from reading ~/.netrc, which could send a password to another host
        verify=certificates or True,
        # A token sent to this machine without encryption must not pass a proxy.
        proxies=NO_PROXY if is_loopback(call.url) else None,  # type: ignore[arg-type]
    )


def accepts_connections(url: str, seconds: float) -> bool:
    """Whether the host and port of `url` take a TCP connection, by IPv4 or IPv6, within `seconds`."""
    import socket

    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    is_connected = threading.Event()

    def attempt(family: socket.AddressFamily) -> None:
        with suppress(OSError, UnicodeError):
            address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0]
            with socket.socket(*address[:3]) as connection:
                connection.settimeout(seconds)
                connection.connect(address[4])
                is_connected.set()

    for family in (socket.AF_INET, socket.AF_INET6):
        threading.Thread(target=attempt, args=(family,), daemon=True).start()
    return is_connected.wait(seconds)


def build_url(service: Service, path: str, params: Params | None) -> str:
    """The absolute URL of `path` at `service`; None values of `params` are left out, lists repeat their name."""
    base = service.base_url
    url = path if path.startswith(("http://", "https://")) else f"{base}/{path.lstrip('/')}"
    if origin(url) != origin(base):
        raise Unavailable(f"{service.name} is at {base}, not at {clean(public_url(url), limit=200)!r}")
    pairs: list[tuple[str, str]] = []
    for name, value in (params or {}).items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                pairs.append((name, str(item).lower() if isinstance(item, bool) else str(item)))
    return url + ("&" if "?" in url else "?") * bool(pairs) + urlencode(pairs)


def ends_here(call: Call, target: str) -> bool:
    """Whether a redirect to `target` is returned to the caller, because it leaves a service with `stays`."""
    try:
        return call.service.stays and origin(urljoin(call.url, target)) != origin(call.service.base_url)
    except ValueError:
        return False


def redirected(call: Call, status: int, target: str) -> Call:
    """`call` at the address of a redirect, without the credentials that must not be sent there."""
    try:
        url = urljoin(call.url, target)
        allowed = allowed_url(url) and (is_loopback(call.url) or not is_loopback(url))
    except ValueError:
        url, allowed = target, False
    if not allowed:
        raise Unavailable(f"{call.service.name} redirects to {clean(public_url(url), limit=200)!r}, which is not followed")
    if origin(url) != origin(call.service.base_url):
        call = replace(call, auth={})
    if status == 303 or (status in (301, 302) and call.method == "POST"):  # as browsers do
        call = replace(call, method="GET", body=b"")
    return replace(call, url=url)

"""A web service on loopback that answers from a table and remembers what it was asked."""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client sent; header names in lower case, `query` maps a name to its values."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What it gets. `body` may be bytes, text, or anything JSON can hold; `delay_s` is waited first."""

    body: object = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0

    def encoded(self) -> tuple[bytes, str]:
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


def _quiet(*_: object) -> None:
    """A client that has read enough hangs up; the server's trace of that would stand in the output under test."""
    error = sys.exception()
    if not isinstance(error, ConnectionError):
        traceback.print_exception(error)


Route = Answer | Callable[[Request], Answer]


class Loopback:
    """Routes are matched by path, longest prefix first; an unknown path gets 404.

    `requests` keeps every request, `spans` when each of them began and ended (`time.monotonic`).
    """

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.requests: list[Request] = []
        self.spans: list[tuple[float, float]] = []
        self.most_at_once = 0
        self._open = 0
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # headers and body are two writes: 40 ms of delayed ACK each time otherwise

            def log_message(self, *args: object) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)
                with service.busy(request):
                    self._reply(service.answer(request))

            def _reply(self, answer: Answer) -> None:
                time.sleep(answer.delay_s)
                data, kind = answer.encoded()
                self.send_response(answer.status)
                for name, value in {"content-type": kind, "content-length": str(len(data)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = _serve  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = _quiet  # type: ignore[method-assign,assignment]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer(self, request: Request) -> Answer:
        for prefix in sorted(self.routes, key=len, reverse=True):
            if request.path == prefix or (prefix.endswith("/") and request.path.startswith(prefix)):
                route = self.routes[prefix]
                return route if isinstance(route, Answer) else route(request)
        return Answer({"error": f"no route for {request.path}"}, 404)

    @contextmanager
    def busy(self, request: Request) -> Iterator[None]:
        with self._lock:
            self.requests.append(request)
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        began = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                self.spans.append((began, time.monotonic()))

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def in_sequence(*services: Loopback) -> int:
    """The longest chain of requests of which each began when the one before had ended."""
    chain, free_from = 0, 0.0
    for began, ended in sorted((span for service in services for span in service.spans), key=lambda span: span[1]):
        if began >= free_from:
            chain, free_from = chain + 1, ended
    return chain

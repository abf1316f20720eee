"""Redirects: followed by hand, so that a token goes no further than the host it belongs to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.web.services import HUB, SEMANTIC_SCHOLAR, Service
from ml_intern_helpers.web.transport import Call, redirected
from support.door import door, enter
from support.loopback import Answer, Loopback

TOKEN = "hf_" + "canaryCANARY" * 2 + "canary0000"


@pytest.fixture
def elsewhere() -> Iterator[Loopback]:
    other = Loopback()
    other.routes["/"] = Answer({"from": "elsewhere"})
    yield other
    other.close()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, home: Path, service: Loopback) -> None:
    enter(monkeypatch, home, service.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("SEMANTIC_SCHOLAR_API_KEY", TOKEN)


def to(url: str, status: int = 302) -> Answer:
    return Answer(b"", status, {"location": url})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("service_", "header"), [(HUB, "authorization"), (SEMANTIC_SCHOLAR, "x-api-key")])
def test_the_token_stays_at_home(service: Loopback, elsewhere: Loopback, service_: Service, header: str, status: int) -> None:
    service.routes["/x"] = to(elsewhere.url + "/file?X-Amz-Signature=1", status)
    assert door().get(service_, "/x").json() == {"from": "elsewhere"}
    assert TOKEN in service.requests[0].headers[header]
    assert header not in elsewhere.requests[0].headers
    assert elsewhere.requests[0].query == {"X-Amz-Signature": ["1"]}


def test_the_same_machine_by_another_name_is_another_host(service: Loopback) -> None:
    service.routes["/x"] = to(service.url.replace("127.0.0.1", "localhost") + "/y")
    service.routes["/y"] = Answer({})
    door().get(HUB, "/x")
    assert ["authorization" in request.headers for request in service.requests] == [True, False]


def test_a_renamed_repository_is_followed_with_the_token(service: Loopback) -> None:
    service.routes["/old"] = to("/new", 307)
    service.routes["/new"] = Answer({"id": "new"})
    response = door().get(HUB, "/old")
    assert (response.json(), response.url) == ({"id": "new"}, service.url + "/new")
    assert ["authorization" in request.headers for request in service.requests] == [True, True]


def test_a_token_that_left_home_does_not_come_back(service: Loopback, elsewhere: Loopback) -> None:
    service.routes["/x"] = to(elsewhere.url + "/y")
    elsewhere.routes["/y"] = to(service.url + "/z")
    service.routes["/z"] = Answer({})
    door().get(HUB, "/x")
    assert ["authorization" in request.headers for request in service.requests] == [True, False]


@pytest.mark.parametrize(
    "target",
    [
        "http://example.org/x",
        "http://10.0.0.5/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "https://user:pw@example.org",
        "http://[bad",
        "//[",
    ],
)
def test_unsafe_targets_are_not_followed(service: Loopback, target: str) -> None:
    service.routes["/x"] = to(target)
    with pytest.raises(Unavailable, match="which is not followed") as caught:
        door().get(HUB, "/x")
    assert len(service.requests) == 1
    assert TOKEN not in caught.value.message


def test_a_distant_host_may_not_send_us_to_this_machine() -> None:
    call = Call(HUB, "GET", "https://huggingface.co/x", b"", {}, 1)
    with pytest.raises(Unavailable, match="which is not followed"):
        redirected(call, 302, "http://127.0.0.1:8080/admin")


def test_a_circle_ends(service: Loopback) -> None:
    service.routes["/x"] = to("/y")
    service.routes["/y"] = to("/x")
    with pytest.raises(Unavailable, match="redirects in a circle"):
        door().get(HUB, "/x")
    assert len(service.requests) == 6


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [(301, "GET", b""), (302, "GET", b""), (303, "GET", b""), (307, "POST", b"[1]"), (308, "POST", b"[1]")],
)
def test_a_redirected_post_becomes_what_the_standard_says(service: Loopback, status: int, method: str, body: bytes) -> None:
    service.routes["/x"] = to("/y", status)
    service.routes["/y"] = Answer({})
    door().post(HUB, "/x", [1])
    assert (service.requests[1].method, service.requests[1].body) == (method, body)


def test_a_redirect_without_a_target_is_an_answer(service: Loopback) -> None:
    service.routes["/x"] = Answer(b"", 302)
    assert door().get(HUB, "/x").status == 302


def test_loopback_by_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: object) -> None:
            pass

    try:
        server = Server(("::1", 0), Handler)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://[::1]:{server.server_address[1]}")
    assert door().get(HUB, "/x").json() == {}
    server.shutdown()
    server.server_close()

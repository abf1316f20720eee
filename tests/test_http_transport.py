"""One request against the world as it is: dead, slow and broken servers, proxies, certificates, ~/.netrc."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.web import transport
from ml_intern_helpers.web.services import HUB
from support.door import door, enter
from support.loopback import Answer, Loopback

TOKEN = "hf_" + "canaryCANARY" * 2 + "canary0000"
ROOM = "the promise is 2 s (or the deadline); the rest is room for a loaded test machine, far from what a fault would cost"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, home: Path, service: Loopback) -> None:
    enter(monkeypatch, home, service.url)


@contextmanager
def server(talk: Callable[[socket.socket, int], None], backlog: int = 50) -> Iterator[tuple[str, list[int]]]:
    """A raw server: `talk(connection, number)` for each connection; yields its URL and the numbers seen."""
    seen: list[int] = []
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                seen.append(len(seen) + 1)
                threading.Thread(target=handle, args=(connection, len(seen)), daemon=True).start()

        def handle(connection: socket.socket, number: int) -> None:
            with connection:
                try:
                    connection.recv(65536)
                    talk(connection, number)
                except OSError:
                    pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", seen
        listening.shutdown(socket.SHUT_RDWR)


@contextmanager
def deaf() -> Iterator[int]:
    """The port of a server whose queue is full: the kernel drops every further attempt, as a firewall does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        time.sleep(0.05)
        yield port
        for each in waiting:
            each.close()


def took(call: Callable[[], object]) -> tuple[float, str]:
    started = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        call()
    return time.monotonic() - started, caught.value.message


def test_nobody_there_is_told_at_once_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    http = door()
    seconds, said = took(lambda: http.get(HUB, "/x"))
    assert said == "Hugging Face Hub could not be reached at http://127.0.0.1:9: connection refused"
    assert seconds < 3, ROOM
    _, again = took(lambda: http.get(HUB, "/y"))
    assert "did not answer before" in again


def test_a_host_that_drops_packets_costs_two_seconds_however_many_addresses_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf() as port:
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 6)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
        seconds, said = took(lambda: door().get(HUB, "/x"))
    assert "timed out" in said
    assert seconds < 4, ROOM


def test_a_name_server_that_never_answers_costs_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> object:
        time.sleep(6)
        raise socket.gaierror("no name server")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    monkeypatch.setenv("HF_ENDPOINT", "http://localhost:9")
    seconds, _ = took(lambda: door().get(HUB, "/x"))
    assert seconds < 4, ROOM


def test_a_slow_service_is_not_a_dead_one(service: Loopback) -> None:
    service.routes["/x"] = Answer({"fine": True}, delay_s=2.5)
    assert door().get(HUB, "/x").json() == {"fine": True}


def test_a_server_that_sends_a_byte_now_and_then_is_cut_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(connection: socket.socket, _: int) -> None:
        connection.sendall(HEAD.replace(b"11", b"99999"))
        for _ in range(100):
            connection.sendall(b" ")
            time.sleep(0.1)

    with server(drip) as (url, _seen):
        monkeypatch.setenv("HF_ENDPOINT", url)
        seconds, said = took(lambda: door(deadline_s=1.2).get(HUB, "/x"))
    assert "timed out" in said
    assert seconds < 4, ROOM


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        pytest.param(HEAD + b'{"fine"', "cut body", id="cut-body"),
        pytest.param(b"", "no answer at all", id="closed-without-a-word"),
    ],
)
def test_a_connection_that_breaks_off_is_tried_once_more(monkeypatch: pytest.MonkeyPatch, first: bytes, reason: str) -> None:
    with server(lambda connection, number: connection.sendall(first if number == 1 else HEAD + b'{"a": 1234}')) as (url, seen):
        monkeypatch.setenv("HF_ENDPOINT", url)
        assert door().get(HUB, "/x").json() == {"a": 1234}
        assert seen == [1, 2]
    with server(lambda connection, _: connection.sendall(first)) as (url, seen):
        monkeypatch.setenv("HF_ENDPOINT", url)
        _, said = took(lambda: door().get(HUB, "/x"))
        assert "broke off its answer" in said
        assert seen == [1, 2]


def test_what_does_not_speak_http_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(lambda connection, _: connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")) as (url, _seen):
        monkeypatch.setenv("HF_ENDPOINT", url)
        took(lambda: door().get(HUB, "/x"))


def test_netrc_is_not_read(service: Loopback, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login somebody password hunter2\ndefault login a password b\n")
    monkeypatch.setenv("NETRC", str(home / ".netrc"))
    service.routes["/x"] = Answer({})
    door().get(HUB, "/x")
    assert "authorization" not in service.requests[0].headers


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_token_for_this_machine_takes_no_way_over_a_proxy(
    service: Loopback, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    service.routes["/x"] = Answer({})
    assert door().get(HUB, "/x").ok


def test_a_distant_host_is_reached_through_the_proxy_that_never_sees_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []

    def proxy(connection: socket.socket, _: int) -> None:
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                heard.append(connection.recv(65536))
                proxy(connection, 1)

        threading.Thread(target=serve, daemon=True).start()
        monkeypatch.delenv("HF_ENDPOINT")
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        _, said = took(lambda: door().get(HUB, "/x"))
    assert heard[0].startswith(b"CONNECT huggingface.co:443 ")
    assert TOKEN.encode() not in heard[0]
    assert said.endswith("the proxy does not let us through")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An https server whose certificate is signed by nobody known; yields its URL and that certificate."""
    file = tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    make += [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        str(file),
        "-out",
        str(tmp_path / "c"),
    ]
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    subprocess.run(make, check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + (tmp_path / "c").read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def talk(connection: socket.socket, _: int) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(65536)
            wrapped.sendall(HEAD + b'{"a": 1234}')

    with server_without_reading(talk) as port:
        yield f"https://localhost:{port}", file


@contextmanager
def server_without_reading(talk: Callable[[socket.socket, int], None]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                    talk(connection, 1)
                except OSError:
                    if listening.fileno() < 0:
                        return

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_company_certificate_is_honoured(secure: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    url, file = secure
    monkeypatch.setenv("HF_ENDPOINT", url)
    monkeypatch.setenv(variable, str(file))
    assert door().get(HUB, "/x").json() == {"a": 1234}


def test_an_unknown_certificate_is_refused_and_the_way_out_named(
    secure: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", secure[0])
    with pytest.raises(Unavailable, match="certificate cannot be verified") as caught:
        door().get(HUB, "/x")
    assert "SSL_CERT_FILE" in str(caught.value.hint)


def test_a_certificate_file_that_is_not_there_is_told(secure: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", secure[0])
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file.pem")
    with pytest.raises(Unavailable, match="certificate file named in the environment does not exist"):
        door().get(HUB, "/x")


def test_the_limits_are_what_the_documentation_says() -> None:
    assert transport.CONNECT_TIMEOUT_S + 0 <= 2
    assert 2 * transport.SILENCE_S <= 2

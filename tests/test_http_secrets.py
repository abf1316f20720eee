"""A token is told to its own host and to nobody else: not to a cache file, not to a message, not to a trace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_intern_helpers.core import tokens
from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.web.client import Http
from ml_intern_helpers.web.services import HUB, OPENALEX, SEMANTIC_SCHOLAR, SERVICES, Service
from support.door import door, enter
from support.helpers import ROOT, Outcome, clean_environment
from support.loopback import Answer, Loopback, Request

CANARY = "hf_" + "canaryCANARY" * 2 + "canary0000"
KEYS = {"HF_TOKEN": CANARY, "SEMANTIC_SCHOLAR_API_KEY": CANARY, "OPENALEX_API_KEY": CANARY}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, home: Path, service: Loopback) -> None:
    enter(monkeypatch, home, service.url)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def echo(request: Request) -> Answer:
    """A gateway's error page that repeats the request, headers and all."""
    sent = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
    return Answer({"error": f"bad request: {sent}"}, 400, {"x-error-message": sent.replace("\n", " "), "location": f"/?{CANARY}"})


#: Every way an answer can go wrong, and the right one.
ANSWERS: dict[str, object] = {
    "fine": Answer({"a": 1}),
    "fine-but-repeats-the-token": lambda request: Answer({"you": str(request.headers)}),
    "400-repeats-the-token": echo,
    "401": Answer({"error": "no"}, 401),
    "403": Answer({"error": "no"}, 403),
    "404-repeats-the-token": lambda request: Answer({"error": str(request.headers)}, 404),
    "429": Answer({"error": "no"}, 429, {"retry-after": "999"}),
    "500-html": Answer("<html>", 501, {"content-type": "text/html"}),
    "not-json": lambda request: Answer(str(request.headers)),
    "redirect-with-the-token": Answer(b"", 302, {"location": f"http://example.org/?token={CANARY}"}),
    "circle": Answer(b"", 302, {"location": f"/x?{CANARY}"}),
    "broken-gzip": Answer(CANARY.encode(), headers={"content-encoding": "gzip"}),
    "too-large": Answer(CANARY.encode() * 9999),
}


def said_by(call: Callable[[Http], object]) -> str:
    """All a command could print of it: the result, or the error with its hint and its causes."""
    try:
        return str(call(door()))
    except ToolError as err:
        causes, cause = [str(err.to_dict())], err.__cause__
        while cause is not None:
            causes.append(repr(cause))
            cause = cause.__cause__
        return " ".join(causes)


@pytest.mark.parametrize("service_", SERVICES, ids=lambda each: each.name)
@pytest.mark.parametrize("kind", ANSWERS)
def test_no_answer_brings_a_token_out(service: Loopback, home: Path, service_: Service, kind: str) -> None:
    service.routes["/x"] = ANSWERS[kind]  # type: ignore[assignment]

    def call(http: Http) -> object:
        response = http.get(service_, "/x", max_bytes=10_000)
        found = f"{dict(response.headers)} {response.body.decode('utf-8', 'replace')} {response.message()}"
        return f"{found} {response.raise_for_status('it').json()}"

    assert CANARY not in said_by(call)
    assert service.requests
    stored = [path for path in (home / "cache").rglob("*") if path.is_file()]
    assert not [path for path in stored if CANARY in path.read_text(errors="replace") or CANARY in path.name]
    if kind.startswith("fine"):
        assert stored


@pytest.mark.parametrize(
    ("service_", "sent"),
    [
        (HUB, {"authorization": f"Bearer {CANARY}"}),
        (SEMANTIC_SCHOLAR, {"x-api-key": CANARY}),
        (OPENALEX, {"authorization": f"Bearer {CANARY}"}),
        *[(each, {}) for each in SERVICES if each.name.startswith(("arXiv", "ar5iv"))],
    ],
    ids=lambda each: getattr(each, "name", None),
)
def test_who_gets_what(service: Loopback, service_: Service, sent: dict[str, str]) -> None:
    service.routes["/x"] = Answer({})
    door().get(service_, "/x")
    headers = service.requests[0].headers
    assert {name: headers[name] for name in sent} == sent
    assert CANARY not in str({name: value for name, value in headers.items() if name not in sent})


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("hf_a\nX-Evil: 1", id="line-break"),
        pytest.param("hf_a\rb", id="carriage-return"),
        pytest.param("hf_ä", id="not-ascii"),
        pytest.param("hf_a b", id="blank"),
        pytest.param("hf_a\x00b", id="nul"),
    ],
)
def test_what_cannot_stand_in_a_header_is_not_sent_and_nothing_else_instead(
    service: Loopback, home: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    file = home / ".cache/huggingface/token"
    file.parent.mkdir(parents=True)
    if "\x00" in value:
        monkeypatch.delenv("HF_TOKEN")
        file.write_text(value)
    else:
        file.write_text("hf_" + "f" * 34)
        monkeypatch.setenv("HF_TOKEN", value)
    service.routes["/x"] = Answer({})
    door().get(HUB, "/x")
    assert "authorization" not in service.requests[0].headers
    assert tokens.hf_token() is None
    assert tokens.hf_token_source()


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_variable_does_not_hide_the_token_file(home: Path, monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    file = home / ".cache/huggingface/token"
    file.parent.mkdir(parents=True)
    file.write_text("hf_from_the_file\n")
    monkeypatch.setenv("HF_TOKEN", blank)
    assert (tokens.hf_token(), tokens.hf_token_source()) == ("hf_from_the_file", str(file))


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"HF_TOKEN_PATH": "~/my/token"}, "my/token"),
        ({"HF_HOME": "$HOME/hf"}, "hf/token"),
        ({"XDG_CACHE_HOME": "~/xdg"}, "xdg/huggingface/token"),
        ({}, ".cache/huggingface/token"),
    ],
)
def test_the_token_file_is_where_the_hubs_client_has_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], place: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert tokens.hf_token_path() == home / place
    ask = "from huggingface_hub import constants; print(constants.HF_TOKEN_PATH)"
    told = subprocess.run(
        [sys.executable, "-c", ask], env=clean_environment(home, **variables), capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == str(home / place)


@pytest.mark.parametrize("arguments", [["--json"], ["--text"], ["--offline"], ["--no-such-option"]], ids=lambda each: each[0])
@pytest.mark.parametrize("kind", ["fine-but-repeats-the-token", "400-repeats-the-token", "not-json", "circle"])
def test_no_process_prints_it(
    helper: Callable[..., Outcome], service: Loopback, home: Path, kind: str, arguments: list[str]
) -> None:
    service.routes["/"] = ANSWERS[kind]  # type: ignore[assignment]
    outcome = helper("detect_compute", *arguments, HF_ENDPOINT=service.url, **KEYS)
    assert CANARY not in outcome.stdout + outcome.stderr
    assert not [path for path in home.rglob("*") if path.is_file() and CANARY in path.read_text(errors="replace")]


def test_not_even_a_bug_prints_it(home: Path) -> None:
    """A trace quotes messages; whatever raised may have put the token in one."""
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "src")!r})
from ml_intern_helpers.cli import commands as cli
from ml_intern_helpers.compute import detect_compute

def fail(args, context):
    raise RuntimeError("headers were {{'authorization': 'Bearer {CANARY}'}}")

detect_compute.run = fail
sys.exit(cli.main("detect_compute", ["--json"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean_environment(home, HF_TOKEN=CANARY), capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "RuntimeError" in done.stdout
    assert "[token]" in done.stdout
    assert CANARY not in done.stdout + done.stderr

"""The door to the network: answers, errors, retries by service, the cache, offline mode."""

from __future__ import annotations

import email.utils
import gzip
import json
import os
import time
from pathlib import Path

import pytest

from ml_intern_helpers.core.errors import AccessDenied, BadData, NotFound, RateLimited, ToolError, Unavailable
from ml_intern_helpers.web.services import AR5IV, ARXIV, HUB, OPENALEX, SEMANTIC_SCHOLAR, SERVICES, VIEWER, Service
from ml_intern_helpers.web.transport import build_url
from support.door import Waits, door, enter, later
from support.loopback import Answer, Loopback, Request


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, home: Path, service: Loopback) -> None:
    enter(monkeypatch, home, service.url)


def scripted(*answers: Answer) -> object:
    """A route that gives one answer after another, the last for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


GOOD = Answer({"fine": True})
WINDOW = {"ratelimit": '"api";r=0;t=7', "ratelimit-policy": '"fixed window";"api";q=500;w=300'}


@pytest.mark.parametrize(
    ("service_", "first", "expected"),
    [
        pytest.param(HUB, Answer(status=429, headers={"retry-after": "3"}), 3.0, id="retry-after-seconds"),
        pytest.param(HUB, Answer(status=429, headers=WINDOW), 7.0, id="hub-window"),
        pytest.param(VIEWER, Answer(status=429, headers=WINDOW), 7.0, id="viewer-window"),
        pytest.param(HUB, Answer("<html>429", 429), 0.5, id="hub-edge-without-headers"),
        pytest.param(HUB, Answer(status=503), 0.5, id="hub-503"),
        pytest.param(VIEWER, Answer(status=500, headers={"x-error-code": "ResponseNotReady"}), 0.5, id="viewer-not-ready"),
        pytest.param(
            VIEWER,
            Answer(status=500, headers={"x-error-code": "PreviousStepStillProcessingError"}),
            0.5,
            id="viewer-still-processing",
        ),
        pytest.param(VIEWER, Answer("Internal Server Error", 500), 0.5, id="viewer-plain-text-500"),
        pytest.param(ARXIV, Answer("Rate exceeded.", 429), 30.0, id="arxiv-429-is-half-a-minute"),
        pytest.param(ARXIV, Answer(status=503), 3.0, id="arxiv-503-is-its-normal-spacing"),
        pytest.param(SEMANTIC_SCHOLAR, Answer({"message": "Too Many Requests.", "code": "429"}, 429), 1.0, id="semantic-scholar"),
        pytest.param(OPENALEX, Answer("slow down", 403), 1.0, id="openalex-403-means-slow-down"),
        pytest.param(OPENALEX, Answer(status=502), 1.0, id="openalex-502"),
    ],
)
def test_what_passes_is_asked_again_after_the_services_own_wait(
    service: Loopback, service_: Service, first: Answer, expected: float
) -> None:
    service.routes["/x"] = scripted(first, GOOD)  # type: ignore[assignment]
    waits = Waits()
    assert door(waits).get(service_, "/x").json() == {"fine": True}
    [wait] = waits
    assert expected <= wait <= expected * 1.25
    assert len(service.requests) == 2


@pytest.mark.parametrize(
    ("service_", "answer", "error"),
    [
        pytest.param(
            HUB,
            Answer({"error": "300 repositories a day"}, 429, {"ratelimit": '"api";r=99794;t=241'}),
            RateLimited,
            id="other-quota",
        ),
        pytest.param(HUB, Answer(status=429, headers={"ratelimit": '"api";r=0;t=241'}), RateLimited, id="longer-than-allowed"),
        pytest.param(HUB, Answer(status=429, headers={"retry-after": "3600"}), RateLimited, id="an-hour"),
        pytest.param(OPENALEX, Answer(status=429, headers={"x-ratelimit-reset": "5"}), RateLimited, id="openalex-budget-is-gone"),
        pytest.param(
            VIEWER, Answer(status=500, headers={"x-error-code": "StreamingRowsError"}), Unavailable, id="viewer-broken-dataset"
        ),
        pytest.param(VIEWER, Answer({"error": "?"}, 500), Unavailable, id="viewer-500-without-code-but-json"),
        pytest.param(
            VIEWER,
            Answer(status=501, headers={"x-error-code": "DatasetWithScriptNotSupportedError"}),
            Unavailable,
            id="viewer-501",
        ),
        pytest.param(HUB, Answer({"error": "Invalid username or password."}, 401), AccessDenied, id="401"),
        pytest.param(HUB, Answer({"error": "gated"}, 403), AccessDenied, id="403"),
        pytest.param(SEMANTIC_SCHOLAR, Answer({"message": "Forbidden"}, 403), AccessDenied, id="semantic-scholar-wrong-key"),
        pytest.param(HUB, Answer({"error": "no"}, 404), NotFound, id="404"),
        pytest.param(HUB, Answer({"error": "bad"}, 400), Unavailable, id="400"),
    ],
)
def test_what_does_not_pass_is_told_at_once(service: Loopback, service_: Service, answer: Answer, error: type[ToolError]) -> None:
    service.routes["/x"] = answer
    waits = Waits()
    with pytest.raises(error) as caught:
        door(waits).get(service_, "/x").raise_for_status("the thing")
    assert type(caught.value) is error
    assert (waits, len(service.requests)) == ([], 1)
    assert caught.value.message.startswith(f"{service_.name} answered {answer.status} for the thing")
    assert caught.value.exit_code == 3


def test_the_seconds_a_service_asks_for_are_passed_on(service: Loopback) -> None:
    service.routes["/x"] = Answer(status=429, headers={"ratelimit": '"api";r=0;t=241'})
    with pytest.raises(RateLimited) as caught:
        door().get(HUB, "/x").raise_for_status("it")
    assert caught.value.hint == "ask again in 4 min"


def test_a_retry_after_may_be_a_date(service: Loopback) -> None:
    in_ten = email.utils.formatdate(time.time() + 10, usegmt=True)
    service.routes["/x"] = scripted(Answer(status=503, headers={"retry-after": in_ten}), GOOD)  # type: ignore[assignment]
    waits = Waits()
    door(waits).get(HUB, "/x")
    assert 8 < waits[0] <= 10


@pytest.mark.parametrize("value", ["soon", "-1", "²", "Mon, 99 Foo 2026 00:00:00 GMT", ""])
def test_a_retry_after_that_makes_no_sense_is_ignored(service: Loopback, value: str) -> None:
    service.routes["/x"] = scripted(Answer(status=503, headers={"retry-after": value.encode().decode("latin-1")}), GOOD)  # type: ignore[assignment]
    assert door().get(HUB, "/x").ok


def test_it_gives_up_after_the_services_number_of_tries(service: Loopback) -> None:
    service.routes["/x"] = Answer("down", 503)
    waits = Waits()
    response = door(waits).get(HUB, "/x")
    assert (response.status, len(service.requests), len(waits)) == (503, 4, 3)
    assert waits == sorted(waits)


def test_a_deadline_ends_the_retries(service: Loopback) -> None:
    service.routes["/x"] = Answer(status=503, headers={"retry-after": "5"})
    waits = Waits()
    assert door(waits, deadline_s=4).get(HUB, "/x").status == 503
    assert waits == []


def test_no_time_left_is_said_without_asking(service: Loopback) -> None:
    moments = iter([0.0, *[99.0] * 9])
    with pytest.raises(Unavailable, match="no time left"):
        door(deadline_s=1, clock=lambda: next(moments)).get(HUB, "/x")
    assert service.requests == []


def test_a_repeated_question_costs_no_request_and_names_its_date(service: Loopback) -> None:
    service.routes["/x"] = GOOD
    first = door().get(HUB, "/x", {"q": "a"})
    second = door().get(HUB, "/x", {"q": "a"})
    assert (first.cached, second.cached, len(service.requests)) == (False, True, 1)
    assert second.json() == {"fine": True}
    assert second.date == first.date
    assert second.date == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second.fetched_at))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"params": {"q": "b"}}, id="other-question"),
        pytest.param({"ttl_s": 0}, id="too-old"),
        pytest.param({"token": "hf_" + "b" * 34}, id="other-account"),
    ],
)
def test_what_differs_is_asked_for(service: Loopback, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]) -> None:
    service.routes["/x"] = GOOD
    monkeypatch.setenv("HF_TOKEN", "hf_" + "a" * 34)
    door().get(HUB, "/x", {"q": "a"})
    monkeypatch.setenv("HF_TOKEN", str(change.pop("token", "hf_" + "a" * 34)))
    door().get(HUB, "/x", **{"params": {"q": "a"}, **change})  # type: ignore[arg-type]
    assert len(service.requests) == 2


def test_posts_with_other_bodies_are_other_questions(service: Loopback) -> None:
    service.routes["/batch"] = lambda request: Answer(json.loads(request.body))
    http = door()
    assert [http.post(SEMANTIC_SCHOLAR, "/batch", {"ids": [n]}).json() for n in (1, 2, 1)] == [
        {"ids": [1]},
        {"ids": [2]},
        {"ids": [1]},
    ]
    assert len(service.requests) == 2
    assert service.requests[0].headers["content-type"] == "application/json"


def test_a_missing_thing_is_remembered_for_minutes_only(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    service.routes["/x"] = Answer({"error": "no"}, 404)
    door().get(ARXIV, "/x")
    assert door().get(ARXIV, "/x").cached
    later(monkeypatch, 301)
    assert not door().get(ARXIV, "/x").cached


@pytest.mark.parametrize(
    ("service_", "answer"),
    [
        pytest.param(HUB, Answer("busy", 503), id="server-error"),
        pytest.param(HUB, Answer({"error": "who are you"}, 401), id="401"),
        pytest.param(
            HUB, Answer("<html>Log in to the hotel's network", headers={"content-type": "text/html"}), id="captive-portal"
        ),
    ],
)
def test_what_is_no_answer_is_not_kept(service: Loopback, service_: Service, answer: Answer) -> None:
    service.routes["/x"] = scripted(*[answer] * (4 if answer.status == 503 else 1), GOOD)  # type: ignore[assignment]
    door().get(service_, "/x")
    assert door().get(service_, "/x").json() == {"fine": True}


def test_pages_are_kept_where_pages_are_the_answer(service: Loopback) -> None:
    service.routes["/html/1"] = Answer("<html>", headers={"content-type": "text/html"})
    door().get(AR5IV, "/html/1")
    assert door().get(AR5IV, "/html/1").cached


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"{",
        b"[]",
        b'{"status": 200}',
        b"\x00\xff",
        b'{"status":200,"url":"","headers":{},"body":"%%%","fetched_at":1}',
        b"{}" * 9,
    ],
)
def test_a_broken_cache_entry_is_fetched_again(service: Loopback, home: Path, junk: bytes) -> None:
    service.routes["/x"] = GOOD
    door().get(HUB, "/x")
    [entry] = (home / "cache/http").glob("*.json")
    entry.write_bytes(junk)
    response = door().get(HUB, "/x")
    assert (response.cached, response.json()) == (False, {"fine": True})
    assert door().get(HUB, "/x").cached


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), 9e99])
def test_a_cache_entry_of_no_time_is_fetched_again(service: Loopback, home: Path, moment: float) -> None:
    service.routes["/x"] = GOOD
    door().get(HUB, "/x")
    [entry] = (home / "cache/http").glob("*.json")
    entry.write_text(json.dumps({**json.loads(entry.read_text()), "fetched_at": moment}))
    assert not door().get(HUB, "/x").cached


def test_the_cache_folder_is_for_the_user_alone(service: Loopback, home: Path) -> None:
    service.routes["/x"] = GOOD
    door().get(HUB, "/x")
    assert (home / "cache/http").stat().st_mode & 0o077 == 0


def test_a_cache_that_cannot_be_written_costs_nothing_but_itself(service: Loopback, home: Path) -> None:
    (home / "cache").write_text("a file where the folder should be")
    service.routes["/x"] = GOOD
    assert [door().get(HUB, "/x").cached for _ in range(2)] == [False, False]


def test_what_nobody_asked_for_in_a_month_goes(service: Loopback, home: Path) -> None:
    service.routes["/"] = GOOD
    door().get(HUB, "/old")
    folder = home / "cache/http"
    [entry] = folder.glob("*.json")
    for path in folder.iterdir():
        os.utime(path, (1e9, 1e9))
    door().get(HUB, "/new")
    assert not entry.exists()
    assert len(list(folder.glob("*.json"))) == 1


def test_offline_answers_from_the_cache_whatever_its_age_and_never_connects(
    service: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.routes["/x"] = GOOD
    door().get(HUB, "/x")
    later(monkeypatch, 10**7)
    offline = door(offline=True)
    assert offline.get(HUB, "/x").cached
    with pytest.raises(Unavailable, match="offline, and no stored answer from Hugging Face Hub") as caught:
        offline.get(HUB, "/y")
    assert caught.value.hint == "run again online"
    assert len(service.requests) == 1


def test_bytes_packed_on_the_way_are_unpacked(service: Loopback) -> None:
    packed = gzip.compress(b'{"a": 1}')
    service.routes["/x"] = Answer(packed, headers={"content-encoding": "gzip", "content-type": "application/json"})
    assert door().get(HUB, "/x").json() == {"a": 1}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(Answer(b"x" * 101), "larger than 100 bytes", id="too-large"),
        pytest.param(
            Answer(gzip.compress(b"x" * 10_000_000), headers={"content-encoding": "gzip"}),
            "larger than 100 bytes",
            id="gzip-bomb",
        ),
        pytest.param(Answer(b"no gzip", headers={"content-encoding": "gzip"}), "cannot be unpacked", id="broken-gzip"),
    ],
)
def test_an_answer_that_is_too_much_or_broken(service: Loopback, answer: Answer, said: str) -> None:
    service.routes["/x"] = answer
    with pytest.raises(BadData, match=said):
        door().get(HUB, "/x", max_bytes=100)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(Answer("<html><b>Please log in</b>", headers={"content-type": "text/html"}), "text/html", id="html"),
        pytest.param(Answer('{"a": ', headers={"content-type": "application/json"}), "application/json", id="cut-json"),
        pytest.param(Answer("[" * 100_000), "text/plain", id="nested-to-death"),
        pytest.param(Answer(b"\xff\xfe"), "octet-stream", id="binary"),
    ],
)
def test_what_is_not_json_is_told_in_one_clean_line(service: Loopback, answer: Answer, said: str) -> None:
    service.routes["/x"] = answer
    with pytest.raises(BadData, match=said) as caught:
        door().get(HUB, "/x?sig=SECRET").json()
    assert "\n" not in caught.value.message
    assert "SECRET" not in str(caught.value.hint)


def test_a_services_own_words_are_cleaned_and_short(service: Loopback) -> None:
    service.routes["/x"] = Answer({"error": "\x1b[31mline one\nline two\u202e" + "x" * 999}, 404)
    with pytest.raises(NotFound) as caught:
        door().get(HUB, "/x").raise_for_status("it")
    assert "line one line two" in caught.value.message
    assert len(caught.value.message) < 420
    assert "\x1b" not in caught.value.message


def test_side_by_side_calls_keep_their_order_and_their_errors(service: Loopback) -> None:
    service.routes["/"] = lambda request: Answer({"path": request.path}, delay_s=0.2)
    http = door()

    def missing() -> object:
        raise NotFound("not there")

    outcomes = http.together([lambda n=n: http.get(HUB, f"/{n}").json()["path"] for n in range(8)] + [missing])
    assert outcomes[:8] == [f"/{n}" for n in range(8)]
    assert isinstance(outcomes[8], NotFound)
    assert service.most_at_once > 2


def test_every_request_says_who_asks(service: Loopback) -> None:
    service.routes["/x"] = GOOD
    door().get(HUB, "/x")
    assert service.requests[0].headers["user-agent"].startswith("ml-intern/")


@pytest.mark.parametrize(
    ("path", "params", "url"),
    [
        ("/a", {"q": "x y", "n": 3, "flag": True, "none": None, "many": ["1", "2"]}, "/a?q=x+y&n=3&flag=true&many=1&many=2"),
        ("a", None, "/a"),
        ("/a?b=1", {"c": "&"}, "/a?b=1&c=%26"),
        ("//evil.example/a", None, "/evil.example/a"),
    ],
)
def test_urls(service: Loopback, path: str, params: dict[str, object] | None, url: str) -> None:
    assert build_url(HUB, path, params) == service.url + url


def test_an_absolute_url_must_be_the_services_own(service: Loopback) -> None:
    assert build_url(HUB, service.url + "/next", None) == service.url + "/next"
    with pytest.raises(Unavailable, match="is at http"):
        build_url(HUB, "https://evil.example/next", None)


def test_equal_origins_are_equal_however_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT")
    assert build_url(HUB, "https://HuggingFace.co:443/api", None) == "https://HuggingFace.co:443/api"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://huggingface.co", "is not an https URL"),
        ("http://10.0.0.5", "is not an https URL"),
        ("ftp://127.0.0.1", "is not an https URL"),
        ("huggingface.co", "is not an https URL"),
        ("http://127.0.0.1:notaport", "is not an https URL"),
        ("https://user:PASSWORD@huggingface.co", "holds credentials"),
        ("http://127.0.0.1@evil.example", "holds credentials"),
    ],
)
@pytest.mark.parametrize("service_", SERVICES, ids=lambda each: each.env)
def test_a_base_url_must_be_safe(monkeypatch: pytest.MonkeyPatch, service_: Service, url: str, said: str) -> None:
    monkeypatch.setenv(service_.env, url)
    with pytest.raises(ToolError, match=said) as caught:
        door().get(service_, "/x")
    assert caught.value.exit_code == 2
    assert service_.env in caught.value.message
    assert "PASSWORD" not in caught.value.message


def test_the_door_reads_what_it_is_asked_for(service: Loopback) -> None:
    seen: list[Request] = []
    service.routes["/x"] = lambda request: (seen.append(request), Answer("täxt"))[1]
    response = door().get(HUB, "/x", {"q": "ü"})
    assert (response.body.decode(), seen[0].query) == ("täxt", {"q": ["ü"]})
    assert response.url == service.url + "/x?q=%C3%BC"
